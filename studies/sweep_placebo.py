"""Placebos of a sweep: random directions, and the dose at which one costs as much fluency as the real one."""

from collections.abc import Sequence

import numpy as np

from cocoon.core.local_weights import Weights
from cocoon.steering.behaviour import Arm, Speaking, behaviour, speak
from cocoon.steering.control import Control
from cocoon.steering.direction import Direction
from cocoon.steering.situations import Situation

# Doses of the random direction that are tried, in shares of the coefficient.
_TRIED = (1.0, 2.0, 4.0, 8.0)


def equal_surprise(
    weights: Weights,
    direction: Direction,
    placebo: Direction,
    coefficient: float,
    situations: Sequence[Situation],
    speaking: Speaking | None = None,
) -> float | None:
    """The dose of `placebo` whose replies are as unlikely, under the unsteered model, as those of `direction`.

    Read off doses up to 8 times the coefficient, linearly between them; none where no dose is enough. Both are applied
    in the direction's band.
    """
    real = Control(direction)
    other = Control(placebo, real.layers)
    doses = [round(coefficient * one, 6) for one in _TRIED]
    arms = [Arm("real", coefficient, real), *(Arm("random", dose, other) for dose in doses)]
    replies = speak(weights, situations, arms, 1, speaking)
    wanted = behaviour([one for one in replies if one.label == "real"]).nats
    found = [
        behaviour([one for one in replies if one.label == "random" and one.coefficient == dose]).nats for dose in doses
    ]
    if wanted is None or any(value is None for value in found):
        return None
    rising = np.maximum.accumulate(np.array(found, dtype=float))
    if wanted <= rising[0]:
        return coefficient
    if wanted > rising[-1]:
        return None
    return round(float(np.interp(wanted, rising, doses)), 6)
