"""What the items of a scale share: correlation with the rest, halo between dimensions, difference between languages.

Tables have one row per dialogue and one column per item or dimension, None where missing. Rows with a missing value are
left out and counted. `profiles` names the profile of each row. Profiles are the unit of sampling, and a figure that
they cannot determine is None.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from cocoon.evaluation.statistics.agreement import Table
from cocoon.evaluation.statistics.estimates import LEVEL, Estimate, student_quantile
from cocoon.evaluation.statistics.resampling import Numbers

_TINY = 1e-12
_Interval = tuple[float, float] | tuple[None, None]


def rest_correlations(table: Table, profiles: Sequence[str]) -> list[Estimate]:
    """Return each item's correlation with the sum of the other items (corrected item-total correlation), -1 to 1.

    Items are keyed. None for an item that does not vary, or whose rest does not. Intervals as in `mean_correlation`.
    """
    values, groups, missing = _complete(table, profiles)

    def correlations(rows: Numbers) -> Numbers:
        return _columnwise_correlation(rows, rows.sum(1, keepdims=True) - rows)

    return _with_intervals(correlations, values, groups, missing)


def mean_correlation(
    table: Table, profiles: Sequence[str], strata: Sequence[str], pairs: Sequence[tuple[int, int]]
) -> Estimate:
    """Return the mean correlation of pairs of columns within strata, -1 to 1.

    Values are taken from the mean of their stratum first, such as that of a supporter, so that a supporter who is
    better at everything counts for nothing. Pairs with a column that does not vary are left out. None where no pair is
    left. The interval is a jackknife over profiles of Fisher's z, with Student's t.
    """
    names = {row: number for number, row in enumerate(dict.fromkeys(strata))}
    labelled = [[*row, float(names[stratum])] for row, stratum in zip(table, strata, strict=True)]
    values, groups, missing = _complete(labelled, profiles)
    first, second = (np.array([pair[side] for pair in pairs], dtype=int) for side in (0, 1))

    def correlations(rows: Numbers) -> Numbers:
        centred = _within(rows[:, :-1], rows[:, -1])
        known = _columnwise_correlation(centred[:, first], centred[:, second])
        known = known[np.isfinite(known)]
        return np.array([known.mean() if len(known) else math.nan])

    return _with_intervals(correlations, values, groups, missing)[0]


def language_differences(table: Table, profiles: Sequence[str], second: Sequence[bool]) -> list[Estimate]:
    """Return how much higher each item is in the second language than in the first, at an equal mean of the others.

    This is uniform differential item functioning by regression, in points of the scale: of each item on the mean of the
    other items and the language. None without both languages, or where the rest does not vary within them. The interval
    takes profiles as clusters (CR1, Student's t with two degrees of freedom less than profiles). A positive value is
    balanced by negative ones of other items, because only differences between items can be told from a difference
    between the dialogues.
    """
    if not table:
        return []
    labelled = [[*row, float(language)] for row, language in zip(table, second, strict=True)]
    values, groups, missing = _complete(labelled, profiles)
    items = values.shape[1] - 1
    is_second = values[:, -1] > 0
    nothing = Estimate(value=None, n=len(values), missing=missing)
    if items < 2 or is_second.all() or not is_second.any():
        return [nothing] * items
    return [_difference(values[:, :-1], item, is_second, groups, nothing) for item in range(items)]


def _difference(
    values: Numbers, item: int, is_second: npt.NDArray[np.bool_], groups: npt.NDArray[np.int_], nothing: Estimate
) -> Estimate:
    rest = np.delete(values, item, axis=1).mean(1)
    design = np.column_stack([np.ones(len(values)), rest - rest.mean(), is_second])
    if float((_within(rest[:, None], is_second) ** 2).sum()) < _TINY or len(values) < 4:
        return nothing
    inverse = np.linalg.inv(design.T @ design)
    coefficients = inverse @ design.T @ values[:, item]
    residuals = values[:, item] - design @ coefficients
    clusters = int(groups.max()) + 1
    scores = np.zeros((clusters, 3))
    np.add.at(scores, groups, design * residuals[:, None])
    difference = float(coefficients[2])
    if clusters < 4 or float((residuals**2).sum()) < _TINY:
        return nothing.model_copy(update={"value": difference})
    few = clusters / (clusters - 1) * (len(values) - 1) / (len(values) - 3)
    variance = few * (inverse @ scores.T @ scores @ inverse)[2, 2]
    half = student_quantile(0.5 + LEVEL / 2, clusters - 2) * math.sqrt(variance)
    return nothing.model_copy(update={"value": difference, "low": difference - half, "high": difference + half})


def _complete(table: Table, profiles: Sequence[str]) -> tuple[Numbers, npt.NDArray[np.int_], int]:
    """Return the rows without a missing value, the number of each one's profile, and how many rows were left out."""
    columns = max((len(row) for row in table), default=0)
    known = [number for number, row in enumerate(table) if len(row) == columns and None not in row]
    values = np.array([table[number] for number in known], dtype=float).reshape(len(known), columns)
    groups = np.unique([profiles[number] for number in known], return_inverse=True)[1]
    return values, groups, len(table) - len(known)


def _within(values: Numbers, strata: npt.NDArray[np.generic]) -> Numbers:
    """Return the values less the mean of their stratum."""
    levels, codes = np.unique(strata, return_inverse=True)
    sums = np.zeros((len(levels), values.shape[1]))
    np.add.at(sums, codes, values)
    return values - (sums / np.bincount(codes)[:, None])[codes]


def _columnwise_correlation(first: Numbers, second: Numbers) -> Numbers:
    """Return the correlation of each column with its partner, NaN where one of them does not vary."""
    if len(first) < 3:
        return np.full(first.shape[1], math.nan)
    first, second = first - first.mean(0), second - second.mean(0)
    scale = np.sqrt((first**2).sum(0) * (second**2).sum(0))
    defined = scale > _TINY
    return np.where(defined, (first * second).sum(0) / np.where(defined, scale, 1.0), math.nan)


def _with_intervals(
    correlations: Callable[[Numbers], Numbers], values: Numbers, groups: npt.NDArray[np.int_], missing: int
) -> list[Estimate]:
    found = correlations(values)
    left_out = [correlations(values[groups != profile]) for profile in np.unique(groups)]
    intervals = [
        _jackknife(float(value), [float(others[column]) for others in left_out]) for column, value in enumerate(found)
    ]
    return [
        Estimate(
            value=float(value) if math.isfinite(value) else None, low=low, high=high, n=len(values), missing=missing
        )
        for value, (low, high) in zip(found, intervals, strict=True)
    ]


def _jackknife(value: float, left_out: Sequence[float]) -> _Interval:
    """Return the interval of a correlation from those without each profile in turn.

    None where one of them is not defined or perfect.
    """
    units = len(left_out)
    if units < 3 or not all(abs(correlation) < 1 - _TINY for correlation in (value, *left_out)):
        return None, None
    z = np.arctanh(np.array(left_out))
    error = math.sqrt((units - 1) / units * float(((z - z.mean()) ** 2).sum()))
    half = student_quantile(0.5 + LEVEL / 2, units - 1) * error
    centre = math.atanh(value)
    return (math.tanh(centre - half), math.tanh(centre + half)) if half > _TINY else (None, None)
