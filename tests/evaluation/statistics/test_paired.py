"""Paired statistics against hand-worked examples, scipy, and simulated data whose truth is known."""

import itertools
import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from cocoon.evaluation.statistics.estimates import Bounds, Estimate, mean_over_profiles, wilson
from cocoon.evaluation.statistics.paired import (
    EXACT_PAIRS,
    Significance,
    difference_bounds,
    holm,
    mcnemar,
    newcombe,
    sign_flip,
)

Floats = npt.NDArray[np.float64]


# McNemar.


@pytest.mark.parametrize(
    ("only_first", "only_second", "p", "mid_p"),
    [
        # 2 (1 + 8) / 2^8, and less 8 / 2^8.
        (1, 7, 18 / 256, 10 / 256),
        (0, 5, 2 / 32, 1 / 32),
        # Tied: below it stand 5 / 16 on either side, and at it 6 / 16: all there is.
        (2, 2, 1.0, 1.0),
        (0, 0, 1.0, 1.0),
    ],
)
def test_mcnemar_worked_by_hand(only_first: int, only_second: int, p: float, mid_p: float) -> None:
    for one, other in ((only_first, only_second), (only_second, only_first)):
        found = mcnemar(one, other)
        assert (found.p, found.mid_p) == (pytest.approx(p), pytest.approx(mid_p))


@given(st.integers(0, 200), st.integers(0, 200))
def test_mcnemar_against_scipy(only_first: int, only_second: int) -> None:
    n = only_first + only_second
    expected = scipy.stats.binomtest(only_first, n).pvalue if n else 1.0
    assert mcnemar(only_first, only_second).p == pytest.approx(expected, rel=1e-9, abs=1e-12)


# Newcombe's interval.


def test_newcombe_worked_by_hand() -> None:
    """Both 10, first alone 5, second alone 15, neither 20; n 50, shares 0.3 and 0.5.

    Wilson: 0.3 in [0.19101, 0.43753], 0.5 in [0.36645, 0.63355]. Margins 15, 35, 25, 25, product 328125, root
    572.82; 10 x 20 - 5 x 15 = 125, less n / 2 = 100, so phi = 0.174574. Down: deviations 0.13355 and 0.13753, squares
    0.017836 + 0.018914 - 2 phi 0.018367 = 0.030338, root 0.17418. Up: 0.13355 and 0.10899, 0.017836 + 0.011879 -
    2 phi 0.014556 = 0.024633, root 0.15695.
    """
    found = newcombe(10, 5, 15, 20)
    assert found.value == pytest.approx(0.2) and found.n == 50
    assert (found.low, found.high) == (pytest.approx(0.02582, abs=2e-4), pytest.approx(0.35695, abs=2e-4))


TABLES = st.tuples(*[st.integers(0, 60)] * 4).filter(lambda table: sum(table) >= 2)


@given(TABLES)
def test_newcombe_turns_round_with_the_sides_and_stays_in_range(table: tuple[int, int, int, int]) -> None:
    both, first, second, neither = table
    found, turned = newcombe(*table), newcombe(both, second, first, neither)
    for one in (found, turned):
        assert one.low is not None and one.high is not None and one.value is not None
        assert -1 - 1e-9 <= one.low <= one.value + 1e-9 and one.value - 1e-9 <= one.high <= 1 + 1e-9
    assert (found.low, found.high) == (pytest.approx(-(turned.high or 0)), pytest.approx(-(turned.low or 0)))


def test_newcombe_without_pairs() -> None:
    assert newcombe(0, 0, 0, 0) == Estimate(value=None)
    assert newcombe(0, 0, 1, 0) == Estimate(value=1.0, n=1)


def newcombe_by_formula(both: int, first: int, second: int, neither: int) -> tuple[float, float]:
    """Method 10 of Newcombe 1998 with scipy's intervals of Wilson."""
    n = both + first + second + neither
    shares = (both + first) / n, (both + second) / n
    ends = [scipy.stats.binomtest(both + one, n).proportion_ci(method="wilson") for one in (first, second)]
    product = (both + first) * (second + neither) * (both + second) * (first + neither)
    excess = both * neither - first * second
    phi = (max(excess - n / 2, 0) if excess > 0 else excess) / math.sqrt(product) if product else 0.0
    down = shares[1] - ends[1].low, ends[0].high - shares[0]
    up = ends[1].high - shares[1], shares[0] - ends[0].low
    low, high = (math.sqrt(a * a + b * b - 2 * phi * a * b) for a, b in (down, up))
    return shares[1] - shares[0] - low, shares[1] - shares[0] + high


@pytest.mark.parametrize(
    "table",
    [
        *[(10, 5, 15, 20), (40, 2, 5, 30), (30, 3, 0, 8)],
        # More discordant than expected; an excess below the correction; margins that are empty.
        *[(3, 7, 5, 2), (3, 2, 3, 3), (3, 0, 2, 0), (0, 4, 0, 3), (2, 0, 0, 0), (0, 0, 1, 1)],
    ],
)
def test_newcombe_against_its_formula(table: tuple[int, int, int, int]) -> None:
    found, expected = newcombe(*table), newcombe_by_formula(*table)
    assert (found.low, found.high) == (pytest.approx(expected[0]), pytest.approx(expected[1]))
    assert found.value == pytest.approx((table[2] - table[1]) / sum(table)) and found.n == sum(table)


# The permutation test.


def test_sign_flip_worked_by_hand() -> None:
    # Of the 8 sums of +-1 +-2 +-3 only 6 and -6 are as far from 0 as 6.
    found = sign_flip([1, 2, 3])
    assert found is not None and (found.p, found.test) == (0.25, "sign flip, exact")
    assert sign_flip([]) is None
    assert [found and found.p for found in (sign_flip([0.0, 0.0]), sign_flip([5.0]))] == [1.0, 1.0]


@pytest.mark.parametrize("differences", [[0.1, 0.2, 0.3, -0.6], [0.7, -0.1, -0.2, -0.4], [0.1] * 3 + [-0.3]])
def test_differences_that_cancel_out_but_for_rounding_are_no_evidence(differences: list[float]) -> None:
    assert sum(differences) != 0
    found = sign_flip(differences)
    assert found is not None and found.p == 1.0


def test_a_profile_that_does_not_differ_changes_nothing() -> None:
    assert sign_flip([1, 2, 3, 4, 0, 0, 0]) == sign_flip([4, 3, 2, 1])


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(-12, 12).map(lambda value: value / 4), min_size=2, max_size=9))
def test_sign_flip_against_scipy(differences: list[float]) -> None:
    theirs = scipy.stats.permutation_test(
        (np.array(differences),), np.mean, permutation_type="samples", n_resamples=2 ** len(differences)
    )
    found = sign_flip(differences)
    assert found is not None and found.p == pytest.approx(theirs.pvalue)


def test_clustered_permutation_against_all_swaps_of_whole_profiles() -> None:
    """Swapping all draws of a profile at once, counted out, is the sign flip of the profiles' differences."""
    first = {"a": [1, 1, 0], "b": [0, 0, 1], "c": [1, 1, 1], "d": [0, 1, 0], "e": [0, 0, 0]}
    second = {"a": [1, 1, 1], "b": [1, 1, 1], "c": [1, 0, 1], "d": [1, 1, 1], "e": [1, 0, 0]}
    observed = sum(sum(second[one]) - sum(first[one]) for one in first)
    extreme = 0
    for signs in itertools.product([1, -1], repeat=len(first)):
        total = sum(sign * (sum(second[one]) - sum(first[one])) for sign, one in zip(signs, first, strict=True))
        extreme += abs(total) >= abs(observed)
    found = sign_flip([(sum(second[one]) - sum(first[one])) / 3 for one in first])
    assert found is not None and found.p == pytest.approx(extreme / 2 ** len(first))


def test_beyond_twenty_pairs_draws_agree_with_counting() -> None:
    values = np.random.default_rng(3).normal(0.35, 1, EXACT_PAIRS)
    exact = sign_flip(list(values))
    # Two pairs more of almost no difference force the draws and leave the p-value where it was.
    drawn = sign_flip([*values, 1e-9, -1e-9])
    assert exact is not None and drawn is not None
    assert (exact.test, drawn.test) == ("sign flip, exact", "sign flip, 9,999 draws")
    assert drawn.p == pytest.approx(exact.p, abs=4 * math.sqrt(exact.p * (1 - exact.p) / 9_999))
    assert sign_flip([*reversed(values), -1e-9, 1e-9]) == drawn
    assert sign_flip([1.0] * 100) is not None and (sign_flip([1.0] * 100) or drawn).p == 1 / 10_000


def test_twenty_pairs_are_counted_and_one_more_is_drawn() -> None:
    assert sign_flip([1.0] * 20) == Significance(p=2 / 2**20, test="sign flip, exact")
    drawn = sign_flip([1.0] * 21)
    assert drawn is not None and drawn.test == "sign flip, 9,999 draws"


@pytest.mark.parametrize("pairs", [1, 11])
def test_differences_that_cancel_are_matched_by_every_assignment(pairs: int) -> None:
    found = sign_flip([0.5, -0.5] * pairs)
    assert found is not None and found.p == 1.0


def test_a_sum_that_is_matched_but_for_rounding_counts() -> None:
    """Of 16 sums six are 0.5 or more: 0.3 and 0.2 have one sign, and the others cancel or have it too."""
    found = sign_flip([0.3, 0.1, 0.2, -0.1])
    assert found is not None and found.p == 6 / 16


# Holm's correction and bounds.


def test_holm_worked_by_hand() -> None:
    # In order 0.01 x 4, 0.02 x 3, 0.03 x 2 (not below the one before), 0.2 x 1.
    assert holm([0.03, 0.01, None, 0.2, 0.02]) == pytest.approx([0.06, 0.04, None, 0.2, 0.06])
    # 0.02 x 2 lies below 0.015 x 3 and is raised to it.
    assert holm([0.02, 0.015, 0.9]) == pytest.approx([0.045, 0.045, 0.9])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([None]) == [None] and holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=15))
def test_holm_rejects_what_its_steps_reject(values: list[float]) -> None:
    """The step-down procedure itself: reject in order while p <= 0.05 / (those left)."""
    rejected = 0
    for rank, p in enumerate(sorted(values)):
        if p * (len(values) - rank) > 0.05:
            break
        rejected += 1
    corrected = holm(values)
    assert sum(p is not None and p <= 0.05 for p in corrected) == rejected
    assert all(p is not None and p >= raw for p, raw in zip(corrected, values, strict=True))


def test_bounds_of_a_difference() -> None:
    # The second at its worst against the first at its best, and the other way round.
    found = difference_bounds(Bounds(low=0.25, high=0.5), Bounds(low=0.5, high=0.875))
    assert found == Bounds(low=0.0, high=0.625)
    assert difference_bounds(None, Bounds(low=0, high=1)) is None
    assert difference_bounds(Bounds(low=0, high=1), None) is None


# Simulations: in 1,000 seeded runs the interval must hold the truth 930 to 970 times.

RUNS = 1_000
LIKERT = np.arange(1.0, 8.0)
SHARES = np.array([0.02, 0.03, 0.05, 0.10, 0.20, 0.35, 0.25])


@pytest.fixture
def fewer_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fifth of the random draws in each interval and test; whether 1,000 of them cover hardly depends on it."""
    monkeypatch.setattr("cocoon.evaluation.statistics.estimates.RESAMPLES", 1_999)
    monkeypatch.setattr("cocoon.evaluation.statistics.paired.FLIPS", 1_999)


def covered(estimate: Callable[[np.random.Generator], Estimate], truth: float) -> float:
    rng = np.random.default_rng(20_250_806)
    hits = 0
    for _ in range(RUNS):
        found = estimate(rng)
        assert found.low is not None and found.high is not None
        hits += found.low <= truth <= found.high
    return hits / RUNS


def mean_of(values: Floats) -> Estimate:
    return mean_over_profiles({str(number): [float(value)] for number, value in enumerate(values)})


@pytest.mark.slow
@pytest.mark.parametrize(("n", "share"), [(20, 0.5), (50, 0.3), (50, 0.72), (100, 0.1), (200, 0.64)])
def test_wilson_covers(n: int, share: float) -> None:
    assert 0.93 <= covered(lambda rng: wilson(int(rng.binomial(n, share)), n), share) <= 0.97


@pytest.mark.usefixtures("fewer_draws")
@pytest.mark.slow
@pytest.mark.parametrize("n", [20, 50, 100, 200])
def test_the_bootstrap_mean_of_skewed_ratings_covers(n: int) -> None:
    """Answers of 1 to 7 that pile up at 6; at 10 profiles the same interval covers 92%, the plain percentile 86%."""
    truth = float(LIKERT @ SHARES)
    assert 0.93 <= covered(lambda rng: mean_of(rng.choice(LIKERT, p=SHARES, size=n)), truth) <= 0.97


@pytest.mark.usefixtures("fewer_draws")
@pytest.mark.slow
@pytest.mark.parametrize("n", [20, 50, 100])
def test_the_paired_difference_covers(n: int) -> None:
    """Two sides that share each profile's own level, rated on a grid of 0.4, whose true difference is 0.4."""

    def differences(rng: np.random.Generator) -> Estimate:
        level = rng.normal(0, 1, n)
        second, first = level + rng.normal(0.4, 0.8, n), level + rng.normal(0, 0.8, n)
        return mean_of((np.round(second / 0.4) - np.round(first / 0.4)) * 0.4)

    assert 0.93 <= covered(differences, 0.4) <= 0.97


@pytest.mark.usefixtures("fewer_draws")
@pytest.mark.slow
@pytest.mark.parametrize("n", [50, 100])
def test_clustered_success_rates_cover(n: int) -> None:
    """Four draws a profile whose chance of success is the profile's own; the second side gains 0.2 on average."""

    def differences(rng: np.random.Generator) -> Estimate:
        chance = rng.uniform(0.1, 0.7, n)
        return mean_of((rng.binomial(4, chance + 0.2) - rng.binomial(4, chance)) / 4)

    assert 0.93 <= covered(differences, 0.2) <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "cells"), [(50, [0.3, 0.1, 0.3, 0.3]), (100, [0.5, 0.1, 0.2, 0.2]), (200, [0.6, 0.04, 0.12, 0.24])]
)
def test_the_paired_success_rate_covers(n: int, cells: list[float]) -> None:
    truth = cells[2] - cells[1]
    assert 0.93 <= covered(lambda rng: newcombe(*map(int, rng.multinomial(n, cells))), truth) <= 0.97


@pytest.mark.usefixtures("fewer_draws")
@pytest.mark.slow
@pytest.mark.parametrize(("n", "runs"), [(15, 1_000), (40, 500)])
def test_the_permutation_test_rejects_a_true_null_about_as_often_as_it_says(
    fewer_draws: None, n: int, runs: int
) -> None:
    """Skewed answers of 1 to 7, both sides alike. Ties make the test conservative, never liberal."""
    rng = np.random.default_rng(11)
    rejected = 0
    for _ in range(runs):
        level = rng.choice(LIKERT, p=SHARES, size=n)
        first, second = level + rng.exponential(1, n), level + rng.exponential(1, n)
        found = sign_flip([float(value) for value in second - first])
        rejected += found is not None and found.p <= 0.05
    error = 3 * math.sqrt(0.05 * 0.95 / runs)
    assert 0.05 - error <= rejected / runs <= 0.05 + error


@pytest.mark.slow
def test_mcnemar_keeps_its_level() -> None:
    rng = np.random.default_rng(12)
    tables = rng.multinomial(100, [0.4, 0.15, 0.15, 0.3], size=RUNS)
    assert sum(mcnemar(int(one), int(other)).p <= 0.05 for _, one, other, _ in tables) / RUNS <= 0.05
