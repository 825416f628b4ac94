"""How far raters agree: Krippendorff's alpha, weighted kappa, Spearman's rank correlation.

A rating table is a list of units (dialogues), each a list with one value per rater, None where a value is missing. A
statistic that the ratings cannot determine (no variation, no pair) is None, never 1 or 0.
"""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from cocoon.evaluation.statistics.estimates import LEVEL, Estimate, student_quantile
from cocoon.evaluation.statistics.resampling import Numbers, percentile_interval

Level = Literal["nominal", "ordinal", "interval"]
Weights = Literal["none", "linear", "quadratic"]
Value = float | None
Table = Sequence[Sequence[Value]]


def krippendorff(table: Table, level: Level) -> Estimate:
    """Return Krippendorff's alpha, at most 1.

    Krippendorff 2011, Computing Krippendorff's Alpha-Reliability. Any number of raters may rate, and any values may be
    missing. A unit with fewer than two values says nothing about agreement. `n` counts the values that have another
    value in their unit, and `missing` counts the values that are not there. The interval is a jackknife over units,
    whose coverage docs/guide/statistics.md shows: a bootstrap covers 81 to 90 % at 6 to 10 units.
    """
    missing = sum(value is None for unit in table for value in unit)
    known = [[value for value in unit if value is not None] for unit in table]
    paired = [unit for unit in known if len(unit) > 1]
    values = sorted({value for unit in paired for value in unit})
    n = sum(map(len, paired))
    if not paired:
        return Estimate(value=None, n=0, missing=missing)
    coincidences = np.stack([_coincidences(unit, values) for unit in paired])
    alpha = _alpha(coincidences.sum(0), values, level)
    if alpha is None:
        return Estimate(value=None, n=n, missing=missing)
    low, high = _jackknife_interval(alpha, coincidences, values, level)
    return Estimate(value=alpha, low=low, high=high, n=n, missing=missing)


def _jackknife_interval(
    alpha: float, coincidences: Numbers, values: Sequence[float], level: Level
) -> tuple[float, float] | tuple[None, None]:
    """Return the 95% interval of alpha over units, on the scale of log(1 - alpha), where its errors are nearly even.

    Student's t has half as many degrees of freedom as there are units: alpha leans on few of them. None where alpha is
    not defined without one of the units, or is 1 there, as it is everywhere where raters always agree.
    """
    units = len(coincidences)
    total = coincidences.sum(0)
    left_out = [_alpha(total - unit, values, level) for unit in coincidences]
    known = [value for value in left_out if value is not None and value < 1]
    if len(known) < units:
        return None, None
    logs = np.log(1 - np.array(known))
    error = math.sqrt((units - 1) / units * float(((logs - logs.mean()) ** 2).sum()))
    half = student_quantile(0.5 + LEVEL / 2, max(2.0, units / 2)) * error
    middle = math.log(1 - alpha)
    return (1 - math.exp(middle + half), 1 - math.exp(middle - half)) if half > 1e-12 else (None, None)


def _coincidences(unit: Sequence[float], values: Sequence[float]) -> Numbers:
    """Count the ordered pairs of values within a unit, shape (values, values).

    Each unit weighs as much as the number of its values.
    """
    counts = np.array([unit.count(value) for value in values], dtype=float)
    return (np.outer(counts, counts) - np.diag(counts)) / (len(unit) - 1)


def _alpha(coincidences: Numbers, values: Sequence[float], level: Level) -> float | None:
    margins = coincidences.sum(0)
    distances = _distances(np.asarray(values, dtype=float), margins, level)
    expected = float((np.outer(margins, margins) * distances).sum())
    if expected <= 0:
        return None
    observed = float((coincidences * distances).sum())
    return 1 - (float(margins.sum()) - 1) * observed / expected


def _distances(values: Numbers, margins: Numbers, level: Level) -> Numbers:
    """Return the squared differences between values, shape (values, values).

    Ordinal distances count the values in between, so they depend on the margins.
    """
    if level == "nominal":
        return 1.0 - np.eye(len(values))
    # The ordinal position of a value is the middle of its own ranks in the ranking of all values.
    positions = np.cumsum(margins) - margins / 2 if level == "ordinal" else values
    return (positions[:, None] - positions[None, :]) ** 2


def kappa(first: Sequence[Value], second: Sequence[Value], weights: Weights, categories: Sequence[float]) -> Estimate:
    """Return Cohen's kappa of two raters, at most 1, over units that both rated.

    Cohen 1960, with weights Cohen 1968. `categories` are all values of the scale in their order, whether they were used
    or not, because weights count steps between categories. The interval resamples units. Raises ValueError for lists of
    different lengths or a value outside the scale.
    """
    pairs = _both(first, second)
    category_index = {value: index for index, value in enumerate(categories)}
    unknown = sorted({value for pair in pairs for value in pair} - category_index.keys())
    if unknown:
        raise ValueError(f"value {unknown[0]:g} is not one of the categories {', '.join(f'{c:g}' for c in categories)}")
    missing = len(first) - len(pairs)
    if not pairs:
        return Estimate(value=None, missing=missing)
    codes = np.array(
        [[category_index[first_value], category_index[second_value]] for first_value, second_value in pairs]
    )
    penalty = _penalty(len(categories), weights)
    low, high = percentile_interval(lambda resampled: _kappa(codes[resampled], penalty), len(pairs))
    return Estimate(value=_kappa(codes, penalty), low=low, high=high, n=len(pairs), missing=missing)


def _both(first: Sequence[Value], second: Sequence[Value]) -> list[tuple[float, float]]:
    if len(first) != len(second):
        raise ValueError(f"the raters have {len(first)} and {len(second)} units; give None for a missing value")
    return [
        (first_value, second_value)
        for first_value, second_value in zip(first, second, strict=True)
        if first_value is not None and second_value is not None
    ]


def _penalty(categories: int, weights: Weights) -> Numbers:
    steps = np.abs(np.subtract.outer(np.arange(categories), np.arange(categories))).astype(float)
    if weights == "none":
        return (steps > 0).astype(float)
    return steps if weights == "linear" else steps**2


def _kappa(codes: npt.NDArray[np.int_], penalty: Numbers) -> float | None:
    size = len(penalty)
    joint = np.bincount(codes[:, 0] * size + codes[:, 1], minlength=size * size).reshape(size, size) / len(codes)
    expected = float((np.outer(joint.sum(1), joint.sum(0)) * penalty).sum())
    return None if expected <= 0 else 1 - float((joint * penalty).sum()) / expected


def spearman(first: Sequence[Value], second: Sequence[Value]) -> Estimate:
    """Return Spearman's rank correlation, -1 to 1, over units for which both sides have a value.

    Ties share their mean rank. None with fewer than 3 units, or where one side does not vary. The interval resamples
    units. Raises ValueError for lists of different lengths.
    """
    pairs = np.array(_both(first, second), dtype=float).reshape(-1, 2)
    missing = len(first) - len(pairs)
    value = _rank_correlation(pairs)
    if value is None:
        return Estimate(value=None, n=len(pairs), missing=missing)
    low, high = percentile_interval(lambda resampled: _rank_correlation(pairs[resampled]), len(pairs))
    return Estimate(value=value, low=low, high=high, n=len(pairs), missing=missing)


def _rank_correlation(pairs: Numbers) -> float | None:
    if len(pairs) < 3:
        return None
    first_ranks, second_ranks = (mean_ranks(pairs[:, side]) for side in (0, 1))
    first_ranks, second_ranks = first_ranks - first_ranks.mean(), second_ranks - second_ranks.mean()
    scale = math.sqrt(float(first_ranks @ first_ranks) * float(second_ranks @ second_ranks))
    return float(first_ranks @ second_ranks) / scale if scale > 0 else None


def mean_ranks(values: Numbers) -> Numbers:
    """Return ranks from 1, in the shape of `values`. Ties share the mean of their ranks."""
    _, group_of_value, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[group_of_value].astype(float)
