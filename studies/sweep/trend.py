"""Trends over coefficients with the profile as the unit: plain and adjusted slopes, and the conclusions they allow."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cocoon.evaluation.statistics.estimates import Estimate, mean_over_profiles
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


@dataclass(frozen=True)
class Trend:
    """Change of an outcome over the whole range of x, as the mean of the profiles' own slopes. `p` is by sign flips.

    `profiles` counts those with a slope, that is, with at least two values of x.
    """

    change: Estimate
    p: float | None
    profiles: int


def trend(found: Sequence[Observation], x: Value, y: Value, span: float) -> Trend:
    """Return the trend of `y` over `x`. `span` is the range of x for which the change is reported."""
    slopes: dict[str, list[float | None]] = {}
    for profile, profile_rows in _by_profile(found).items():
        pairs = [
            (x_value, y_value)
            for observation in profile_rows
            if (x_value := x(observation)) is not None and (y_value := y(observation)) is not None
        ]
        if len({x_value for x_value, _ in pairs}) > 1:
            slopes[profile] = [_slope(pairs) * span]
    known_slopes = [slope for profile_slopes in slopes.values() for slope in profile_slopes if slope is not None]
    test = sign_flip(known_slopes) if len(known_slopes) > 1 else None
    return Trend(mean_over_profiles(slopes), test.p if test else None, len(known_slopes))


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


def difference(found: Sequence[Observation], first: str, second: str, y: Value) -> Trend:
    """Return the mean difference of two arms (by name), first less second, over profiles that have both."""
    means = {
        name: _means([observation for observation in found if observation.arm.name == name], y)
        for name in (first, second)
    }
    differences = {key: [means[first][key] - means[second][key]] for key in means[first].keys() & means[second].keys()}
    all_differences = [
        profile_difference for profile_differences in differences.values() for profile_difference in profile_differences
    ]
    test = sign_flip(all_differences) if len(all_differences) > 1 else None
    return Trend(mean_over_profiles(differences), test.p if test else None, len(all_differences))


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


def told_sign(one: Trend) -> int:
    """Return 1 or -1 if the interval of a change excludes 0, else 0."""
    low, high = one.change.low, one.change.high
    if low is None or high is None:
        return 0
    return 1 if low > 0 else -1 if high < 0 else 0


def conclusion(outcome: str, trends: Mapping[str, Trend], placebos: Mapping[str, Mapping[str, Trend]]) -> str:
    """Return the conclusion about an outcome: a cause only if all users agree and both placebos differ clearly.

    `trends` is by kind of user. `placebos` (steered less random at the largest coefficient) is by what is equal in them
    ("norm", "surprise") and kind of user.
    """
    signs = {user: told_sign(user_trend) for user, user_trend in trends.items()}
    if len(signs) < 2:
        return f"{outcome}: one kind of user alone; nothing is said of causes."
    if not any(signs.values()):
        return f"{outcome}: no clear trend for any kind of user."
    if len(set(signs.values())) > 1:
        signs_text = ", ".join(f"{user} {_word(sign)}" for user, sign in signs.items())
        return f"{outcome}: no statement of cause, since the kinds of user do not agree ({signs_text})."
    sign = next(iter(signs.values()))
    finding = f"{outcome}: {_word(sign)} with the coefficient for every kind of user"
    missing = [name for name in ("norm", "surprise") if not placebos.get(name)]
    if missing:
        return f"{finding}, but there is no random direction of equal {' or '.join(missing)}: no statement of cause."
    alike = [
        name for name, by_user in placebos.items() if any(told_sign(contrast) != sign for contrast in by_user.values())
    ]
    if alike:
        equal = " and ".join(alike)
        return f"{finding}, but a random direction of equal {equal} does not clearly differ: no statement of cause."
    return f"{finding}, and more than under random directions of equal norm and of equal surprise."


def _word(sign: int) -> str:
    return {1: "rises", -1: "falls", 0: "no clear trend"}[sign]
