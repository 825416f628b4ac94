"""Placebos of a sweep: find the dose at which another direction costs as much fluency as the real one."""

from collections.abc import Sequence
from itertools import takewhile

import numpy as np

from cocoon.models.local.weights import Weights
from cocoon.steering.calibration.behaviour import Arm, Speaking, behaviour, sample_replies
from cocoon.steering.control.control import Control
from cocoon.steering.pairs.situations import Situation

# Doses that are tried, as multiples of the dose with equal norm.
TRIED = (1.0, 2.0, 4.0, 8.0)


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
