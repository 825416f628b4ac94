"""Ratings drawn at random with a known reliability, and how often an interval holds the true one."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from cocoon.evaluation.statistics.estimates import Estimate

Statistic = Callable[[Sequence[Sequence[float | None]]], Estimate]


def draw_ratings(rng: np.random.Generator, units: int, raters: int, reliability: float) -> NDArray[np.float64]:
    """Ratings 1 to 7 of units (rows) by raters: the unit's own level, a leaning of the rater, and noise."""
    noise = np.sqrt(1 - reliability)
    level = rng.normal(size=(units, 1)) * np.sqrt(reliability)
    leaning = rng.normal(size=(1, raters)) * 0.3 * noise
    return np.clip(np.round((level + leaning + rng.normal(size=(units, raters)) * noise) * 1.5 + 4), 1, 7)


def true_value(statistic: Statistic, raters: int, reliability: float, tables: int = 60, units: int = 400) -> float:
    """The statistic on many large tables, each with raters of its own."""
    rng = np.random.default_rng(99)
    values = [statistic(draw_ratings(rng, units, raters, reliability).tolist()).value for _ in range(tables)]
    return float(np.mean([value for value in values if value is not None]))


def coverage(
    statistic: Statistic, truth: float, units: int, raters: int, reliability: float, tables: int
) -> tuple[int, int]:
    """How many intervals hold the truth, of how many that there are."""
    rng = np.random.default_rng(units * 1_000 + raters)
    held = known = 0
    for _ in range(tables):
        estimate = statistic(draw_ratings(rng, units, raters, reliability).tolist())
        if estimate.low is not None and estimate.high is not None:
            known += 1
            held += estimate.low <= truth <= estimate.high
    return held, known
