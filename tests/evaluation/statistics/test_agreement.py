"""Agreement and reliability against published examples and against second implementations."""

import itertools
import math
import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cocoon.evaluation.statistics.agreement import Level, kappa, krippendorff, mean_ranks, spearman
from cocoon.evaluation.statistics.reliability import cronbach, intraclass, variance_components
from cocoon.evaluation.statistics.resampling import percentile_interval

# Krippendorff 2011, example C: four observers, twelve units, missing data.
OBSERVERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]
UNITS = [list(unit) for unit in zip(*OBSERVERS, strict=True)]
# Shrout and Fleiss 1979, table 2: six targets, four judges.
TARGETS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


@pytest.mark.parametrize(("level", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_of_the_published_example(level: Level, published: float) -> None:
    found = krippendorff(UNITS, level)
    assert found.value == pytest.approx(published, abs=5e-4)
    assert (found.n, found.missing) == (40, 7)
    assert found.low is not None and found.high is not None and found.low < published < found.high


def alpha_by_pairs(table: Sequence[Sequence[float | None]], level: Level) -> float | None:
    """Alpha from its definition: mean squared difference within units against that of all pairable values."""
    units = [[v for v in unit if v is not None] for unit in table]
    units = [unit for unit in units if len(unit) > 1]
    values = [v for unit in units for v in unit]

    def distance(one: float, other: float) -> float:
        if level == "nominal":
            return float(one != other)
        if level == "interval":
            return (one - other) ** 2
        low, high = min(one, other), max(one, other)
        between = sum(low <= value <= high for value in values)
        return (between - (values.count(low) + values.count(high)) / 2) ** 2 if low != high else 0.0

    n = len(values)
    observed = sum(sum(distance(a, b) for a, b in itertools.permutations(unit, 2)) / (len(unit) - 1) for unit in units)
    expected = sum(distance(a, b) for a, b in itertools.permutations(values, 2)) / max(1, n - 1)
    return None if expected == 0 else 1 - observed / expected


@settings(deadline=None)
@given(
    st.lists(st.lists(st.one_of(st.none(), st.integers(1, 5)), min_size=3, max_size=3), min_size=1, max_size=6),
    st.sampled_from(["nominal", "ordinal", "interval"]),
)
def test_alpha_equals_its_definition(table: list[list[int | None]], level: Level) -> None:
    expected = alpha_by_pairs(table, level)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cocoon.evaluation.statistics.resampling.RESAMPLES", 5)
        found = krippendorff(table, level).value
    assert found == (None if expected is None else pytest.approx(expected, abs=1e-9))


def test_alpha_of_raters_who_never_vary_is_not_defined() -> None:
    assert krippendorff([[4, 4], [4, 4]], "interval").value is None
    assert krippendorff([[4, None], [None, 2]], "nominal").value is None
    assert krippendorff([], "nominal").value is None


def test_kappa_of_a_published_table() -> None:
    # Fleiss, Levin and Paik 2003, table 18.1: 100 people, three diagnoses, kappa 0.68.
    counts = [[75, 1, 4], [5, 4, 1], [0, 0, 10]]
    pairs = [(row, column) for row in range(3) for column in range(3) for _ in range(counts[row][column])]
    first, second = [one for one, _ in pairs], [other for _, other in pairs]
    found = kappa(first, second, "none", [0, 1, 2])
    assert found.value == pytest.approx(0.676, abs=5e-4)
    assert found.n == 100


def test_quadratic_kappa_with_equal_margins_is_the_intraclass_correlation() -> None:
    # Fleiss and Cohen 1973: quadratic weights give the ICC; with equal margins and many units they meet.
    draw = random.Random(3)
    base = [draw.randint(1, 5) for _ in range(800)]
    other = [min(5, max(1, value + draw.choice([-1, 0, 0, 1]))) for value in base]
    first, second = base + other, other + base
    weighted = kappa(first, second, "quadratic", [1, 2, 3, 4, 5]).value
    single = intraclass(list(zip(first, second, strict=True))).single.value
    assert weighted is not None and single == pytest.approx(weighted, abs=2e-3)


def test_linear_kappa_by_hand() -> None:
    # Observed mean distance 2/4; expected over the product of margins: 1.0 (values 1,1,2,3 against 1,2,2,3... by hand).
    found = kappa([1, 1, 2, 3], [1, 2, 2, 2], "linear", [1, 2, 3])
    observed = (0 + 1 + 0 + 1) / 4
    expected = sum(abs(a - b) for a in [1, 1, 2, 3] for b in [1, 2, 2, 2]) / 16
    assert found.value == pytest.approx(1 - observed / expected)


def test_kappa_counts_what_one_rater_lacks_and_refuses_foreign_values() -> None:
    found = kappa([1, 2, None, 2], [1, 2, 3, None], "none", [1, 2, 3])
    assert (found.n, found.missing, found.value) == (2, 2, 1.0)
    with pytest.raises(ValueError, match="value 9 is not one of the categories 1, 2"):
        kappa([1, 9], [1, 2], "none", [1, 2])
    with pytest.raises(ValueError, match="2 and 1 units"):
        kappa([1, 2], [1], "none", [1, 2])


def test_intraclass_correlations_of_the_published_example() -> None:
    found = intraclass(TARGETS)
    assert found.single.value == pytest.approx(0.29, abs=5e-3)
    assert found.average.value == pytest.approx(0.62, abs=5e-3)
    assert found.raters == 4
    incomplete = intraclass([*TARGETS, [5, None, 4, 4]])
    assert incomplete.single.value == found.single.value
    assert (incomplete.single.n, incomplete.single.missing) == (6, 1)


def test_intraclass_correlation_without_variation_or_raters_is_not_defined() -> None:
    assert intraclass([[3, 3], [3, 3]]).single.value is None
    assert intraclass([[3], [4]]).single.value is None
    assert intraclass([]).average.value is None


def test_cronbach_equals_the_covariance_form() -> None:
    draw = np.random.default_rng(5)
    values = draw.normal(size=(60, 1)) + draw.normal(size=(60, 4))
    covariance = np.cov(values.T)
    items = 4
    expected = items / (items - 1) * (1 - np.trace(covariance) / covariance.sum())
    found = cronbach([*values.tolist(), [1.0, None, 2.0, 3.0]])
    assert found.value == pytest.approx(expected)
    assert (found.n, found.missing) == (60, 1)
    assert cronbach([[1, 1], [1, 1]]).value is None


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6)), min_size=3, max_size=12))
def test_spearman_equals_scipy(pairs: list[tuple[int, int]]) -> None:
    first, second = [one for one, _ in pairs], [other for _, other in pairs]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cocoon.evaluation.statistics.resampling.RESAMPLES", 5)
        found = spearman(first, second).value
    if len(set(first)) == 1 or len(set(second)) == 1:
        assert found is None
        return
    expected, _ = stats.spearmanr(first, second)
    assert found == pytest.approx(expected, abs=1e-9)


def test_mean_ranks_equal_scipy() -> None:
    values = np.array([3.0, 1.0, 3.0, 2.0, 3.0])
    assert mean_ranks(values).tolist() == stats.rankdata(values).tolist()


def test_spearman_counts_missing_values() -> None:
    found = spearman([1, 2, 3, None, 5], [2, 3, 4, 9, None])
    assert (found.value, found.n, found.missing) == (pytest.approx(1.0), 3, 2)


def test_variance_components_come_back_from_simulated_ratings() -> None:
    draw = np.random.default_rng(11)
    judges = {name: effect for name, effect in zip("abcdef", draw.normal(0, 0.5, 6), strict=True)}
    ratings = []
    for profile in range(150):
        of_profile = draw.normal(0, 1.0)
        for dialogue in range(3):
            of_dialogue = draw.normal(0, 0.7)
            for judge, of_judge in judges.items():
                value = 4 + of_profile + of_dialogue + of_judge + draw.normal(0, 0.6)
                lost = draw.random() < 0.1
                ratings.append((f"p{profile}", f"p{profile}.{dialogue}", judge, None if lost else value))
    found = variance_components(ratings)
    assert found is not None and found.negative == []
    assert found.profile == pytest.approx(1.0, rel=0.25)
    assert found.dialogue == pytest.approx(0.49, rel=0.2)
    assert found.residual == pytest.approx(0.36, rel=0.1)
    assert found.judge == pytest.approx(np.var(list(judges.values()), ddof=1), rel=0.2)
    assert found.missing == sum(value is None for *_, value in ratings)
    shares = [found.share(name) for name in ("profile", "dialogue", "judge", "residual")]
    assert math.fsum(share for share in shares if share is not None) == pytest.approx(1.0)


def test_balanced_variance_components_equal_the_anova_table() -> None:
    values = np.array(TARGETS, dtype=float)
    ratings = [(f"p{row}", f"p{row}", f"j{column}", values[row, column]) for row in range(6) for column in range(4)]
    found = variance_components(ratings)
    grand = values.mean()
    rows = 4 * ((values.mean(1) - grand) ** 2).sum() / 5
    columns = 6 * ((values.mean(0) - grand) ** 2).sum() / 3
    rest = (((values - grand) ** 2).sum() - 5 * rows - 3 * columns) / 15
    assert found is not None
    assert found.residual == pytest.approx(rest)
    assert found.profile == pytest.approx((rows - rest) / 4)
    assert found.judge == pytest.approx((columns - rest) / 6)
    assert found.dialogue == 0.0


def test_variance_components_need_two_profiles() -> None:
    assert variance_components([("p", "d", "a", 1.0), ("p", "d", "b", 2.0), ("p", "e", "a", 3.0)]) is None
    assert variance_components([]) is None


def test_an_interval_needs_spread_and_a_statistic_that_is_mostly_defined() -> None:
    assert percentile_interval(lambda _: 1.0, 10) == (None, None)
    assert percentile_interval(lambda _: None, 10) == (None, None)
    assert percentile_interval(lambda drawn: float(drawn.mean()), 1) == (None, None)
    low, high = percentile_interval(lambda drawn: float(drawn.mean()), 50)
    assert low is not None and high is not None and low < 24.5 < high
