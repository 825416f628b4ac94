"""A judge's mean corrected by people who rated some of the same dialogues, with its uncertainty."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from cocoon.evaluation.statistics.estimates import Estimate
from cocoon.evaluation.statistics.resampling import Drawn, Numbers, percentile_interval

LEAST = 10
"""Profiles that people must have rated before the judge's slope is estimated. Below it is 1."""

Pair = tuple[float, float]
"""A dialogue's value by the judge, and by people."""


def corrected_mean(judged: Mapping[str, Sequence[float]], pairs: Mapping[str, Sequence[Pair]]) -> Estimate:
    """Return what people would give on the mean to all dialogues, from a judge of all and people's ratings of some.

    This is the regression estimator of survey sampling (Cochran 1977, chapter 7): the mean of people, plus the slope of
    people on the judge times how far the judge's mean of all dialogues lies from that of the rated ones. The slope is 1
    (the difference estimator) below LEAST rated profiles. `judged` maps a profile to the judge's values of all its
    dialogues, `pairs` to those that people rated too. What people rated must be a fair sample of the dialogues. The
    interval is a percentile bootstrap over profiles, in which the slope is estimated anew. `n` counts the dialogues
    that people rated.
    """
    names = [name for name, values in judged.items() if values]
    everything = np.array([_mean(judged[name]) for name in names])
    both = [pairs.get(name, ()) for name in names]
    by_judge, by_people = (np.array([_mean([pair[side] for pair in own]) for own in both]) for side in (0, 1))
    rated = int(np.isfinite(by_judge).sum())
    n = sum(map(len, both))
    if rated == 0:
        return Estimate(value=None)

    def estimate(chosen: Drawn) -> float | None:
        return _regression(everything[chosen], by_judge[chosen], by_people[chosen], fitted=rated >= LEAST)

    value = estimate(np.arange(len(names)))
    low, high = percentile_interval(estimate, len(names)) if rated > 2 else (None, None)
    return Estimate(value=value, low=low, high=high, n=n)


def _regression(everything: Numbers, by_judge: Numbers, by_people: Numbers, *, fitted: bool) -> float | None:
    known = np.isfinite(by_judge)
    if not known.any():
        return None
    first, second = by_judge[known], by_people[known]
    spread = float(((first - first.mean()) ** 2).sum())
    slope = float(((first - first.mean()) * (second - second.mean())).sum()) / spread if fitted and spread > 0 else 1.0
    return float(second.mean() + slope * (everything.mean() - first.mean()))


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan
