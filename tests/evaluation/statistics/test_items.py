"""Items against the rest, halo and differences between languages, held against worked values and known truths."""

import numpy as np
import pytest

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
