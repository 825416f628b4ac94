"""Placebo directions: random ones and repeng's default, at doses that cost as much fluency as the real one."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

import numpy as np

from cocoon.models.local.weights import Weights
from cocoon.steering.calibration.behaviour import Arm, Speaking, behaviour, sample_replies
from cocoon.steering.control.control import Control
from cocoon.steering.directions.direction import Direction
from cocoon.steering.directions.extract import Recipe, direction_of, read_contrast
from cocoon.steering.directions.from_pairs import language_of
from cocoon.steering.pairs.pairs import read_pairs
from cocoon.steering.pairs.situations import Situation, read_situations

# Doses that are tried, as multiples of the dose with equal norm.
TRIED = (1.0, 2.0, 4.0, 8.0)
# The same for repeng's default, whose vectors of unit length are small beside a residual norm.
REPENG_TRIED = (0.06, 0.12, 0.25, 0.5, *TRIED)
_SITUATIONS = 12
_SEED = 1


def random_placebo(
    weights: Weights, real: Control, coefficient: float, speaking: Speaking | None = None
) -> tuple[Direction, float | None]:
    """Return a random direction like the real one, and its dose that is as surprising as `coefficient` of that.

    The dose is None if no dose is as costly. `speaking` says how the model speaks meanwhile.
    """
    chance = Direction.random(real.direction, _SEED)
    doses = [round(coefficient * multiple, 6) for multiple in TRIED]
    other = replace(real, direction=chance)
    return chance, equal_surprise(weights, real, coefficient, other, doses, _situations(real.direction), speaking)


def repeng_dose(
    weights: Weights, default: Direction, real: Control, coefficient: float, speaking: Speaking | None = None
) -> float | None:
    """Return the dose of repeng's default that is as surprising as `coefficient` of the real one, None if none is."""
    like = real.direction
    norm = float(np.mean([like.norms[like.layers.index(layer)] for layer in real.layers]))
    doses = [round(coefficient * norm * multiple, 4) for multiple in REPENG_TRIED]
    other = Control(default, tokens="both")
    return equal_surprise(weights, real, coefficient, other, doses, _situations(like), speaking)


def repeng_default(weights: Weights, like: Direction) -> Direction:
    """Return the direction that repeng makes of the pairs of `like`, with norms of 1.

    It reads the last token, takes the first component of the differences, and steers all layers but the outer ones.
    """
    recipe = Recipe("reply", "last", "pca_diff")
    pairs = read_pairs(like.card.pairs or f"shipped:{language_of(like)}")
    band = range(like.layer_count - 18, like.layer_count - 4) if like.layer_count > 20 else range(1, like.layer_count)
    direction = direction_of(weights, read_contrast(weights, pairs, recipe), recipe, list(band))
    return replace(direction, norms=np.ones_like(direction.norms))


def _situations(direction: Direction) -> list[Situation]:
    return read_situations(f"shipped:{language_of(direction)}:calibrate")[:_SITUATIONS]


def equal_surprise(
    weights: Weights,
    real: Control,
    coefficient: float,
    other: Control,
    doses: Sequence[float],
    situations: Sequence[Situation],
    speaking: Speaking | None = None,
) -> float | None:
    """Return the dose of `other` whose replies are as unlikely, under the unsteered model, as those of `real`.

    The dose is interpolated linearly between 0 and `doses` (ascending). It is the smallest of `doses` if `real` costs
    nothing, and None if no dose is costly enough.
    """
    arms = [Arm("real", coefficient, real), Arm("other"), *(Arm("other", dose, other) for dose in doses)]
    replies = sample_replies(weights, situations, arms, 1, speaking)
    target_nats = behaviour([reply for reply in replies if reply.label == "real"]).nats
    dose_ladder = [0.0, *doses]
    nats_by_dose = [
        behaviour([reply for reply in replies if reply.label == "other" and reply.coefficient == dose]).nats
        for dose in dose_ladder
    ]
    # If a dose leaves only empty replies, larger doses are not informative either.
    finite_nats = [nats for nats in takewhile(lambda nats: nats is not None, nats_by_dose) if nats is not None]
    rising = np.maximum.accumulate(np.array(finite_nats))
    if target_nats is None or len(finite_nats) < 2 or target_nats > rising[-1]:
        return None
    if target_nats <= rising[0]:
        return doses[0]
    return round(float(np.interp(target_nats, rising, dose_ladder[: len(finite_nats)])), 6)
