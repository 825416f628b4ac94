"""Intervals against values worked by hand, scipy, and properties that must hold for any data."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from cocoon.core.records import Record
from cocoon.evaluation.statistics.estimates import (
    RESAMPLES,
    Bounds,
    Estimate,
    Spread,
    expanded_tail,
    mean_over_profiles,
    median_and_range,
    student_quantile,
    wilson,
)
from cocoon.evaluation.statistics.generalisability import PanelVariance
from cocoon.evaluation.statistics.paired import Significance
from cocoon.evaluation.statistics.preference import Choice, Strength, WinRate
from cocoon.evaluation.statistics.reliability import Components, IntraclassCorrelation
from cocoon.evaluation.success.rate import sr_bounds, success_rate


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (18, 25, 0.524, 0.857),
        (0, 10, 0.0, 0.278),
        (10, 10, 0.722, 1.0),
        (5, 10, 0.237, 0.763),
        (2, 25, 0.022, 0.250),
    ],
)
def test_wilson_against_known_values(successes: int, n: int, low: float, high: float) -> None:
    estimate = wilson(successes, n, missing=3)
    assert estimate.value == successes / n and (estimate.n, estimate.missing) == (n, 3)
    assert (estimate.low, estimate.high) == (pytest.approx(low, abs=5e-4), pytest.approx(high, abs=5e-4))


@settings(deadline=None)
@given(st.integers(2, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_against_scipy(case: tuple[int, int]) -> None:
    theirs = scipy.stats.binomtest(*case).proportion_ci(0.95, method="wilson")
    ours = wilson(*case)
    assert (ours.low, ours.high) == (
        pytest.approx(theirs.low, abs=1e-9),
        pytest.approx(theirs.high, abs=1e-9),
    )


def test_no_observation_has_no_value_and_one_has_no_interval() -> None:
    assert wilson(0, 0, missing=2) == Estimate(value=None, n=0, missing=2)
    assert wilson(1, 1) == Estimate(value=1.0, n=1)
    assert mean_over_profiles({"a": [None]}) == Estimate(value=None, n=0, missing=1)
    assert mean_over_profiles({}) == Estimate(value=None)
    assert mean_over_profiles({"a": [5.0]}) == Estimate(value=5.0, n=1)
    assert mean_over_profiles({"a": [5.0, 6.0, 7.0]}) == Estimate(value=6.0, n=3)


def test_wilson_refuses_more_successes_than_observations() -> None:
    with pytest.raises(ValueError, match="successes is 3, but must lie between 0 and n = 2"):
        wilson(3, 2)


def test_a_mean_without_spread_claims_no_interval() -> None:
    assert mean_over_profiles({"a": [4.0], "b": [4.0], "c": [4.0]}) == Estimate(value=4.0, n=3)


def test_profiles_weigh_alike_however_many_draws_they_have() -> None:
    estimate = mean_over_profiles({"a": [1.0, 1.0, 1.0], "b": [7.0, None]})
    assert (estimate.value, estimate.n, estimate.missing) == (4.0, 4, 1)


VALUES = [3.2, 5.6, 4.8, 6.0, 2.4, 5.2, 4.4, 3.6, 6.8, 5.0, 4.0, 5.8]


def test_bootstrap_against_scipy() -> None:
    """An expanded percentile interval is a percentile interval at a level of its own."""
    ours = mean_over_profiles({str(index): [value] for index, value in enumerate(VALUES)})
    theirs = scipy.stats.bootstrap(
        (np.array(VALUES),),
        np.mean,
        n_resamples=RESAMPLES,
        method="percentile",
        confidence_level=1 - 2 * expanded_tail(len(VALUES)),
        rng=np.random.default_rng(1),
    ).confidence_interval
    assert ours.value == pytest.approx(np.mean(VALUES))
    assert (ours.low, ours.high) == (
        pytest.approx(theirs.low, abs=0.05),
        pytest.approx(theirs.high, abs=0.05),
    )


@settings(deadline=None)
@given(st.integers(1, 3_000), st.sampled_from([0.6, 0.95, 0.975, 0.995]))
def test_quantiles_of_student_against_scipy(df: int, share: float) -> None:
    assert student_quantile(share, df) == pytest.approx(scipy.stats.t.ppf(share, df), rel=1e-9)


def test_the_tail_is_widened_for_small_n_alone() -> None:
    """At n 20: z sqrt(19/20) = t(0.975, 19) = 2.0930, so z is 2.1474 and the tail 0.0159."""
    assert expanded_tail(20) == pytest.approx(0.0159, abs=5e-5)
    assert expanded_tail(5_000) == pytest.approx(0.025, abs=5e-5)


def test_copies_of_a_draw_do_not_narrow_the_interval() -> None:
    once = mean_over_profiles({str(index): [value] for index, value in enumerate(VALUES)})
    often = mean_over_profiles({str(index): [value] * 10 for index, value in enumerate(VALUES)})
    assert once.low is not None and often.low is not None
    assert (often.low, often.high) == (pytest.approx(once.low), pytest.approx(once.high))
    assert often.n == 120


@settings(deadline=None)
@given(st.lists(st.floats(1, 7), min_size=2, max_size=30))
def test_the_interval_holds_the_mean_and_does_not_depend_on_the_order(values: list[float]) -> None:
    draws = {str(index): [value] for index, value in enumerate(values)}
    estimate = mean_over_profiles(draws)
    assert mean_over_profiles(dict(reversed(draws.items()))) == estimate
    if estimate.low is not None and estimate.high is not None and estimate.value is not None:
        assert min(values) - 1e-9 <= estimate.low <= estimate.value + 1e-9
        assert estimate.value - 1e-9 <= estimate.high <= max(values) + 1e-9


def test_success_rate_is_wilson_with_one_draw_a_profile() -> None:
    draws: dict[str, list[bool | None]] = {str(index): [index < 18] for index in range(25)}
    draws["x"] = [None]
    assert success_rate(draws) == wilson(18, 25, missing=1)
    assert success_rate({}) == Estimate(value=None)


def test_success_rate_with_more_draws_keeps_a_profile_together() -> None:
    draws = {str(index): [index < 10] * 4 for index in range(20)}
    estimate = success_rate(draws)
    as_if_independent = wilson(40, 80)
    assert estimate.value == 0.5 and estimate.n == 80
    assert estimate.low is not None and as_if_independent.low is not None
    assert estimate.low < as_if_independent.low - 0.05


@pytest.mark.parametrize(("named", "low", "high"), [(True, 0.722, 1.0), (False, 0.0, 0.278)])
def test_all_alike_over_several_draws_is_no_certainty(named: bool, low: float, high: float) -> None:
    estimate = success_rate({str(index): [named] * 3 for index in range(10)})
    assert (estimate.low, estimate.high) == (pytest.approx(low, abs=5e-4), pytest.approx(high, abs=5e-4))


def test_bounds_worked_by_hand() -> None:
    draws = {"a": [True], "b": [False], "c": [None], "d": [None]}
    assert sr_bounds(draws) == Bounds(low=0.25, high=0.75)
    assert sr_bounds({"a": [True, None], "b": [False, False, None, None]}) == Bounds(low=0.25, high=0.75)
    assert sr_bounds({}) is None
    assert sr_bounds({"a": []}) is None


DRAWS = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3),
    st.lists(st.one_of(st.none(), st.booleans()), min_size=1, max_size=4),
    min_size=1,
)


@settings(deadline=None)
@given(DRAWS)
def test_bounds_hold_the_rate_and_meet_when_nothing_is_missing(draws: dict[str, list[bool | None]]) -> None:
    bounds, rate = sr_bounds(draws), success_rate(draws)
    assert bounds is not None and 0 <= bounds.low <= bounds.high <= 1
    if rate.value is not None:
        assert bounds.low - 1e-9 <= rate.value <= bounds.high + 1e-9
        assert (rate.missing == 0) == (bounds.low == pytest.approx(bounds.high))


NOTHING = Estimate(value=None)
RECORDS = [
    NOTHING,
    Bounds(low=0.0, high=1.0),
    Spread(),
    Significance(p=0.5, test="McNemar, exact"),
    IntraclassCorrelation(single=NOTHING, average=NOTHING, raters=2),
    Components(profile=1.0, dialogue=0.0, judge=0.0, residual=1.0, n=4),
    PanelVariance(components={}, sizes={}, by_user=NOTHING, excess=NOTHING, coefficient=NOTHING, n=1, missing=0),
    Choice(unit="1", question="q", rater="r", first="a", second="b", winner="a"),
    WinRate(condition="a", against="b", question="q", wins=1, ties=0, losses=0, missing=0, share=NOTHING),
    Strength(condition="a", strength=NOTHING),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_result_cannot_be_changed(record: Record) -> None:
    for name, value in record:
        with pytest.raises(ValueError, match="frozen"):
            setattr(record, name, value)


def test_spread() -> None:
    assert median_and_range([5, 1, 4, 2]) == Spread(median=3.0, low=1, high=5, n=4)
    assert median_and_range([]) == Spread()


def test_two_profiles_that_are_alike_have_an_interval_and_one_has_none() -> None:
    alike = success_rate({"a": [True] * 3, "b": [True] * 3})
    assert (alike.low, alike.high) == (wilson(2, 2).low, wilson(2, 2).high)
    assert success_rate({"a": [True] * 3}).low is None
