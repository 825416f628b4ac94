"""Reliability and variance components, held against a second computation from their definition."""

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from cocoon.evaluation.statistics.estimates import Estimate
from cocoon.evaluation.statistics.henderson import Codes, between_groups, codes_of, crossing, henderson, separable
from cocoon.evaluation.statistics.reliability import Components, cronbach, intraclass, variance_components

Floats = npt.NDArray[np.float64]
# Shrout and Fleiss 1979, table 2: six targets, four judges.
TARGETS = [[9.0, 2.0, 5.0, 8.0], [6.0, 1.0, 3.0, 2.0], [8.0, 4.0, 6.0, 8.0]]
TARGETS += [[7.0, 1.0, 2.0, 6.0], [10.0, 5.0, 6.0, 9.0], [6.0, 2.0, 4.0, 7.0]]


def bounds(estimate: Estimate) -> tuple[float, float]:
    assert estimate.low is not None and estimate.high is not None
    return estimate.low, estimate.high


def test_intervals_of_the_published_example_are_those_that_other_programs_print() -> None:
    """The package psych of R gives 0.019 to 0.761 for one judge and 0.071 to 0.927 for the mean of four."""
    found = intraclass(TARGETS)
    assert bounds(found.single) == (pytest.approx(0.019, abs=6e-4), pytest.approx(0.761, abs=6e-4))
    assert bounds(found.average) == (pytest.approx(0.071, abs=2e-3), pytest.approx(0.927, abs=6e-4))


def mcgraw_and_wong(values: Floats) -> tuple[float, float]:
    """The interval of ICC(A,1), with mean squares from the fitted two-way table."""
    n, k = values.shape
    fitted = values.mean(1, keepdims=True) + values.mean(0) - values.mean()
    rows, columns = k * values.mean(1).var(ddof=1), n * values.mean(0).var(ddof=1)
    error = ((values - fitted) ** 2).sum() / ((n - 1) * (k - 1))
    icc = (rows - error) / (rows + (k - 1) * error + k * (columns - error) / n)
    a, b = k * icc / (n * (1 - icc)), 1 + k * icc * (n - 1) / (n * (1 - icc))
    v = (a * columns + b * error) ** 2 / ((a * columns) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1)))
    f_low, f_high = stats.f.ppf(0.975, n - 1, v), stats.f.ppf(0.975, v, n - 1)
    rest = k * columns + (k * n - k - n) * error
    low = n * (rows - f_low * error) / (f_low * rest + n * rows)
    return float(low), float(n * (f_high * rows - error) / (rest + n * f_high * rows))


def one_rating_table(seed: int, units: int, raters: int) -> Floats:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(units, 1)) + 0.4 * rng.normal(size=(1, raters)) + rng.normal(size=(units, raters))


@pytest.mark.parametrize(("units", "raters"), [(7, 3), (12, 2), (5, 4)])
def test_intervals_of_reliability_are_those_of_mcgraw_and_wong(units: int, raters: int) -> None:
    table = one_rating_table(units, units, raters)
    low, high = mcgraw_and_wong(table)
    found = intraclass(table.tolist())
    assert bounds(found.single) == (pytest.approx(low, rel=1e-6), pytest.approx(high, rel=1e-6))
    stepped_up = [raters * end / (1 + (raters - 1) * end) for end in (low, high)]
    assert bounds(found.average) == (pytest.approx(stepped_up[0], rel=1e-6), pytest.approx(stepped_up[1], rel=1e-6))


def test_the_unit_of_the_scale_does_not_matter() -> None:
    small = (np.array(TARGETS) / 1_000).tolist()
    for one, other in (
        (intraclass(TARGETS).single, intraclass(small).single),
        (intraclass(TARGETS).average, intraclass(small).average),
        (cronbach(TARGETS), cronbach(small)),
    ):
        assert other.value == pytest.approx(one.value)
        assert bounds(other) == (pytest.approx(one.low), pytest.approx(one.high))


def test_a_mean_of_raters_who_oppose_each_other_has_no_lower_end() -> None:
    found = intraclass([[1.0, 2.0, 3.0], [3.0, 3.0, 1.0], [1.0, 1.0, 1.0]])
    assert found.single.low is not None and found.single.low < -0.5
    assert found.average.low == -math.inf
    assert found.average.high is not None and math.isfinite(found.average.high)


@pytest.mark.parametrize("shift", [0.0, 0.7])
def test_raters_who_differ_by_a_constant_have_no_interval(shift: float) -> None:
    found = intraclass([[value, value + shift] for value in (0.1, 0.3, 0.7, 0.2)])
    assert found.single.value is not None and 0 < found.single.value <= 1 and found.single.low is None
    assert found.average.low is None and found.average.high is None


def test_units_of_one_mean_have_a_correlation_without_an_interval() -> None:
    found = intraclass([[3, 5, 2], [5, 4, 1], [2, 5, 3]])
    assert found.single.value == pytest.approx(-0.255814, abs=1e-6)
    assert [(one.low, one.high) for one in (found.single, found.average)] == [(None, None)] * 2


def test_a_unit_with_fewer_ratings_is_left_out_and_counted() -> None:
    found = intraclass([*TARGETS, [5.0], [5.0, None, 1.0, 1.0]])
    assert (found.single.n, found.single.missing, found.average.n, found.average.missing) == (6, 2, 6, 2)
    assert found.average.value == intraclass(TARGETS).average.value
    nothing = intraclass([])
    assert (nothing.raters, nothing.single, nothing.average) == (0, Estimate(value=None), Estimate(value=None))
    # Two raters, no unit that both rated.
    none = intraclass([[1.0, None], [None, 2.0]])
    assert (none.raters, none.single.n, none.single.missing) == (2, 0, 2)


def test_items_that_agree_perfectly_have_an_alpha_of_one_without_an_interval() -> None:
    found = cronbach([[1.0, 1.0], [2.0, 2.0], [4.0, 4.0], [1.0]])
    assert (found.value, found.low, found.high, found.n, found.missing) == (pytest.approx(1.0), None, None, 3, 1)
    assert cronbach([]) == Estimate(value=None)
    few = cronbach([[1.0, 1.0], [1.0, 1.0], [None, 1.0]])
    assert (few.value, few.n, few.missing) == (None, 2, 1)


def test_an_alpha_below_zero_has_an_interval() -> None:
    table = np.array([[1.0, 4.0], [2.0, 3.5], [4.0, 1.0], [3.0, 2.0], [2.0, 4.0]])
    found = cronbach(table.tolist())
    alpha = 2 * (1 - table.var(0, ddof=1).sum() / table.sum(1).var(ddof=1))
    assert found.value == pytest.approx(alpha) and alpha < 0
    ends = 1 - (1 - alpha) * stats.f.ppf([0.975, 0.025], 4, 4)
    assert bounds(found) == (pytest.approx(ends[0]), pytest.approx(ends[1]))


def test_a_share_of_a_small_variance_is_a_share() -> None:
    parts = Components(profile=0.25, dialogue=0.0, judge=0.125, residual=0.125, n=4)
    assert (parts.share("profile"), parts.share("judge"), parts.missing, parts.negative) == (0.5, 0.25, 0, [])


def by_traces(values: Floats, factors: Mapping[str, Codes]) -> list[float]:
    """Henderson's method 1 from its definition: expected quadratic forms are traces."""
    n = len(values)
    mean = np.full((n, n), 1 / n)
    indicators = [np.eye(int(codes.max()) + 1)[codes] for codes in factors.values()]
    forms = [one @ np.linalg.inv(one.T @ one) @ one.T - mean for one in indicators] + [np.eye(n) - mean]
    expected = [[np.trace(form @ one @ one.T) for one in [*indicators, np.eye(n)]] for form in forms]
    return np.linalg.solve(np.array(expected), [values @ form @ values for form in forms]).tolist()


def test_components_of_unbalanced_crossed_factors_are_those_of_the_traces() -> None:
    rng = np.random.default_rng(8)
    factors = {"a": rng.integers(0, 4, 23), "b": rng.integers(0, 3, 23), "c": rng.integers(0, 5, 23)}
    factors = {name: codes_of(codes) for name, codes in factors.items()}
    values = rng.normal(3.0, 1.0, 23)
    found = henderson(values, factors)
    assert found is not None and list(found) == ["a", "b", "c", "residual"]
    assert list(found.values()) == pytest.approx(by_traces(values, factors))


def test_ratings_with_a_negative_component_name_it_and_count_it_as_nothing() -> None:
    rng = np.random.default_rng(1)
    ratings = [
        (f"p{profile}", f"p{profile}.{dialogue}", f"j{judge}", float(rng.normal(profile, 0.6)))
        for profile in range(4)
        for dialogue in range(2 + profile % 2)
        for judge in range(3)
        if profile + judge
    ]
    factors = {
        "profile": codes_of([profile for profile, *_ in ratings]),
        "dialogue": codes_of([dialogue for _, dialogue, *_ in ratings]),
        "judge": codes_of([judge for *_, judge, _ in ratings]),
    }
    raw = by_traces(np.array([rating[3] for rating in ratings]), factors)
    found = variance_components([*ratings, ("p0", "p0.0", "j0", None)])
    assert found is not None and min(raw) < 0
    names = ("profile", "dialogue", "judge", "residual")
    assert [getattr(found, name) for name in names] == pytest.approx([max(0.0, value) for value in raw])
    assert found.negative == sorted(name for name, value in zip(names, raw, strict=True) if value < 0)
    assert (found.n, found.missing) == (len(ratings), 1)


def test_one_rating_or_none_that_is_known_has_no_components() -> None:
    assert variance_components([("p", "d", "j", None), ("q", "e", "j", None)]) is None
    assert variance_components([("p", "d", "j", 2.0)]) is None


def test_levels_are_numbered_in_order_and_crossed_without_collision() -> None:
    assert codes_of(["b", "c", "a", "c"]).tolist() == [1, 2, 0, 2]
    first, second = np.array([0, 1, 1, 0, 2, 2]), np.array([0, 1, 0, 1, 0, 1])
    assert crossing([first, second]).tolist() == [0, 3, 2, 1, 4, 5]
    assert crossing([first]).tolist() == first.tolist()
    assert len(set(crossing([first, second, np.array([0, 0, 0, 0, 1, 2])]).tolist())) == 6


def test_a_factor_that_data_cannot_tell_from_others_is_left_out() -> None:
    kept, other = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    factors = {
        "constant": np.zeros(4, dtype=np.int64),
        "of every value": np.arange(4),
        "kept": kept,
        "renamed": 1 - kept,
        "other": other,
    }
    assert list(separable(factors)) == ["kept", "other"]
    assert list(separable({"three": np.array([0, 1, 2, 2]), "two": kept})) == ["three", "two"]


def test_a_group_that_is_empty_adds_nothing() -> None:
    assert between_groups(np.array([1.0, 2.0, 4.0]), np.array([0, 2, 2])) == 1 + 36 / 2


def test_components_need_one_value_more_than_they_are_themselves() -> None:
    first, second = np.array([0, 0, 1]), np.array([0, 1, 1])
    assert henderson(np.array([1.0, 2.0, 4.0]), {"a": first, "b": second}) is None
    values, longer = np.array([1.0, 2.0, 4.0, 3.0]), {"a": np.array([0, 0, 1, 1]), "b": np.array([0, 1, 1, 1])}
    found = henderson(values, longer)
    assert found is not None and list(found.values()) == pytest.approx(by_traces(values, longer))


def test_the_same_factor_twice_cannot_be_separated() -> None:
    codes = np.array([0, 0, 1, 1, 1, 1])
    assert henderson(np.array([1.0, 2.0, 4.0, 3.0, 5.0, 5.0]), {"a": codes, "b": codes}) is None
