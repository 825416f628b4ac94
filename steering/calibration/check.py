"""Hold calibrated coefficients against situations that they were not made on, beside what chance alone would show."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cocoon.core.records import Record
from cocoon.steering.calibration.behaviour import SampledReply
from cocoon.steering.calibration.detector import Trust

_DRAWS = 2000


class Check(Record):
    """What a coefficient did on `replies` replies to situations of others than those it was made on.

    `ratio` is the achieved ratio as the target is meant: a reader's, where there are labels. `detector` is that of the
    detector. `error` is `ratio` less the target, with its 95 % interval over people; what the labels leave open stands
    in the calibration. `floor` is the mean distance of a perfect coefficient at as many replies (binomial).
    """

    target: float
    coefficient: float
    replies: int
    people: int
    ratio: float
    detector: float
    error: float
    interval: tuple[float, float]
    floor: float
    degenerate: float


class Transfer(Record):
    """All checks together. `mean_error` and `worst_error` are distances, `slope` is that of the error over the target.

    The slope has its 95 % interval, and is None for a single target: an interval that holds 0 shows no trend.
    """

    mean_error: float
    worst_error: float
    mean_floor: float
    slope: float | None
    slope_interval: tuple[float, float] | None


def sampling_floor(share: float, count: int) -> float:
    """Return the mean absolute error of a share counted in `count` independent draws (De Moivre's formula)."""
    if not 0 < share < 1 or not count:
        return 0.0
    first = math.floor(count * share) + 1
    choices = math.lgamma(count + 1) - math.lgamma(first + 1) - math.lgamma(count - first + 1)
    log_chance = choices + first * math.log(share) + (count - first + 1) * math.log1p(-share)
    return 2 * first * math.exp(log_chance) / count


def target_floor(target: float, count: int, reader: Trust | None) -> float:
    """Return the mean distance from a target that a perfect coefficient would show at `count` replies.

    A reader's ratio scatters as the detector's does, in proportion.
    """
    precision = reader.precision if reader else 1.0
    return precision * sampling_floor(target / precision, count)


def check_of(
    targets: Mapping[float, float], replies: Sequence[SampledReply], reader: Trust | None
) -> tuple[list[Check], Transfer]:
    """Return how far each target was missed, and whether there is a trend. `targets` maps them to coefficients."""
    owners = list(dict.fromkeys(reply.owner for reply in replies))
    rows = {owner: number for number, owner in enumerate(owners)}
    counts = np.array([_counts(replies, coefficient, rows) for coefficient in targets.values()])
    generator = np.random.default_rng(0)
    picks = generator.integers(0, len(rows), (_DRAWS, len(rows)))
    goals = np.array(list(targets))
    errors = np.array([_ratios(counts[:, pick], reader) for pick in picks]) - goals
    achieved, detected = _ratios(counts, reader), _ratios(counts, None)
    lows, highs = np.percentile(errors, [2.5, 97.5], axis=0)
    checks = [
        Check(
            target=target,
            coefficient=coefficient,
            replies=int(counts[number, :, 2].sum()),
            people=int((counts[number, :, 2] > 0).sum()),
            ratio=float(achieved[number]),
            detector=float(detected[number]),
            error=float(achieved[number] - target),
            interval=(float(lows[number]), float(highs[number])),
            floor=target_floor(target, int(counts[number, :, 2].sum()), reader),
            degenerate=float(counts[number, :, 3].sum() / counts[number, :, 2].sum()),
        )
        for number, (target, coefficient) in enumerate(targets.items())
    ]
    return checks, _transfer(checks, goals, errors)


def _counts(replies: Sequence[SampledReply], coefficient: float, rows: Mapping[str, int]) -> NDArray[np.float64]:
    """Return how many replies ask, are only marked, are there, and are degenerate, by person. Shape (people, 4)."""
    counts = np.zeros((len(rows), 4))
    for reply in replies:
        if reply.coefficient == coefficient:
            counts[rows[reply.owner]] += (reply.asks, reply.only_marked, 1, reply.broken is not None)
    return counts


def _ratios(counts: NDArray[np.float64], reader: Trust | None) -> NDArray[np.float64]:
    asks, marked, all_replies, _ = counts.sum(1).T
    asking = reader.precision * asks + reader.missed * marked if reader else asks
    return asking / np.maximum(all_replies, 1)


def _transfer(checks: Sequence[Check], targets: NDArray[np.float64], errors: NDArray[np.float64]) -> Transfer:
    distances = [abs(check.error) for check in checks]
    slope = interval = None
    if len(checks) > 1:
        off = (targets - targets.mean()) / ((targets - targets.mean()) ** 2).sum()
        slope = float(off @ np.array([check.error for check in checks]))
        low, high = np.percentile(errors @ off, [2.5, 97.5])
        interval = (float(low), float(high))
    return Transfer(
        mean_error=float(np.mean(distances)),
        worst_error=max(distances),
        mean_floor=float(np.mean([check.floor for check in checks])),
        slope=slope,
        slope_interval=interval,
    )
