"""Extract a questioning direction from pairs, choose its layers by what they do to replies, and report how."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from cocoon import __version__
from cocoon.core.errors import CocoonError
from cocoon.core.records import Record
from cocoon.models.local.decoder_layers import decoder_layers
from cocoon.models.local.weights import Weights, model_hash
from cocoon.steering.calibration.behaviour import Arm, Behaviour, Speaking, behaviour, sample_replies
from cocoon.steering.control.control import Control
from cocoon.steering.control.starts import sentence_marks
from cocoon.steering.directions.direction import At, Direction, DirectionCard
from cocoon.steering.directions.estimate import Method, fit, held_out_accuracy, leaks, shortlist, split_half
from cocoon.steering.directions.reading import read_states
from cocoon.steering.pairs.contrast import Contrast, PairKind, Position, contrast
from cocoon.steering.pairs.pairs import Pair
from cocoon.steering.pairs.situations import Situation

# Doses at which bands are tried, as a share of the median residual norm, summed over the layers of a band.
TRIED: dict[At, tuple[float, float]] = {"every": (0.27, 0.45), "starts": (0.5, 0.9)}
TRIALS = 3
BAND_SHARE = 0.3


@dataclass(frozen=True)
class Recipe:
    """Settings for making a direction. `layers` to read (None: all), and `band` to steer (None: a small test chooses).

    `at` says which tokens the direction steers. None means `starts` for kind `instruction`, which is read where a reply
    begins, and `every` for kind `reply`, which is read inside a reply.
    """

    kind: PairKind = "instruction"
    position: Position | None = None
    method: Method = "mean"
    layers: tuple[int, ...] | None = None
    band: tuple[int, ...] | None = None
    at: At | None = None

    @property
    def steers(self) -> At:
        """The tokens that the direction steers."""
        return self.at or ("starts" if self.kind == "instruction" else "every")


class BandTrial(Record):
    """How the model behaved with one band of layers at several coefficients.

    `score` is the share of replies with a genuine question minus the share of broken ones, as a mean over the
    coefficients.
    """

    band: list[int]
    accuracy: float
    coefficients: list[float]
    behaviours: list[Behaviour]
    score: float


class Extraction(Record):
    """How a direction was found. Lists run over `layers`. `accuracy` and `halves` are those of unseen situations."""

    pairs: int
    situations: int
    tokens: int
    layers: list[int]
    accuracy: list[float]
    halves: list[float]
    leaks: bool
    band: list[int] | None
    at: At
    why: str
    trials: list[BandTrial] = Field(default_factory=list)


@dataclass
class Read:
    """The states of one contrast. `positive` and `negative` have shape (pairs, layers, hidden)."""

    contrast: Contrast
    layers: tuple[int, ...]
    positive: NDArray[np.float32]
    negative: NDArray[np.float32]
    norms: NDArray[np.float32]
    tokens: int


def read_contrast(weights: Weights, pairs: Sequence[Pair], recipe: Recipe) -> Read:
    """Return what the model computes for both sides of every pair."""
    contrasted = contrast(weights.template, pairs, recipe.kind, recipe.position)
    states = read_states(weights, contrasted.rows, recipe.layers)
    return Read(contrasted, states.layers, states.values[::2], states.values[1::2], states.norms, states.tokens)


def direction_of(weights: Weights, read: Read, recipe: Recipe, band: Sequence[int] | None = None) -> Direction:
    """Return the direction of the states that were read, to be applied in `band`."""
    card = DirectionCard(
        layers=list(read.layers),
        band=list(band) if band else None,
        layer_count=len(decoder_layers(weights.network)),
        model=weights.name,
        revision=weights.revision,
        model_hash=model_hash(weights.network),
        kind=recipe.kind,
        method=recipe.method,
        position=read.contrast.position,
        template_hash=weights.template.sha256,
        data_hash=read.contrast.data_hash,
        at=recipe.steers,
        marks=sentence_marks(weights.tokenizer),
        cocoon=__version__,
    )
    return Direction(fit(read.positive, read.negative, recipe.method), read.norms, card)


def extract(
    weights: Weights,
    pairs: Sequence[Pair],
    recipe: Recipe,
    choose: Sequence[Situation] = (),
    speaking: Speaking | None = None,
    report: Callable[[str], None] | None = None,
    replies: int = TRIALS,
) -> tuple[Direction, Extraction]:
    """Return the direction of `pairs` and a record of how it was found.

    Without a band in the recipe, the bands that separate unseen situations best are tried on the situations of
    `choose`, with `replies` to each situation, band and dose. Raises CocoonError if the read position reads
    punctuation, because then no layer can be chosen by it.
    """
    tell = report or (lambda _: None)
    read = read_contrast(weights, pairs, recipe)
    tell(f"{len(read.positive)} pairs of {len(set(read.contrast.groups))} situations read, {read.tokens} tokens")
    accuracy = held_out_accuracy(read.positive, read.negative, read.contrast.groups, recipe.method)
    halves = split_half(read.positive, read.negative, read.contrast.groups, recipe.method)
    direction = direction_of(weights, read, recipe, recipe.band)
    first = _at_first_layer(weights, pairs, recipe, read, accuracy)
    trials, band, why = list[BandTrial](), recipe.band, "given"
    if band is None:
        _refuse_leak(leaks(first), first, read.contrast)
        trials = try_bands(weights, direction, accuracy, choose, speaking, tell, replies)
        band = tuple(trials[0].band)
        why = _why(trials, choose, replies)
    final = replace(direction, card=direction.card.model_copy(update={"band": list(band)}))
    extraction = Extraction(
        pairs=len(read.positive),
        situations=len(set(read.contrast.groups)),
        tokens=read.tokens,
        layers=list(read.layers),
        accuracy=accuracy.tolist(),
        halves=halves.tolist(),
        leaks=leaks(first),
        band=list(band),
        at=recipe.steers,
        why=why,
        trials=trials,
    )
    return final, extraction


def _at_first_layer(
    weights: Weights, pairs: Sequence[Pair], recipe: Recipe, read: Read, accuracy: NDArray[np.float64]
) -> float:
    """Return held-out accuracy at layer 0, reading that layer only for this if it is not among the layers."""
    if read.layers[0] == 0:
        return float(accuracy[0])
    lowest = read_contrast(weights, pairs, replace(recipe, layers=(0,)))
    lowest_accuracy = held_out_accuracy(lowest.positive, lowest.negative, lowest.contrast.groups, recipe.method)
    return float(lowest_accuracy[0])


def _refuse_leak(leaking: bool, first: float, contrasted: Contrast) -> None:
    if leaking:
        raise CocoonError(
            f"read at {contrasted.position!r} the sides are told apart at layer 0 ({first:.2f}): punctuation is read, "
            "so layers cannot be chosen by it; name them (--band 13-21), or read at another position"
        )


def _why(trials: Sequence[BandTrial], choose: Sequence[Situation], replies: int) -> str:
    if not choose:
        return "highest held-out accuracy; nothing was tried, since no situations to choose with were given"
    replied = f"{replies} {'reply' if replies == 1 else 'replies'} to each of {len(choose)} situations and two doses"
    return f"best of {len(trials)} bands by {replied}: genuine questions less broken replies"


def try_bands(
    weights: Weights,
    direction: Direction,
    accuracy: NDArray[np.float64],
    choose: Sequence[Situation],
    speaking: Speaking | None = None,
    tell: Callable[[str], None] | None = None,
    replies_each: int = TRIALS,
) -> list[BandTrial]:
    """Return the shortlisted bands with how the model behaved, the best first.

    Without situations they keep the order of accuracy.
    """
    width = max(1, round(BAND_SHARE * direction.layer_count))
    index_bands = shortlist(accuracy, width)
    bands = [tuple(direction.layers[index] for index in band) for band in index_bands]
    doses = [round(total / width, 4) for total in TRIED[direction.card.at]]
    arms = [Arm(f"{band[0]}-{band[-1]}", dose, Control(direction, band)) for band in bands for dose in doses]
    if tell and choose:
        total = len(choose) * len(arms) * replies_each
        tell(f"trying {len(bands)} bands of layers with {total} short replies; a band that is given saves that time")
    replies = sample_replies(weights, choose, arms, replies_each, speaking) if choose else []
    trials: list[BandTrial] = []
    for band, indices in zip(bands, index_bands, strict=True):
        band_replies = [reply for reply in replies if reply.label == f"{band[0]}-{band[-1]}"]
        behaviours = (
            [behaviour([reply for reply in band_replies if reply.coefficient == dose]) for dose in doses]
            if band_replies
            else []
        )
        score = sum((measured.genuine or 0.0) - (measured.broken or 0.0) for measured in behaviours) / max(
            1, len(behaviours)
        )
        trials.append(
            BandTrial(
                band=list(band),
                accuracy=float(accuracy[list(indices)].mean()),
                coefficients=doses,
                behaviours=behaviours,
                score=score,
            )
        )
        if tell and behaviours:
            tell(f"layers {band[0]}-{band[-1]}: score {score:.2f}")
    return sorted(trials, key=lambda trial: -trial.score) if choose else trials
