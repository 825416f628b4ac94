"""Percentile bootstrap over units (dialogues, profiles) for statistics that are not a mean."""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from cocoon.evaluation.statistics.estimates import LEVEL, SEED

RESAMPLES = 1_999
# At most this share of the resamples may be left out because the statistic is not defined there (no variation, say).
MOST_UNDEFINED = 0.2

Numbers = npt.NDArray[np.float64]
Drawn = npt.NDArray[np.intp]
"""Indices of units, shape (units,), drawn with replacement."""


def percentile_interval(
    statistic: Callable[[Drawn], float | None], units: int
) -> tuple[float, float] | tuple[None, None]:
    """Return the 95% percentile interval of `statistic`, from 1,999 resamples with a fixed seed.

    Efron and Tibshirani 1993, chapter 13. `statistic` returns None where it is not defined. The interval is None with
    fewer than two units, where the statistic is undefined in more than a fifth of the resamples, or without spread.
    """

    def as_array(resampled: Drawn) -> Numbers | None:
        value = statistic(resampled)
        return None if value is None else np.array([value])

    return percentile_intervals(as_array, units, 1)[0]


def percentile_intervals(
    statistics: Callable[[Drawn], Numbers | None], units: int, size: int
) -> list[tuple[float, float] | tuple[None, None]]:
    """Return the intervals of `size` statistics that are defined together, each like `percentile_interval`."""
    if units < 2:
        return [(None, None)] * size
    rng = np.random.default_rng(SEED)
    draws = (statistics(rng.integers(0, units, units)) for _ in range(RESAMPLES))
    known = [values for values in draws if values is not None and np.isfinite(values).all()]
    if len(known) < (1 - MOST_UNDEFINED) * RESAMPLES:
        return [(None, None)] * size
    return [_percentiles(values) for values in np.stack(known).T]


def _percentiles(values: Numbers) -> tuple[float, float] | tuple[None, None]:
    if math.isclose(values.min(), values.max(), abs_tol=1e-12):
        return None, None
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
