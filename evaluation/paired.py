"""Two sides measured on the same profiles: differences, their intervals and tests; the profile is the unit.

A difference is always second minus first. Intervals of mean differences: `statistics.mean_over_profiles`.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from pydantic import ConfigDict

from cocoon.core.records import Record
from cocoon.evaluation.statistics import SEED, Bounds, Estimate, wilson

EXACT_PAIRS = 20
"""Up to so many pairs that differ, all 2^n assignments of signs are counted."""

FLIPS = 9_999
_ROUNDING = 1e-9
_CHUNK_CELLS = 2_000_000


class Significance(Record):
    """A two-sided p-value, 0 to 1, and the test that gave it; `mid_p` is McNemar's alone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    p: float
    test: str
    mid_p: float | None = None


def sign_flip(differences: Sequence[float]) -> Significance | None:
    """Permutation test of a mean difference of zero: each profile's two sides are swapped or not.

    All draws of a profile are swapped together, so that they may depend on each other (clustered permutation:
    Good 2005, section 3.2). Exact up to EXACT_PAIRS differences that are not zero; beyond, FLIPS random
    assignments under the fixed seed with p = (b + 1) / (m + 1) (Phipson and Smyth 2010). None without pairs.
    """
    if not differences:
        return None
    # Sorted, so that the order in which profiles were read cannot move a Monte Carlo p-value.
    moved = np.array(sorted(one for one in differences if one != 0), dtype=float)
    observed = abs(math.fsum(moved)) * (1 - _ROUNDING)
    if len(moved) <= EXACT_PAIRS:
        sums = _all_sums(moved)
        return Significance(p=float(np.mean(np.abs(sums) >= observed)), test="sign flip, exact")
    extreme = _extreme_flips(moved, observed)
    return Significance(p=(extreme + 1) / (FLIPS + 1), test=f"sign flip, {FLIPS:,} draws")


def _all_sums(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Sums under every assignment of signs; one sign is held, since the test is two-sided."""
    sums = values[:1].copy() if len(values) else np.zeros(1)
    for value in values[1:]:
        sums = np.concatenate([sums + value, sums - value])
    return sums


def _extreme_flips(values: npt.NDArray[np.float64], observed: float) -> int:
    rng = np.random.default_rng(SEED)
    rows = max(1, _CHUNK_CELLS // len(values))
    extreme = 0
    for start in range(0, FLIPS, rows):
        signs = rng.integers(0, 2, size=(min(rows, FLIPS - start), len(values)), dtype=np.int8)
        extreme += int(np.count_nonzero(np.abs((2.0 * signs - 1.0) @ values) >= observed))
    return extreme


def mcnemar(only_first: int, only_second: int) -> Significance:
    """McNemar's exact test from the two discordant counts, with its mid-p (Fagerland et al. 2013)."""
    n, fewer = only_first + only_second, min(only_first, only_second)
    below = sum(math.comb(n, k) for k in range(fewer)) / 2**n
    at = math.comb(n, fewer) / 2**n
    return Significance(p=min(1.0, 2 * (below + at)), mid_p=min(1.0, 2 * below + at), test="McNemar, exact")


def newcombe(both: int, only_first: int, only_second: int, neither: int) -> Estimate:
    """Difference of two shares of successes in paired data, second minus first.

    Interval: square-and-add of Wilson's intervals with the correlation of the pairs (Newcombe 1998, Statistics in
    Medicine 17, 2635-2650, method 10). None with fewer than two pairs.
    """
    n = both + only_first + only_second + neither
    if n == 0:
        return Estimate(value=None)
    value = (only_second - only_first) / n
    first, second = wilson(both + only_first, n), wilson(both + only_second, n)
    if first.low is None or first.high is None or second.low is None or second.high is None:
        return Estimate(value=value, n=n)
    share_first, share_second = (both + only_first) / n, (both + only_second) / n
    phi = _correlation(both, only_first, only_second, neither)
    down = _combined(share_second - second.low, first.high - share_first, phi)
    up = _combined(second.high - share_second, share_first - first.low, phi)
    return Estimate(value=value, low=value - down, high=value + up, n=n)


def _combined(one: float, other: float, phi: float) -> float:
    return math.sqrt(max(0.0, one * one - 2 * phi * one * other + other * other))


def _correlation(both: int, only_first: int, only_second: int, neither: int) -> float:
    """Phi of the fourfold table, a positive one corrected for continuity; 0 where a margin is empty."""
    n = both + only_first + only_second + neither
    margins = math.prod([both + only_first, only_second + neither, both + only_second, only_first + neither])
    if margins == 0:
        return 0.0
    excess = both * neither - only_first * only_second
    return (max(excess - n / 2, 0.0) if excess > 0 else excess) / math.sqrt(margins)


def holm(values: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down correction (Holm 1979) over the p-values there are; none stays none and is no test."""
    order = sorted((p, place) for place, p in enumerate(values) if p is not None)
    corrected: list[float | None] = [None] * len(values)
    highest = 0.0
    for rank, (p, place) in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * p))
        corrected[place] = highest
    return corrected


def difference_bounds(first: Bounds | None, second: Bounds | None) -> Bounds | None:
    """Lowest and highest difference of two rates that their missing draws leave possible."""
    if first is None or second is None:
        return None
    return Bounds(low=second.low - first.high, high=second.high - first.low)
