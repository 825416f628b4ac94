"""Intervals from resampling and from leaving units out, computed a second time with the same seed."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from cocoon.evaluation.statistics.agreement import Level, Weights, kappa, krippendorff, mean_ranks, spearman
from cocoon.evaluation.statistics.correction import corrected_mean
from cocoon.evaluation.statistics.estimates import (
    Estimate,
    Spread,
    draws_by_profile,
    expanded_tail,
    mean_over_profiles,
    wilson,
)
from cocoon.evaluation.statistics.paired import sign_flip
from cocoon.evaluation.statistics.resampling import percentile_interval

SEED = 20_250_806
Ints = npt.NDArray[np.int64]


def bounds(estimate: Estimate) -> tuple[float, float]:
    assert estimate.low is not None and estimate.high is not None
    return estimate.low, estimate.high


def percentiles(statistic: Callable[[Ints], float], units: int, resamples: int = 1_999) -> tuple[float, float]:
    """The 95% percentiles of a statistic, without the resamples in which it is not a number."""
    rng = np.random.default_rng(SEED)
    values = np.array([statistic(rng.integers(0, units, units)) for _ in range(resamples)])
    low, high = np.quantile(values[np.isfinite(values)], [0.025, 0.975])
    return float(low), float(high)


@pytest.fixture
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cocoon.evaluation.statistics.resampling.RESAMPLES", 40)


# Krippendorff's alpha.

RATED: list[list[float | None]] = [[1, 1, 2], [3, 3, None], [5, 4, 5], [2, 2, 2], [1, 3, 1], [4, 4, 5], [None, None, 3]]


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
@pytest.mark.parametrize("units", [3, 6])
@pytest.mark.parametrize("scale", [1.0, 0.05])
def test_the_interval_of_alpha_is_a_jackknife_of_its_logarithm(level: Level, units: int, scale: float) -> None:
    """At three units Student's t still has two degrees of freedom. Alpha without a unit comes from a shorter table."""
    table = [[None if value is None else scale * value for value in unit] for unit in RATED[-units - 1 :]]
    found = krippendorff(table, level)
    without = [krippendorff(table[:left] + table[left + 1 :], level).value for left in range(units)]
    logs = np.log(1 - np.array(without, dtype=float))
    half = stats.t.ppf(0.975, max(2, units / 2)) * math.sqrt((units - 1) * logs.var())
    assert found.value is not None and half > 0
    expected = [1 - (1 - found.value) * math.exp(side * half) for side in (1, -1)]
    assert bounds(found) == (pytest.approx(expected[0]), pytest.approx(expected[1]))
    assert (found.n, found.missing) == (sum(len(unit) - unit.count(None) for unit in table) - 1, 2 + (units > 5))


def test_alpha_has_no_interval_where_one_unit_bears_all_disagreement_or_none_differs_from_another() -> None:
    # Without the last unit all raters agree.
    alone = krippendorff([[1, 1], [2, 2], [3, 3], [1, 2]], "nominal")
    assert alone.value is not None and alone.value < 1 and alone.low is None
    # Each unit says the same as the other.
    alike = krippendorff([[1, 2], [1, 2], [1, 2]], "interval")
    assert alike.value is not None and (alike.low, alike.high, alike.n) == (None, None, 6)
    perfect = krippendorff([[1, 1, 1], [2, 2, 2], [3, 3, 3], [3, 3]], "ordinal")
    assert perfect == Estimate(value=1.0, n=11)
    # Without either unit one value is left.
    assert krippendorff([[1, 1], [2, 2]], "nominal") == Estimate(value=1.0, n=4)
    assert krippendorff([[1, 2]], "nominal") == Estimate(value=0.0, n=2)


def test_alpha_counts_what_is_missing_whether_it_is_defined_or_not() -> None:
    assert krippendorff([[None, 1], [None, None]], "nominal") == Estimate(value=None, n=0, missing=3)
    assert krippendorff([[1, 1], [1, None]], "nominal") == Estimate(value=None, n=2, missing=1)


# Kappa and the rank correlation.

FIRST: list[float] = [1, 2, 3, 4, 4, 2, 1, 3, 3, 2, 5, 1]
SECOND: list[float] = [1, 3, 3, 4, 2, 2, 1, 2, 5, 2, 4, 3]
PENALTIES: dict[Weights, Callable[[float, float], float]] = {
    "none": lambda one, other: float(one != other),
    "linear": lambda one, other: abs(one - other),
    "quadratic": lambda one, other: (one - other) ** 2,
}


def kappa_by_pairs(first: Sequence[float], second: Sequence[float], weights: Weights) -> float:
    penalty = PENALTIES[weights]
    observed = np.mean([penalty(one, other) for one, other in zip(first, second, strict=True)])
    return float(1 - observed / np.mean([penalty(one, other) for one in first for other in second]))


@pytest.mark.usefixtures("few_resamples")
@pytest.mark.parametrize("weights", ["none", "linear", "quadratic"])
def test_the_interval_of_kappa_resamples_units(weights: Weights) -> None:
    found = kappa([*FIRST, None], [*SECOND, 1], weights, [1, 2, 3, 4, 5])

    def resampled(drawn: Ints) -> float:
        return kappa_by_pairs([FIRST[unit] for unit in drawn], [SECOND[unit] for unit in drawn], weights)

    assert found.value == pytest.approx(kappa_by_pairs(FIRST, SECOND, weights))
    assert (found.n, found.missing) == (12, 1)
    low, high = percentiles(resampled, 12, 40)
    assert bounds(found) == (pytest.approx(low), pytest.approx(high))


def test_kappa_of_raters_who_use_one_category_is_not_defined() -> None:
    assert kappa([2, 2, None], [2, 2, 2], "none", [1, 2]) == Estimate(value=None, n=2, missing=1)
    assert kappa([None], [2], "none", [1, 2]) == Estimate(value=None, n=0, missing=1)
    assert kappa([1, 2], [1, 1], "linear", [1, 2]).value == pytest.approx(0.0)


def test_a_value_outside_the_scale_is_named_with_the_scale() -> None:
    with pytest.raises(ValueError, match=r"^value 0.5 is not one of the categories 1, 2, 3$"):
        kappa([0.5, 9], [1, 1], "none", [1, 2, 3])


def ranks(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(stats.rankdata(values))


@pytest.mark.usefixtures("few_resamples")
def test_the_interval_of_a_rank_correlation_resamples_units() -> None:
    first, second = np.array(FIRST), np.array(SECOND)
    found = spearman([*FIRST, 2], [*SECOND, None])
    low, high = percentiles(lambda drawn: float(np.corrcoef(ranks(first[drawn]), ranks(second[drawn]))[0, 1]), 12, 40)
    assert (found.n, found.missing) == (12, 1)
    assert bounds(found) == (pytest.approx(low), pytest.approx(high))
    assert spearman([1, 2, 2, None], [3, 3, 3, 1]) == Estimate(value=None, n=3, missing=1)


def test_ranks_of_many_ties_equal_scipy() -> None:
    values = np.array([2.0, 2.0, 7.0, 2.0, -1.0, 7.0, 3.0, 2.0])
    assert mean_ranks(values).tolist() == stats.rankdata(values).tolist()


# What a percentile interval needs.


def test_a_spread_far_below_one_is_a_spread() -> None:
    low, high = percentile_interval(lambda drawn: float(drawn.mean()) / 1e6, 5)
    expected = percentiles(lambda drawn: float(drawn.mean()) / 1e6, 5)
    assert (low, high) == expected and expected[1] > expected[0]
    assert percentile_interval(lambda drawn: float(drawn.mean()) / 1e15, 5) == (None, None)


# The mean of profiles.


@pytest.mark.parametrize(("profiles", "level"), [(2, 0.95), (7, 0.9), (300, 0.95)])
def test_the_interval_of_a_mean_is_that_of_9999_drawn_counts(profiles: int, level: float) -> None:
    """With 300 different values the draws are made in two parts."""
    values = np.sort(np.random.default_rng(profiles).normal(5, 1, profiles))
    rng = np.random.default_rng(SEED)
    means = rng.multinomial(profiles, np.full(profiles, 1 / profiles), size=9_999) @ values / profiles
    share = stats.norm.cdf(math.sqrt(profiles / (profiles - 1)) * stats.t.ppf(0.5 - level / 2, profiles - 1))
    low, high = np.quantile(means, [share, 1 - share])
    draws = {str(number): [float(value), None] for number, value in enumerate(values)}
    found = mean_over_profiles(draws, level)
    assert bounds(found) == (pytest.approx(low, rel=1e-12), pytest.approx(high, rel=1e-12))
    assert (found.value, found.n, found.missing) == (pytest.approx(values.mean()), profiles, profiles)
    if level == 0.95:
        assert mean_over_profiles(draws) == found


def test_the_tail_is_that_of_student_at_any_level() -> None:
    for n, level in ((2, 0.95), (5, 0.8)):
        expected = stats.norm.cdf(math.sqrt(n / (n - 1)) * stats.t.ppf((1 - level) / 2, n - 1))
        assert expanded_tail(n, level) == pytest.approx(float(expected), rel=1e-9)
    assert expanded_tail(5) == expanded_tail(5, 0.95)


def test_a_mean_with_nothing_known_counts_what_is_missing() -> None:
    found = mean_over_profiles({"a": [None, None], "b": []})
    assert (found.value, found.low, found.high, found.n, found.missing) == (None, None, None, 0, 2)


def test_an_estimate_and_a_spread_begin_with_nothing() -> None:
    assert (Estimate(value=None).n, Estimate(value=None).missing, Spread().n) == (0, 0, 0)


def test_wilsons_interval_ends_within_zero_and_one() -> None:
    for n in range(2, 80):
        none, all_of_them = wilson(0, n), wilson(n, n)
        assert none.low is not None and 0 <= none.low < 1e-9
        assert all_of_them.high is not None and 1 - 1e-9 < all_of_them.high <= 1
    with pytest.raises(ValueError, match="successes is -1, but must lie between 0 and n = 3"):
        wilson(-1, 3)


def test_draws_are_gathered_by_profile_in_their_order() -> None:
    assert draws_by_profile([("b", 1), ("a", 2), ("b", 3)]) == {"b": [1, 3], "a": [2]}


# Sign flips.


@pytest.mark.parametrize("pairs", [21, 250])
def test_a_drawn_sign_flip_counts_signs_drawn_under_the_fixed_seed(pairs: int) -> None:
    """With 250 pairs the signs are drawn in two parts."""
    values = np.sort(np.random.default_rng(pairs).normal(1.5 / math.sqrt(pairs), 1, pairs))
    rng = np.random.default_rng(SEED)
    parts = [9_999] if pairs == 21 else [8_000, 1_999]
    signs = np.concatenate([rng.integers(0, 2, size=(part, pairs), dtype=np.int8) for part in parts])
    extreme = np.count_nonzero(np.abs((2.0 * signs - 1.0) @ values) >= abs(values.sum()) * (1 - 1e-9))
    found = sign_flip(values.tolist())
    assert found is not None and (found.p, found.test) == ((extreme + 1) / 10_000, "sign flip, 9,999 draws")
    assert found.mid_p is None and 0.01 < found.p < 0.9


# A judge corrected by people.


def of_profiles(rated: int, scale: float) -> tuple[dict[str, list[float]], dict[str, list[tuple[float, float]]]]:
    """Twelve profiles with two dialogues each, and one without any. People rated one or two dialogues of some."""
    rng = np.random.default_rng(rated)
    judged = {f"p{number}": (scale * rng.normal(5, 1, 2)).tolist() for number in range(12)}
    pairs = {
        f"p{number}": [
            (value, 0.6 * value + scale * float(rng.normal(0, 0.3))) for value in judged[f"p{number}"][: 1 + number % 2]
        ]
        for number in range(rated)
    }
    return {**judged, "empty": []}, pairs


@pytest.mark.parametrize(("rated", "scale"), [(3, 1.0), (9, 1.0), (10, 1.0), (10, 0.01)])
def test_a_corrected_mean_has_the_interval_of_resampled_profiles(rated: int, scale: float) -> None:
    """The slope is one for nine rated profiles and estimated for ten, on a scale of any unit."""
    judged, pairs = of_profiles(rated, scale)
    names = [f"p{number}" for number in range(12)]
    by_judge = np.array([np.mean(judged[name]) for name in names])
    both = np.array([np.mean(pairs[name], axis=0) if name in pairs else (np.nan, np.nan) for name in names])

    def estimate(drawn: Ints) -> float:
        known = both[drawn][np.isfinite(both[drawn][:, 0])]
        if not len(known):
            return math.nan
        slope = np.polyfit(known[:, 0], known[:, 1], 1)[0] if rated >= 10 else 1.0
        return float(known[:, 1].mean() + slope * (by_judge[drawn].mean() - known[:, 0].mean()))

    found = corrected_mean(judged, pairs)
    assert found.value == pytest.approx(estimate(np.arange(12)))
    low, high = percentiles(estimate, 12)
    assert bounds(found) == (pytest.approx(low), pytest.approx(high))
    assert (found.n, found.missing) == (sum(map(len, pairs.values())), 0)


def test_a_judge_who_never_varies_is_corrected_by_the_difference() -> None:
    judged = {f"p{number}": [5.0] for number in range(11)}
    pairs = {f"p{number}": [(5.0, 3.0 + number % 2)] for number in range(10)}
    assert corrected_mean(judged, pairs).value == pytest.approx(3.5)
    assert corrected_mean(judged, {"p0": [(5.0, 4.0)]}) == Estimate(value=4.0, n=1)
