"""Extracts a questioning direction: pairs in, a direction with its layers chosen by what it does, and a report, out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from cocoon import __version__
from cocoon.core.decoder_layers import decoder_layers
from cocoon.core.errors import CocoonError
from cocoon.core.local_weights import Weights, model_hash
from cocoon.core.records import Record
from cocoon.steering.behaviour import Arm, Behaviour, Speaking, behaviour, speak
from cocoon.steering.contrast import Contrast, PairKind, Position, contrast
from cocoon.steering.control import Control
from cocoon.steering.direction import At, Direction, DirectionCard
from cocoon.steering.estimate import Method, fit, held_out_accuracy, leaks, shortlist, split_half
from cocoon.steering.pairs import Pair
from cocoon.steering.reading import read_states
from cocoon.steering.situations import Situation
from cocoon.steering.starts import sentence_marks

# Doses at which bands are tried: a share of the median residual norm times the layers of a band.
TRIED: dict[At, tuple[float, float]] = {"every": (0.27, 0.45), "starts": (0.5, 0.9)}
TRIALS = 3
BAND_SHARE = 0.3


@dataclass(frozen=True)
class Recipe:
    """How a direction is made. `layers` to read (none: all); `band` to steer (none: chosen by a small test).

    `at`: which tokens it steers; none is `starts` for kind `instruction`, which is read where a reply begins, and
    `every` for kind `reply`, which is read inside of one.
    """

    kind: PairKind = "instruction"
    position: Position | None = None
    method: Method = "mean"
    layers: tuple[int, ...] | None = None
    band: tuple[int, ...] | None = None
    at: At | None = None

    @property
    def steers(self) -> At:
        """Which tokens it steers."""
        return self.at or ("starts" if self.kind == "instruction" else "every")


class BandTrial(Record):
    """What a band of layers did at some coefficients.

    `score`: share of replies with a genuine question minus that of broken ones, the mean over the coefficients.
    """

    band: list[int]
    accuracy: float
    coefficients: list[float]
    behaviours: list[Behaviour]
    score: float


class Extraction(Record):
    """How a direction was found. Lists run over `layers`; `accuracy` and `halves` are those of unseen situations."""

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
    """The states of one contrast; `positive` and `negative` have shape (pairs, layers, hidden)."""

    contrast: Contrast
    layers: tuple[int, ...]
    positive: NDArray[np.float32]
    negative: NDArray[np.float32]
    norms: NDArray[np.float32]
    tokens: int


def read_contrast(weights: Weights, pairs: Sequence[Pair], recipe: Recipe) -> Read:
    """What the model computes for both sides of every pair."""
    made = contrast(weights.template, pairs, recipe.kind, recipe.position)
    states = read_states(weights, made.rows, recipe.layers)
    return Read(made, states.layers, states.values[::2], states.values[1::2], states.norms, states.tokens)


def direction_of(weights: Weights, read: Read, recipe: Recipe, band: Sequence[int] | None = None) -> Direction:
    """The direction of what was read, to be applied in `band`."""
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
) -> tuple[Direction, Extraction]:
    """The direction of `pairs` and how it was found.

    Without a band in the recipe, bands in which unseen situations are told apart best are tried on the situations
    of `choose`. Raises CocoonError where the read position reads punctuation, so that no layer can be chosen by it.
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
        trials = try_bands(weights, direction, accuracy, choose, speaking, tell)
        band = tuple(trials[0].band)
        why = _why(trials, choose)
    final = replace(direction, card=direction.card.model_copy(update={"band": list(band)}))
    found = Extraction(
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
    return final, found


def _at_first_layer(
    weights: Weights, pairs: Sequence[Pair], recipe: Recipe, read: Read, accuracy: NDArray[np.float64]
) -> float:
    """Held-out accuracy at layer 0, which is read for this alone where it was not among the layers."""
    if read.layers[0] == 0:
        return float(accuracy[0])
    lowest = read_contrast(weights, pairs, replace(recipe, layers=(0,)))
    found = held_out_accuracy(lowest.positive, lowest.negative, lowest.contrast.groups, recipe.method)
    return float(found[0])


def _refuse_leak(leaking: bool, first: float, made: Contrast) -> None:
    if leaking:
        raise CocoonError(
            f"read at {made.position!r} the sides are told apart at layer 0 ({first:.2f}): punctuation is read, "
            "so layers cannot be chosen by it; name them (--band 13-21), or read at another position"
        )


def _why(trials: Sequence[BandTrial], choose: Sequence[Situation]) -> str:
    if not choose:
        return "highest held-out accuracy; nothing was tried, since no situations to choose with were given"
    return f"best of {len(trials)} bands on {len(choose)} situations: genuine questions less broken replies"


def try_bands(
    weights: Weights,
    direction: Direction,
    accuracy: NDArray[np.float64],
    choose: Sequence[Situation],
    speaking: Speaking | None = None,
    tell: Callable[[str], None] | None = None,
) -> list[BandTrial]:
    """The shortlisted bands with what they did, the best first; without situations in the order of accuracy."""
    width = max(1, round(BAND_SHARE * direction.layer_count))
    places = shortlist(accuracy, width)
    bands = [tuple(direction.layers[place] for place in band) for band in places]
    doses = [round(total / width, 4) for total in TRIED[direction.card.at]]
    arms = [Arm(f"{band[0]}-{band[-1]}", dose, Control(direction, band)) for band in bands for dose in doses]
    replies = speak(weights, choose, arms, TRIALS, speaking) if choose else []
    trials: list[BandTrial] = []
    for band, place in zip(bands, places, strict=True):
        own = [reply for reply in replies if reply.label == f"{band[0]}-{band[-1]}"]
        found = [behaviour([reply for reply in own if reply.coefficient == dose]) for dose in doses] if own else []
        score = sum((one.genuine or 0.0) - (one.broken or 0.0) for one in found) / max(1, len(found))
        trials.append(
            BandTrial(
                band=list(band),
                accuracy=float(accuracy[list(place)].mean()),
                coefficients=doses,
                behaviours=found,
                score=score,
            )
        )
        if tell and found:
            tell(f"layers {band[0]}-{band[-1]}: score {score:.2f}")
    return sorted(trials, key=lambda trial: -trial.score) if choose else trials
