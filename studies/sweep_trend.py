"""Trends over coefficients with the profile as the unit: slopes, plain and adjusted, and what may be said of them."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cocoon.evaluation.paired import sign_flip
from cocoon.evaluation.resampling import percentile_interval
from cocoon.evaluation.statistics import Estimate, mean_over_profiles
from cocoon.studies.sweep_records import Observation

Value = Callable[[Observation], float | None]
OUTCOMES: dict[str, Value] = {
    "SR": lambda one: None if one.success is None else float(one.success),
    "SR attributed": lambda one: None if one.attributed is None else float(one.attributed),
    "Aff": lambda one: one.affective,
    "7 - Neg": lambda one: one.turned,
}
# What tables and figures show: Neg beside its turned form, which says the same and is tested once.
SHOWN: dict[str, Value] = {
    "SR": OUTCOMES["SR"],
    "SR attributed": OUTCOMES["SR attributed"],
    "Aff": OUTCOMES["Aff"],
    "Neg": lambda one: None if one.turned is None else 7 - one.turned,
    "7 - Neg": OUTCOMES["7 - Neg"],
}


@dataclass(frozen=True)
class Trend:
    """Change of an outcome over the whole range of x, the mean of the profiles' own slopes; `p` by sign flips.

    `profiles` counts those with a slope: two values of x or more.
    """

    change: Estimate
    p: float | None
    profiles: int


def trend(found: Sequence[Observation], x: Value, y: Value, span: float) -> Trend:
    """The trend of `y` over `x`; `span` is the range of x for which the change is told."""
    slopes: dict[str, list[float | None]] = {}
    for profile, some in _by_profile(found).items():
        pairs = [(a, b) for one in some if (a := x(one)) is not None and (b := y(one)) is not None]
        if len({a for a, _ in pairs}) > 1:
            slopes[profile] = [_slope(pairs) * span]
    flat = [value for some in slopes.values() for value in some if value is not None]
    test = sign_flip(flat) if len(flat) > 1 else None
    return Trend(mean_over_profiles(slopes), test.p if test else None, len(flat))


def _slope(pairs: Sequence[tuple[float, float]]) -> float:
    x, y = np.array(pairs, dtype=float).T
    centered = x - x.mean()
    return float(centered @ (y - y.mean()) / (centered @ centered))


def adjusted(found: Sequence[Observation], y: Value, others: Mapping[str, Value], span: float) -> Trend:
    """The change over coefficients at equal `others` (surprise, length): least squares within profiles.

    The interval is a percentile bootstrap over profiles; there is no p. Too few rows give an empty estimate.
    """
    parts = [_within(some, y, others) for some in _by_profile(found).values()]
    parts = [part for part in parts if part is not None]
    rows = sum(len(part) for part in parts)
    if len(parts) < 2 or rows <= len(parts) + len(others) + 1:
        return Trend(Estimate(value=None), None, len(parts))

    def fitted(drawn: NDArray[np.intp]) -> float | None:
        table = np.concatenate([parts[place] for place in drawn])
        solved, _, rank, _ = np.linalg.lstsq(table[:, 1:], table[:, 0], rcond=None)
        return float(solved[0]) * span if rank == table.shape[1] - 1 else None

    value = fitted(np.arange(len(parts)))
    low, high = percentile_interval(fitted, len(parts)) if value is not None else (None, None)
    return Trend(Estimate(value=value, low=low, high=high, n=rows), None, len(parts))


def _within(some: Sequence[Observation], y: Value, others: Mapping[str, Value]) -> NDArray[np.float64] | None:
    """Columns y, coefficient and the others, each less the profile's mean; none for fewer than two whole rows."""
    rows = [(y(one), one.arm.coefficient, *(other(one) for other in others.values())) for one in some]
    whole = np.array([row for row in rows if None not in row], dtype=float)
    return whole - whole.mean(0) if len(whole) > 1 else None


def difference(found: Sequence[Observation], first: str, second: str, y: Value) -> Trend:
    """Mean difference of two arms (by name), first less second, over profiles that have both."""
    means = {name: _means([one for one in found if one.arm.name == name], y) for name in (first, second)}
    both = {key: [means[first][key] - means[second][key]] for key in means[first].keys() & means[second].keys()}
    flat = [value for some in both.values() for value in some]
    test = sign_flip(flat) if len(flat) > 1 else None
    return Trend(mean_over_profiles(both), test.p if test else None, len(flat))


def _means(found: Sequence[Observation], y: Value) -> dict[str, float]:
    values: dict[str, list[float]] = defaultdict(list)
    for one in found:
        if (value := y(one)) is not None:
            values[one.profile].append(value)
    return {profile: sum(some) / len(some) for profile, some in values.items()}


def _by_profile(found: Sequence[Observation]) -> dict[str, list[Observation]]:
    groups: dict[str, list[Observation]] = defaultdict(list)
    for one in found:
        groups[one.profile].append(one)
    return groups


def told_sign(one: Trend) -> int:
    """1 or -1 where the interval of a change leaves 0 out, else 0."""
    low, high = one.change.low, one.change.high
    if low is None or high is None:
        return 0
    return 1 if low > 0 else -1 if high < 0 else 0


def conclusion(outcome: str, trends: Mapping[str, Trend], placebos: Mapping[str, Mapping[str, Trend]]) -> str:
    """What may be said of an outcome: a cause only where all kinds of user agree and both placebos are left behind.

    `trends` is by kind of user; `placebos` (steered less random at the largest coefficient) by what is equal in them
    ("norm", "surprise") and kind of user.
    """
    signs = {user: told_sign(one) for user, one in trends.items()}
    if len(signs) < 2:
        return f"{outcome}: one kind of user alone; nothing is said of causes."
    if not any(signs.values()):
        return f"{outcome}: no clear trend for any kind of user."
    if len(set(signs.values())) > 1:
        shown = ", ".join(f"{user} {_word(sign)}" for user, sign in signs.items())
        return f"{outcome}: no statement of cause, since the kinds of user do not agree ({shown})."
    sign = next(iter(signs.values()))
    moved = f"{outcome}: {_word(sign)} with the coefficient for every kind of user"
    missing = [name for name in ("norm", "surprise") if not placebos.get(name)]
    if missing:
        return f"{moved}, but there is no random direction of equal {' or '.join(missing)}: no statement of cause."
    alike = [name for name, own in placebos.items() if any(told_sign(one) != sign for one in own.values())]
    if alike:
        equal = " and ".join(alike)
        return f"{moved}, but a random direction of equal {equal} does not clearly differ: no statement of cause."
    return f"{moved}, and more than under random directions of equal norm and of equal surprise."


def _word(sign: int) -> str:
    return {1: "rises", -1: "falls", 0: "no clear trend"}[sign]
