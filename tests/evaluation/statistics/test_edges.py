"""Where a statistic begins to be defined, and figures held against a second computation."""

import itertools
import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import pytest
from scipy import stats

from cocoon.core.errors import CocoonError
from cocoon.evaluation.statistics.agreement import kappa, krippendorff, spearman
from cocoon.evaluation.statistics.paired import mcnemar
from cocoon.evaluation.statistics.power import (
    WithinTalks,
    asymptotic_profiles_for_rate,
    discordant_range,
    fewest_for_sign_flip,
    power_of_mean,
    power_of_rate,
    power_within_talks,
    profiles_for_mean,
    profiles_for_rate,
)
from cocoon.evaluation.statistics.preference import Choice, bradley_terry, win_rate
from cocoon.evaluation.statistics.reliability import Components, cronbach, intraclass, variance_components
from cocoon.evaluation.statistics.resampling import Drawn, percentile_interval, percentile_intervals


@pytest.mark.parametrize(("first", "second"), [(0.3, 0.1), (0.05, 0.25), (0.6, 0.4)])
def test_the_asymptotic_number_of_profiles_is_connors(first: float, second: float) -> None:
    z, both, difference = NormalDist().inv_cdf, first + second, abs(first - second)
    root = z(0.995) * math.sqrt(both) + z(0.9) * math.sqrt(both - difference**2)
    expected = math.ceil((root / difference) ** 2)
    assert asymptotic_profiles_for_rate(first, second, power=0.9, level=0.01) == expected
    assert asymptotic_profiles_for_rate(second, first, power=0.9, level=0.01) == expected


def test_the_fewest_profiles_of_a_difference_that_is_everywhere_are_two() -> None:
    assert asymptotic_profiles_for_rate(1.0, 0.0, power=0.51, level=0.49) == 2


@pytest.mark.parametrize("n", [1, 5, 6, 12])
def test_the_power_of_mcnemars_test_is_the_sum_over_all_tables(n: int) -> None:
    first, second = 0.5, 0.2
    expected = 0.0
    for a, b in itertools.product(range(n + 1), repeat=2):
        if a + b <= n and a + b and mcnemar(a, b).p <= 0.05:
            tables = math.comb(n, a) * math.comb(n - a, b)
            expected += tables * first**a * second**b * (1 - first - second) ** (n - a - b)
    assert power_of_rate(n, first, second) == pytest.approx(expected, abs=1e-9)


def test_profiles_for_a_rate_are_the_fewest_with_that_power() -> None:
    n = profiles_for_rate(0.5, 0.2, power=0.7)
    assert power_of_rate(n, 0.5, 0.2) >= 0.7 > power_of_rate(n - 1, 0.5, 0.2)


@pytest.mark.parametrize(("turns", "futures"), [(1, 1), (2, 3)])
def test_noise_within_talks_adds_to_the_spread_and_falls_with_turns_and_futures(turns: int, futures: int) -> None:
    design = WithinTalks(0.5, 0.3, 1.0, turns=turns, futures=futures)
    spread = math.sqrt(0.3**2 + 2 * 1.0**2 / (turns * futures))
    assert power_within_talks(24, design) == pytest.approx(power_of_mean(24, 0.5, spread), abs=0.03)
    assert power_within_talks(5, design) == 0.0


@pytest.mark.parametrize(("level", "fewest"), [(0.05, 6), (0.01, 8), (0.25, 3), (0.0625, 5), (0.5, 2)])
def test_sign_flips_reach_a_level_from_as_many_profiles_as_its_logarithm_says(level: float, fewest: int) -> None:
    assert fewest_for_sign_flip(level) == fewest and 2 / 2**fewest <= level < 2 / 2 ** (fewest - 1)
    assert power_of_mean(fewest - 1, 50.0, 1.0, level=level) == 0.0 < power_of_mean(fewest, 50.0, 1.0, level=level)


@pytest.mark.parametrize(("profiles", "difference", "spread"), [(6, 1.0, 1.0), (12, -1.0, 1.5), (40, 3.0, 9.0)])
def test_the_power_of_a_mean_is_near_the_noncentral_t(profiles: int, difference: float, spread: float) -> None:
    from scipy.stats import nct, t

    critical, shift = t.ppf(0.975, profiles - 1), abs(difference) / spread * math.sqrt(profiles)
    exact = float(nct.sf(critical, profiles - 1, shift))
    assert power_of_mean(profiles, difference, spread) == pytest.approx(exact, abs=0.01)


def test_profiles_for_a_mean_grow_with_the_square_of_the_spread() -> None:
    small, large = profiles_for_mean(1.0, 10.0), profiles_for_mean(1.0, 40.0)
    assert large / small == pytest.approx(16, rel=0.02) and profiles_for_mean(-1.0, 10.0) == small
    assert power_of_mean(small, 1.0, 10.0) >= 0.8 > power_of_mean(small - 1, 1.0, 10.0)


@pytest.mark.parametrize(("power", "level"), [(0.5, 0.05), (1.0, 0.05), (0.8, 0.0), (0.8, 0.5), (0.4, 0.05)])
def test_a_power_or_level_on_its_border_is_refused(power: float, level: float) -> None:
    for profiles_for in (profiles_for_mean, asymptotic_profiles_for_rate):
        with pytest.raises(CocoonError, match="must lie within"):
            profiles_for(0.3, 0.1, power=power, level=level)


@pytest.mark.parametrize("spread", [0.0, -1.0])
def test_a_mean_without_spread_and_shares_below_nothing_are_refused(spread: float) -> None:
    with pytest.raises(CocoonError, match="must be above 0"):
        profiles_for_mean(1.0, spread)
    with pytest.raises(CocoonError, match="must be 0 or more"):
        profiles_for_rate(0.3, -0.1)
    with pytest.raises(CocoonError, match="must differ"):
        profiles_for_rate(0.3, 0.3)


def test_discordant_shares_are_bound_by_both_rates() -> None:
    assert discordant_range(0.9, 0.8) == pytest.approx((0.1, 0.3))
    assert discordant_range(0.2, 0.1) == pytest.approx((0.1, 0.3))


def test_a_percentile_interval_is_that_of_1999_resamples_under_the_fixed_seed() -> None:
    values = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    draw = np.random.default_rng(20_250_806)
    means = [values[draw.integers(0, 5, 5)].mean() for _ in range(1999)]
    low, high = np.quantile(means, [0.025, 0.975])
    assert percentile_interval(lambda drawn: float(values[drawn].mean()), 5) == (float(low), float(high))


def undefined_at_first(times: int) -> Callable[[Drawn], float | None]:
    left = iter([None] * times)
    return lambda drawn: next(left, float(drawn.mean()))


def test_an_interval_bears_a_fifth_of_undefined_resamples_and_no_more() -> None:
    assert percentile_interval(undefined_at_first(399), 4)[0] is not None
    assert percentile_interval(undefined_at_first(400), 4) == (None, None)
    assert percentile_interval(lambda _: math.nan, 4) == (None, None)
    assert percentile_interval(lambda drawn: float(drawn.mean()), 2)[0] is not None
    assert percentile_intervals(lambda _: np.zeros(3), 1, 3) == [(None, None)] * 3


def test_agreement_begins_with_two_units_and_rank_correlation_with_three() -> None:
    assert krippendorff([[1, 2]], "interval").low is None
    assert (krippendorff([[1], [2, None]], "nominal").value, krippendorff([[1], [2, None]], "nominal").missing) == (
        None,
        1,
    )
    assert spearman([1, 2], [1, 2]).value is None and spearman([1, 2, 3], [1, 2, 3]).value == pytest.approx(1)
    assert kappa([1, None], [1, 2], "none", [1, 2]).missing == 1
    with pytest.raises(ValueError, match="the raters have 1 and 2 units"):
        spearman([1], [1, 2])


def test_two_units_and_two_raters_are_enough_for_reliability_and_one_is_not() -> None:
    table = [[1.0, 2.0], [3.0, 5.0]]
    # Mean squares by hand: rows 6.25, columns 2.25, residual 0.25.
    found = intraclass([*table, [4.0, None]])
    assert found.single.value == pytest.approx((6.25 - 0.25) / (6.25 + 0.25 + (2.25 - 0.25)))
    assert found.average.value == pytest.approx((6.25 - 0.25) / (6.25 + (2.25 - 0.25) / 2))
    assert (found.raters, found.single.n, found.single.missing) == (2, 2, 1)
    for few in ([[1.0, 2.0]], [[1.0], [2.0]]):
        assert intraclass(few).single.value is None and cronbach(few).value is None
    # Variances by hand: items 2 and 4.5, sum 12.5.
    assert cronbach([*table, [None, 1.0]]).value == pytest.approx(2 * (1 - 6.5 / 12.5))
    assert cronbach([*table, [None, 1.0]]).missing == 1


def test_components_are_shares_of_their_total() -> None:
    parts = Components(profile=2.0, dialogue=1.0, judge=4.0, residual=3.0, n=9)
    assert [parts.share(name) for name in ("profile", "dialogue", "judge", "residual")] == [0.2, 0.1, 0.4, 0.3]
    assert Components(profile=0, dialogue=0, judge=0, residual=0, n=9).share("judge") is None


def test_components_need_more_ratings_than_factors() -> None:
    two = [("p", "d", "j", 1.0), ("q", "e", "j", 2.0)]
    assert variance_components(two) is None
    found = variance_components([*two, ("q", "f", "j", 4.0), ("q", "g", "j", None)])
    assert found is not None and (found.n, found.missing, found.judge) == (3, 1, 0.0)


def test_a_share_that_is_one_over_three_units_has_wilsons_interval_over_three() -> None:
    wins = [Choice(unit=unit, question="q", rater="r", first="a", second="b", winner="a") for unit in "xyz"]
    lost = [*wins, Choice(unit="x", question="q", rater="s", first="b", second="a", winner=None)]
    found = win_rate(lost, "a", "b", "q")
    z2 = NormalDist().inv_cdf(0.975) ** 2
    assert (found.wins, found.losses, found.ties, found.missing) == (3, 0, 0, 1)
    assert found.share.low == pytest.approx(3 / (3 + z2)) and found.share.high == pytest.approx(1.0)
    other = win_rate(lost, "b", "a", "q")
    assert other.share.low == pytest.approx(0.0) and other.share.high == pytest.approx(z2 / (3 + z2))


def test_strengths_count_a_tie_as_half_a_win_for_each() -> None:
    winners = ["a", "a", "tie", "b", None]
    choices = [
        Choice(unit=str(unit), question="q", rater="r", first="a", second="b", winner=winner)
        for unit, winner in enumerate(winners)
    ]
    first, second = bradley_terry(choices)
    assert (first.condition, second.condition) == ("a", "b")
    assert first.strength.value == pytest.approx(math.log(2.5 / 1.5) / 2, abs=1e-6)
    assert (first.strength.n, first.strength.missing) == (4, 1)
    assert bradley_terry([]) == []


@pytest.mark.parametrize(("rows", "items"), [(8, 3), (20, 5)])
def test_the_interval_of_cronbachs_alpha_is_feldts(rows: int, items: int) -> None:
    rng = np.random.default_rng(rows)
    table = (rng.normal(size=(rows, 1)) + rng.normal(size=(rows, items))).tolist()
    found = cronbach(table)
    assert found.value is not None and found.low is not None and found.high is not None
    first, second = rows - 1, (rows - 1) * (items - 1)
    assert found.low == pytest.approx(1 - (1 - found.value) * stats.f.ppf(0.975, first, second), abs=1e-6)
    assert found.high == pytest.approx(1 - (1 - found.value) * stats.f.ppf(0.025, first, second), abs=1e-6)
