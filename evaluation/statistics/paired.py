"""Two sides measured on the same profiles: differences, their intervals and tests. The profile is the unit.

A difference is always second minus first. Intervals of mean differences: `statistics.mean_over_profiles`.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from pydantic import ConfigDict

from cocoon.core.records import Record
from cocoon.evaluation.statistics.estimates import SEED, Bounds, Estimate, wilson

EXACT_PAIRS = 20
"""Up to this many pairs that differ, all 2^n assignments of signs are counted."""

FLIPS = 9_999
_ROUNDING = 1e-9
_CHUNK_CELLS = 2_000_000


class Significance(Record):
    """A two-sided p-value, 0 to 1, and the test that gave it. Only McNemar's test has a `mid_p`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    p: float
    test: str
    mid_p: float | None = None


def sign_flip(differences: Sequence[float]) -> Significance | None:
    """Test a mean difference of zero by permutation: the two sides of each profile are swapped or not.

    All draws of a profile are swapped together, so that they may depend on each other (clustered permutation: Good
    2005, section 3.2). The test is exact up to EXACT_PAIRS differences that are not zero. Beyond that it takes FLIPS
    random assignments under the fixed seed, with p = (b + 1) / (m + 1) (Phipson and Smyth 2010). None without pairs.
    """
    if not differences:
        return None
    # Sorted, so that the order in which profiles were read cannot change a Monte Carlo p-value.
    nonzero = np.array(sorted(difference for difference in differences if difference != 0), dtype=float)
    observed = abs(math.fsum(nonzero)) - _ROUNDING * math.fsum(np.abs(nonzero))
    if len(nonzero) <= EXACT_PAIRS:
        sums = _all_sums(nonzero)
        return Significance(p=float(np.mean(np.abs(sums) >= observed)), test="sign flip, exact")
    extreme = _extreme_flips(nonzero, observed)
    return Significance(p=(extreme + 1) / (FLIPS + 1), test=f"sign flip, {FLIPS:,} draws")


def _all_sums(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the sums under every assignment of signs. One sign is fixed, because the test is two-sided."""
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
    """Run McNemar's exact test on the two discordant counts, with its mid-p (Fagerland et al. 2013)."""
    n, fewer = only_first + only_second, min(only_first, only_second)
    below = sum(math.comb(n, k) for k in range(fewer)) / 2**n
    at = math.comb(n, fewer) / 2**n
    return Significance(p=min(1.0, 2 * (below + at)), mid_p=min(1.0, 2 * below + at), test="McNemar, exact")


def newcombe(both: int, only_first: int, only_second: int, neither: int) -> Estimate:
    """Return the difference of two shares of successes in paired data, second minus first.

    The interval is the square-and-add of Wilson's intervals with the correlation of the pairs (Newcombe 1998,
    Statistics in Medicine 17, 2635-2650, method 10). It is None with fewer than two pairs.
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


def _combined(first_width: float, second_width: float, phi: float) -> float:
    # Never below 0 but by rounding, where both widths are equal and phi is 1.
    square = first_width * first_width - 2 * phi * first_width * second_width + second_width * second_width
    return math.sqrt(max(0.0, square))


def _correlation(both: int, only_first: int, only_second: int, neither: int) -> float:
    """Return phi of the fourfold table.

    A positive phi is corrected for continuity. Phi is 0 where a margin is empty.
    """
    n = both + only_first + only_second + neither
    margins = math.prod([both + only_first, only_second + neither, both + only_second, only_first + neither])
    if margins == 0:
        return 0.0
    excess = both * neither - only_first * only_second
    return (max(excess - n / 2, 0.0) if excess > 0 else excess) / math.sqrt(margins)


def holm(values: Sequence[float | None]) -> list[float | None]:
    """Correct p-values by Holm's step-down method (Holm 1979).

    A value of None stays None and does not count as a test.
    """
    order = sorted((p, index) for index, p in enumerate(values) if p is not None)
    corrected: list[float | None] = [None] * len(values)
    highest = 0.0
    for rank, (p, index) in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * p))
        corrected[index] = highest
    return corrected


def difference_bounds(first: Bounds | None, second: Bounds | None) -> Bounds | None:
    """Return the lowest and highest difference of two rates that their missing draws leave possible."""
    if first is None or second is None:
        return None
    return Bounds(low=second.low - first.high, high=second.high - first.low)
