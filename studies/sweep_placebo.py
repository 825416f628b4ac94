"""Placebos of a sweep: the dose at which another direction costs as much fluency as the real one."""

from collections.abc import Sequence
from itertools import takewhile

import numpy as np

from cocoon.core.local_weights import Weights
from cocoon.steering.behaviour import Arm, Speaking, behaviour, speak
from cocoon.steering.control import Control
from cocoon.steering.situations import Situation

# Doses that are tried, in shares of the one that stands for equal norm.
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
    """The dose of `other` whose replies are as unlikely, under the unsteered model, as those of `real`.

    Read off 0 and `doses` (ascending), linearly between them, the least of `doses` where `real` costs nothing; none
    where no dose is costly enough.
    """
    arms = [Arm("real", coefficient, real), Arm("other"), *(Arm("other", dose, other) for dose in doses)]
    replies = speak(weights, situations, arms, 1, speaking)
    wanted = behaviour([one for one in replies if one.label == "real"]).nats
    tried = [0.0, *doses]
    found = [
        behaviour([one for one in replies if one.label == "other" and one.coefficient == dose]).nats for dose in tried
    ]
    # Where a dose leaves nothing but empty replies, larger ones say nothing either.
    spoken = [value for value in takewhile(lambda one: one is not None, found) if value is not None]
    rising = np.maximum.accumulate(np.array(spoken))
    if wanted is None or len(spoken) < 2 or wanted > rising[-1]:
        return None
    if wanted <= rising[0]:
        return doses[0]
    return round(float(np.interp(wanted, rising, tried[: len(spoken)])), 6)
