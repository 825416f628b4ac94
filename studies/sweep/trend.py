"""Trends over coefficients with the profile as the unit: plain and adjusted slopes, with what missing values leave."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from cocoon.evaluation.statistics.estimates import LEVEL, Estimate, mean_over_profiles
from cocoon.evaluation.statistics.paired import sign_flip
from cocoon.evaluation.statistics.resampling import percentile_interval
from cocoon.studies.sweep.records import Observation

Value = Callable[[Observation], float | None]
OUTCOMES: dict[str, Value] = {
    "SR": lambda observation: None if observation.success is None else float(observation.success),
    "SR attributed": lambda observation: None if observation.attributed is None else float(observation.attributed),
    "Aff": lambda observation: observation.affective,
    "7 - Neg": lambda observation: observation.turned,
}
# Outcomes in tables and figures: Neg beside its turned form, which says the same and is tested once.
SHOWN: dict[str, Value] = {
    "SR": OUTCOMES["SR"],
    "SR attributed": OUTCOMES["SR attributed"],
    "Aff": OUTCOMES["Aff"],
    "Neg": lambda observation: None if observation.turned is None else 7 - observation.turned,
    "7 - Neg": OUTCOMES["7 - Neg"],
}


RANGES: dict[str, tuple[float, float]] = {
    "SR": (0.0, 1.0),
    "SR attributed": (0.0, 1.0),
    "Aff": (1.0, 7.0),
    "7 - Neg": (0.0, 6.0),
}
"""The values that a missing outcome may have had."""


@dataclass(frozen=True)
class Trend:
    """Change of an outcome over the whole range of x, as the mean of the profiles' own slopes. `p` is by sign flips.

    `profiles` counts those with a slope, that is, with at least two values of x. `change.missing` counts the dialogues
    without the outcome. `corrected` is the change with the interval of the whole family of tests. `lowest` and
    `highest` are the changes if missing outcomes were as unfavourable, or as favourable, to a rise as they can be, with
    the same interval. They equal `corrected` where nothing is missing, and are None without a range of values.
    """

    change: Estimate
    p: float | None
    profiles: int
    corrected: Estimate | None = None
    lowest: Estimate | None = None
    highest: Estimate | None = None


def trend(
    found: Sequence[Observation],
    x: Value,
    y: Value,
    span: float,
    ends: tuple[float, float] | None = None,
    level: float = LEVEL,
) -> Trend:
    """Return the trend of `y` over `x`. `span` is the range of x for which the change is reported.

    `ends` is the range of `y`, for the bounds that missing values leave. `level` is that of the corrected interval.
    """
    slopes = _slopes(found, x, y, span)
    known_slopes = [slope for profile_slopes in slopes.values() for slope in profile_slopes]
    test = sign_flip(known_slopes) if len(known_slopes) > 1 else None
    missing = sum(x(observation) is not None and y(observation) is None for observation in found)
    change, corrected = (
        mean_over_profiles(slopes, at).model_copy(update={"missing": missing}) for at in (LEVEL, level)
    )
    filled = [mean_over_profiles(_filled_slopes(found, x, y, span, extremes), level) for extremes in _extremes(ends)]
    lowest, highest = filled or (None, None)
    return Trend(change, test.p if test else None, len(known_slopes), corrected, lowest, highest)


def _extremes(ends: tuple[float, float] | None) -> list[tuple[float, float]]:
    """Return what fills missing values below and above the middle of x, for the least and the greatest rise."""
    return [] if ends is None else [(ends[1], ends[0]), ends]


def _slopes(found: Sequence[Observation], x: Value, y: Value, span: float) -> dict[str, list[float]]:
    slopes: dict[str, list[float]] = {}
    for profile, profile_rows in _by_profile(found).items():
        pairs = [
            (x_value, y_value)
            for observation in profile_rows
            if (x_value := x(observation)) is not None and (y_value := y(observation)) is not None
        ]
        if len({x_value for x_value, _ in pairs}) > 1:
            slopes[profile] = [_slope(pairs) * span]
    return slopes


def _filled_slopes(
    found: Sequence[Observation], x: Value, y: Value, span: float, extremes: tuple[float, float]
) -> dict[str, list[float]]:
    """Return the slopes with missing outcomes filled: `extremes[0]` below the profile's mean x, else `extremes[1]`."""
    middles = {
        profile: fmean(known) if (known := [value for row in rows if (value := x(row)) is not None]) else 0.0
        for profile, rows in _by_profile(found).items()
    }

    def filled(observation: Observation) -> float | None:
        value, place = y(observation), x(observation)
        if value is not None or place is None:
            return value
        return extremes[place > middles[observation.profile]]

    return _slopes(found, x, filled, span)


def _slope(pairs: Sequence[tuple[float, float]]) -> float:
    x, y = np.array(pairs, dtype=float).T
    centered = x - x.mean()
    return float(centered @ (y - y.mean()) / (centered @ centered))


def adjusted(found: Sequence[Observation], y: Value, others: Mapping[str, Value], span: float) -> Trend:
    """Return the change over coefficients at equal `others` (surprise, length), by least squares within profiles.

    The interval is a percentile bootstrap over profiles, and there is no p. Too few rows give an empty estimate.
    """
    parts = [_within(profile_rows, y, others) for profile_rows in _by_profile(found).values()]
    parts = [part for part in parts if part is not None]
    rows = sum(len(part) for part in parts)
    if len(parts) < 2 or rows <= len(parts) + len(others) + 1:
        return Trend(Estimate(value=None), None, len(parts))

    def fitted(sample: NDArray[np.intp]) -> float | None:
        table = np.concatenate([parts[index] for index in sample])
        coefficients, _, rank, _ = np.linalg.lstsq(table[:, 1:], table[:, 0], rcond=None)
        return float(coefficients[0]) * span if rank == table.shape[1] - 1 else None

    value = fitted(np.arange(len(parts)))
    low, high = percentile_interval(fitted, len(parts)) if value is not None else (None, None)
    return Trend(Estimate(value=value, low=low, high=high, n=rows), None, len(parts))


def _within(profile_rows: Sequence[Observation], y: Value, others: Mapping[str, Value]) -> NDArray[np.float64] | None:
    """Return columns y, coefficient and others, each less the profile's mean, or None for fewer than two full rows."""
    rows = [
        (y(observation), observation.arm.coefficient, *(covariate(observation) for covariate in others.values()))
        for observation in profile_rows
    ]
    complete = np.array([row for row in rows if None not in row], dtype=float)
    return complete - complete.mean(0) if len(complete) > 1 else None


def difference(found: Sequence[Observation], first: str, second: str, y: Value, level: float = LEVEL) -> Trend:
    """Return the mean difference of two arms (by name), first less second, over profiles that have both.

    `level` is that of the corrected interval.
    """
    differences = _differences(found, first, second, y)
    test = sign_flip(list(differences.values())) if len(differences) > 1 else None
    draws = {profile: [value] for profile, value in differences.items()}
    change, corrected = mean_over_profiles(draws), mean_over_profiles(draws, level)
    return Trend(change, test.p if test else None, len(differences), corrected)


def mean_difference(found: Sequence[Observation], first: str, second: str, y: Value) -> float | None:
    """Return the change of `difference` alone, None where no profile has both arms."""
    differences = _differences(found, first, second, y)
    return fmean(differences.values()) if differences else None


def _differences(found: Sequence[Observation], first: str, second: str, y: Value) -> dict[str, float]:
    means = {
        name: _means([observation for observation in found if observation.arm.name == name], y)
        for name in (first, second)
    }
    return {key: means[first][key] - means[second][key] for key in means[first].keys() & means[second].keys()}


def _means(observations: Sequence[Observation], y: Value) -> dict[str, float]:
    values: dict[str, list[float]] = defaultdict(list)
    for observation in observations:
        if (value := y(observation)) is not None:
            values[observation.profile].append(value)
    return {profile: sum(profile_values) / len(profile_values) for profile, profile_values in values.items()}


def _by_profile(observations: Sequence[Observation]) -> dict[str, list[Observation]]:
    groups: dict[str, list[Observation]] = defaultdict(list)
    for observation in observations:
        groups[observation.profile].append(observation)
    return groups
