"""Items against the rest, halo and differences between languages, held against worked values and known truths."""

import math

import numpy as np
import pytest
from scipy import stats

from cocoon.evaluation.statistics.items import language_differences, mean_correlation, rest_correlations

RNG = np.random.default_rng(3)
LEVEL = RNG.normal(size=(40, 1))
ITEMS = LEVEL + 0.7 * RNG.normal(size=(40, 4))
PROFILES = [f"p{number // 2}" for number in range(40)]
"""Two dialogues a profile."""


def test_an_item_is_held_against_the_sum_of_the_others() -> None:
    for item, found in enumerate(rest_correlations(ITEMS.tolist(), PROFILES)):
        expected = np.corrcoef(ITEMS[:, item], np.delete(ITEMS, item, axis=1).sum(1))[0, 1]
        assert found.value == pytest.approx(expected) and found.n == 40
        assert found.low is not None and found.high is not None and found.low < expected < found.high < 1


@pytest.mark.parametrize(("dialogues", "has_interval"), [(4, False), (6, True)])
def test_an_interval_of_items_needs_three_profiles(dialogues: int, has_interval: bool) -> None:
    found = rest_correlations(ITEMS[:dialogues].tolist(), PROFILES[:dialogues])
    assert [estimate.low is not None for estimate in found] == [has_interval] * 4
    assert all(estimate.value is not None for estimate in found)


def test_an_item_that_does_not_vary_has_no_correlation_and_a_missing_answer_leaves_its_dialogue_out() -> None:
    rows = [[*row, 3.0] for row in ITEMS.tolist()]
    rows[0][1] = None
    *others, constant = rest_correlations(rows, PROFILES)
    assert (constant.value, constant.low, constant.n, constant.missing) == (None, None, 39, 1)
    assert all(estimate.value is not None for estimate in others)


def test_halo_does_not_count_what_sets_supporters_apart() -> None:
    """Two columns that share nothing but the supporter's level."""
    strata = ["good" if number % 2 else "bad" for number in range(200)]
    level = np.array([[3.0] if name == "good" else [0.0] for name in strata])
    table = level + np.random.default_rng(1).normal(size=(200, 2))
    profiles = [f"p{number // 4}" for number in range(200)]
    assert np.asarray(np.corrcoef(table.T))[0, 1] > 0.6
    found = mean_correlation(table.tolist(), profiles, strata, [(0, 1)])
    within = table - np.array([table[np.array(strata) == name].mean(0) for name in strata])
    assert found.value == pytest.approx(np.asarray(np.corrcoef(within.T))[0, 1])
    assert found.value is not None and abs(found.value) < 0.2


def test_halo_is_the_mean_over_pairs_and_is_none_where_nothing_varies() -> None:
    strata = ["one"] * 40
    found = mean_correlation(ITEMS.tolist(), PROFILES, strata, [(0, 1), (2, 3)])
    matrix = np.asarray(np.corrcoef(ITEMS.T))
    assert found.value == pytest.approx((matrix[0, 1] + matrix[2, 3]) / 2)
    assert mean_correlation([[2.0, 5.0]] * 40, PROFILES, strata, [(0, 1)]).value is None


def test_an_item_that_is_easier_in_the_second_language_is_found_and_a_better_dialogue_is_not() -> None:
    """All items are two points higher in the second language, and the first is one point higher still."""
    rng = np.random.default_rng(7)
    chinese = [number % 2 == 1 for number in range(120)]
    shift = np.array([[2.0] if language else [0.0] for language in chinese])
    table = rng.normal(size=(120, 1)) + shift + 0.3 * rng.normal(size=(120, 5))
    table[:, 0] += [1.0 if language else 0.0 for language in chinese]
    first, *others = language_differences(table.tolist(), [f"p{number}" for number in range(120)], chinese)
    assert first.value == pytest.approx(1.0, abs=0.2) and first.low is not None and first.low > 0.7
    # The rest holds the first item, which pulls the others down by a share of its point.
    assert all(estimate.value is not None and abs(estimate.value) < 0.35 for estimate in others)


def test_one_language_tells_no_difference() -> None:
    found = language_differences(ITEMS.tolist(), PROFILES, [False] * 40)
    assert [(estimate.value, estimate.n) for estimate in found] == [(None, 40)] * 4


@pytest.mark.slow
def test_intervals_of_items_cover_the_truth() -> None:
    """Of 150 tables of 10 profiles; 0.90 leaves room for the draw at a true coverage of 0.95."""
    rng = np.random.default_rng(11)
    held = np.zeros(2)
    for _ in range(150):
        level = np.repeat(rng.normal(size=(10, 1)), 4, axis=0)
        table = np.sqrt(0.5) * level + np.sqrt(0.5) * rng.normal(size=(40, 4))
        profiles = [f"p{number // 4}" for number in range(40)]
        rest = rest_correlations(table.tolist(), profiles)[0]
        difference = language_differences(table.tolist(), profiles, [number // 4 % 2 == 1 for number in range(40)])[0]
        # One item and the sum of three with correlation 0.5 between any two: 1.5 / sqrt(6).
        for index, (estimate, truth) in enumerate([(rest, 1.5 / np.sqrt(6)), (difference, 0.0)]):
            assert estimate.low is not None and estimate.high is not None
            held[index] += estimate.low <= truth <= estimate.high
    assert (held / 150 >= 0.90).all(), held / 150


def fisher_interval(values: np.ndarray, whole: float) -> tuple[float, float]:
    """A jackknife of Fisher's z around the correlation of the whole."""
    z = np.arctanh(values)
    half = stats.t.ppf(0.975, len(z) - 1) * math.sqrt((len(z) - 1) * z.var())
    return math.tanh(math.atanh(whole) - half), math.tanh(math.atanh(whole) + half)


GROUPS = np.repeat(np.arange(6), [2, 3, 1, 4, 2, 3])
NAMES = [f"p{group}" for group in GROUPS]
SCALES = [1.0, 0.001]


@pytest.mark.parametrize("scale", SCALES)
def test_the_interval_of_an_item_leaves_out_one_profile_after_the_other(scale: float) -> None:
    table = scale * ITEMS[: len(GROUPS)]
    found = rest_correlations([*table.tolist(), [1.0, None, 1.0, 1.0], [1.0]], [*NAMES, "p9", "p9"])

    def correlation(rows: np.ndarray) -> float:
        return float(np.asarray(np.corrcoef(rows[:, 1], rows[:, [0, 2, 3]].sum(1)))[0, 1])

    whole = correlation(table)
    low, high = fisher_interval(np.array([correlation(table[group != GROUPS]) for group in range(6)]), whole)
    assert (found[1].value, found[1].low, found[1].high) == tuple(map(pytest.approx, (whole, low, high)))
    assert (found[1].n, found[1].missing) == (15, 2)


@pytest.mark.parametrize("scale", SCALES)
def test_the_interval_of_halo_leaves_out_one_profile_after_the_other(scale: float) -> None:
    table = scale * ITEMS[: len(GROUPS)]
    strata = ["abc"[number % 3] for number in range(len(GROUPS))]
    pairs = [(0, 1), (3, 2), (1, 3)]

    def halo(rows: np.ndarray, labels: np.ndarray) -> float:
        within = np.array([row - rows[labels == label].mean(0) for row, label in zip(rows, labels, strict=True)])
        matrix = np.asarray(np.corrcoef(within.T))
        return float(np.mean([matrix[pair] for pair in pairs]))

    labels = np.array(strata)
    whole = halo(table, labels)
    parts = [halo(table[group != GROUPS], labels[group != GROUPS]) for group in range(6)]
    low, high = fisher_interval(np.array(parts), whole)
    found = mean_correlation(table.tolist(), NAMES, strata, pairs)
    assert (found.value, found.low, found.high) == tuple(map(pytest.approx, (whole, low, high)))
    assert (found.n, found.missing) == (15, 0)
    one_missing = [[None, *row[1:]] if not number else row for number, row in enumerate(table.tolist())]
    assert mean_correlation(one_missing, NAMES, strata, pairs).missing == 1


def test_a_pair_with_a_column_that_does_not_vary_is_left_out_of_the_halo() -> None:
    table = np.column_stack([ITEMS[:, :3], np.full(40, 2.0)])
    found = mean_correlation(table.tolist(), PROFILES, ["one"] * 40, [(0, 3), (0, 1)])
    assert found.value == pytest.approx(np.asarray(np.corrcoef(ITEMS[:, 0], ITEMS[:, 1]))[0, 1])


def test_three_dialogues_give_a_correlation_and_two_give_none() -> None:
    assert [estimate.value for estimate in rest_correlations(ITEMS[:2].tolist(), ["a", "b"])] == [None] * 4
    assert all(estimate.value is not None for estimate in rest_correlations(ITEMS[:3].tolist(), ["a", "b", "c"]))
    assert rest_correlations([], []) == []


def test_two_profiles_have_no_interval_however_many_their_dialogues() -> None:
    names = ["a"] * 4 + ["b"] * 5
    for one in (
        *rest_correlations(ITEMS[:9].tolist(), names),
        mean_correlation(ITEMS[:9].tolist(), names, ["one"] * 9, [(0, 1)]),
    ):
        assert one.value is not None and one.low is None and one.high is None


def test_each_dialogue_has_a_stratum_and_a_language() -> None:
    with pytest.raises(ValueError, match="shorter"):
        mean_correlation(ITEMS.tolist(), PROFILES, ["one"] * 39, [(0, 1)])
    with pytest.raises(ValueError, match="shorter"):
        language_differences(ITEMS.tolist(), PROFILES, [True, False])


def test_a_perfect_correlation_and_one_without_any_spread_have_no_interval() -> None:
    """Items that are the same, and profiles that are copies of one another."""
    same = rest_correlations([[value, value] for value in (1.0, 2.0, 4.0, 3.0)], ["a", "b", "c", "d"])
    assert [(estimate.value, estimate.low) for estimate in same] == [(pytest.approx(1.0), None)] * 2
    copies = rest_correlations([[1.0, 2.0], [2.0, 5.0], [4.0, 3.0]] * 4, [name for name in "abcd" for _ in range(3)])
    assert [(estimate.low, estimate.high, estimate.n) for estimate in copies] == [(None, None, 12)] * 2
    assert copies[0].value is not None


def clustered(table: np.ndarray, item: int, second: np.ndarray, groups: np.ndarray) -> tuple[float, float]:
    """The coefficient of the language in a regression on the rest, and half its interval, by least squares."""
    rows = len(table)
    rest = np.delete(table, item, axis=1).mean(1)
    design = np.column_stack([second, rest, np.ones(rows)])
    coefficients = np.linalg.lstsq(design, table[:, item])[0]
    residuals = table[:, item] - design @ coefficients
    names = sorted(set(groups.tolist()))
    meat = np.zeros((3, 3))
    for name in names:
        score = design[groups == name].T @ residuals[groups == name]
        meat += np.outer(score, score)
    bread = np.linalg.inv(design.T @ design)
    factor = len(names) / (len(names) - 1) * (rows - 1) / (rows - 3)
    error = math.sqrt(factor * (bread @ meat @ bread)[0, 0])
    return float(coefficients[0]), float(stats.t.ppf(0.975, len(names) - 2)) * error


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(("rows", "groups"), [(15, GROUPS), (5, np.array([0, 1, 2, 3, 3])), (4, np.arange(4))])
def test_a_difference_between_languages_has_the_interval_of_clusters(
    rows: int, groups: np.ndarray, scale: float
) -> None:
    table = scale * ITEMS[:rows]
    second = np.array([number % 2 == 0 for number in range(rows)])
    names = [f"p{group}" for group in groups]
    found = language_differences([*table.tolist(), [None, 1.0, 1.0, 1.0]], [*names, "x"], [*second.tolist(), True])
    for item in range(4):
        value, half = clustered(table, item, second.astype(float), groups)
        one = found[item]
        assert (one.value, one.low, one.high) == tuple(map(pytest.approx, (value, value - half, value + half)))
        assert (one.n, one.missing) == (rows, 1)


def test_two_items_are_enough_for_a_difference_and_one_is_not() -> None:
    second = [number % 2 == 0 for number in range(8)]
    names = [f"p{number}" for number in range(8)]
    assert all(one.low is not None for one in language_differences(ITEMS[:8, :2].tolist(), names, second))
    assert [one.value for one in language_differences(ITEMS[:8, :1].tolist(), names, second)] == [None]
    assert [one.value for one in language_differences(ITEMS[:3].tolist(), names[:3], second[:3])] == [None] * 4
    assert [one.value for one in language_differences(ITEMS[:8].tolist(), names, [True] * 8)] == [None] * 4
    assert language_differences([], [], []) == []


def test_a_difference_of_three_profiles_or_without_any_rest_has_no_interval() -> None:
    second = [False, True, False, True, True, False]
    few = language_differences(ITEMS[:6].tolist(), ["a", "a", "b", "b", "c", "c"], second)
    assert all(one.value is not None and one.low is None and one.high is None for one in few)
    # The first item is the second one, and half a point more in the second language: nothing is left over.
    exact = [[value + 0.5 * language, value] for value, language in zip((1, 2, 4, 3, 5, 2), second, strict=True)]
    first, _ = language_differences(exact, list("abcdef"), second)
    assert (first.value, first.low, first.n) == (pytest.approx(0.5), None, 6)


def test_items_whose_rest_only_differs_between_languages_tell_no_difference() -> None:
    second = [False, True, False, True, False, True]
    table = [[value, 1.0 + language] for value, language in zip((1.0, 2.0, 4.0, 3.0, 5.0, 2.0), second, strict=True)]
    first, other = language_differences(table, list("abcdef"), second)
    assert first.value is None and other.value is not None
