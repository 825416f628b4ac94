"""Pairwise preferences and sample sizes against worked values."""

import math

import numpy as np
import pytest

from cocoon.core.errors import CocoonError
from cocoon.evaluation.statistics.agreement import krippendorff
from cocoon.evaluation.statistics.estimates import Estimate, wilson
from cocoon.evaluation.statistics.paired import Significance, mcnemar, sign_flip
from cocoon.evaluation.statistics.power import (
    asymptotic_profiles_for_rate,
    discordant_range,
    fewest_for_sign_flip,
    power_of_mean,
    power_of_rate,
    profiles_for_mean,
    profiles_for_rate,
)
from cocoon.evaluation.statistics.preference import (
    Choice,
    both_orders,
    bradley_terry,
    check_choices,
    first_position_rate,
    order_agreement,
    preference_table,
    win_rate,
)
from cocoon.evaluation.success.rate import success_rate
from cocoon.reports.tables.preference import position_verdict, preference_tables


def choice(unit: str, first: str, second: str, winner: str | None, rater: str = "r", question: str = "q") -> Choice:
    return Choice(unit=unit, question=question, rater=rater, first=first, second=second, winner=winner)


def test_win_rate_counts_wins_ties_losses_and_missing() -> None:
    choices = [
        choice("1", "full", "bare", "full"),
        choice("2", "bare", "full", "full"),
        choice("3", "full", "bare", "tie"),
        choice("4", "full", "bare", "bare"),
        choice("5", "bare", "full", None),
        choice("6", "full", "other", "full"),
        choice("7", "full", "bare", "full", question="another"),
    ]
    found = win_rate(choices, "full", "bare", "q")
    assert (found.wins, found.ties, found.losses, found.missing) == (2, 1, 1, 1)
    assert found.share.value == pytest.approx(2.5 / 4)
    assert (found.share.n, found.share.missing) == (4, 1)
    assert found.share.low is not None and found.share.low < 2.5 / 4
    assert win_rate(choices, "bare", "full", "q").share.value == pytest.approx(1.5 / 4)


def test_a_condition_that_always_wins_has_wilsons_interval() -> None:
    found = win_rate([choice(str(n), "a", "b", "a") for n in range(10)], "a", "b", "q").share
    assert found.value == 1.0
    assert found.low == pytest.approx(0.7225, abs=1e-3)


def test_a_judge_that_always_takes_the_first_is_exposed() -> None:
    asked = [choice(str(n), *order, order[0]) for n in range(20) for order in (("a", "b"), ("b", "a"))]
    assert first_position_rate(asked).value == 1.0
    assert order_agreement(asked).value == 0.0
    merged = both_orders(asked)
    assert len(merged) == 20 and {one.winner for one in merged} == {"tie"}
    assert win_rate(merged, "a", "b", "q").share.value == 0.5


def test_answers_of_one_person_about_one_pair_count_as_one_in_the_interval() -> None:
    # Two people, two pairs each, three questions, all alike within a pair: four sittings, not twelve answers.
    asked = [
        choice(unit, "a", "b", winner, question=question, rater=rater)
        for rater, unit, winner in (("x", "1", "a"), ("x", "2", "a"), ("y", "1", "a"), ("y", "2", "b"))
        for question in ("q", "r", "s")
    ]
    found = first_position_rate(asked)
    assert (found.value, found.n) == (0.75, 12)
    apart = wilson(9, 12)
    assert None not in (found.low, apart.low) and found.low < apart.low  # type: ignore[operator]
    assert position_verdict(found) == "too few answers"


def test_one_pair_that_was_asked_in_both_orders_exposes_nothing_yet() -> None:
    few = [choice("1", *order, order[0], question=q) for q in "qrs" for order in (("a", "b"), ("b", "a"))]
    assert position_verdict(first_position_rate(few)) == "too few answers"
    more = [*few, *(one.model_copy(update={"unit": "2"}) for one in few)]
    assert position_verdict(first_position_rate(more)) == "always takes the first"


def test_raters_who_all_prefer_one_condition_leave_an_interval_over_units() -> None:
    choices = [choice(str(unit), "a", "b", "a", rater=rater) for unit in range(10) for rater in "xyz"]
    found = win_rate(choices, "a", "b", "q").share
    assert (found.value, found.n) == (1.0, 30)
    assert (found.low, found.high) == (wilson(10, 10).low, 1.0)


def test_votes_of_a_judge_stand_in_one_row_and_their_agreement_beside() -> None:
    asked = [
        choice(str(unit), *order, "a" if unit % 2 or vote else "b", rater="j").model_copy(update={"vote": vote})
        for unit in range(8)
        for order in (("a", "b"), ("b", "a"))
        for vote in (0, 1)
    ]
    tables = {table.id: table for table in preference_tables(asked, ["a", "b"])}
    (row,) = tables["wins"].rows
    assert (row.labels[0], row.cells["wins"], row.cells["losses"]) == ("j", 12, 4)
    (agreed,) = tables["preference_raters"].rows
    expected = krippendorff([[1.0, 1.0] if unit % 2 else [-1.0, 1.0] for unit in range(8)], "nominal")
    assert agreed.labels == ["j", "q"] and agreed.cells["alpha, nominal"] == expected


def test_a_steady_judge_has_no_position_bias() -> None:
    asked = [choice(str(n), *order, "a") for n in range(20) for order in (("a", "b"), ("b", "a"))]
    assert first_position_rate(asked).value == 0.5
    assert order_agreement(asked).value == 1.0
    assert {one.winner for one in both_orders(asked)} == {"a"}


def test_a_pair_asked_once_or_with_a_missing_answer_does_not_count_as_agreed() -> None:
    asked = [choice("1", "a", "b", "a"), choice("2", "a", "b", "a"), choice("2", "b", "a", None)]
    assert [one.winner for one in both_orders(asked)] == [None]
    assert (order_agreement(asked).n, order_agreement(asked).missing) == (0, 1)


def test_a_winner_that_was_not_shown_is_refused() -> None:
    check_choices(choice("1", "a", "b", "tie"))
    with pytest.raises(ValueError, match="winner 'c' was not shown"):
        check_choices(choice("1", "a", "b", "c"))
    with pytest.raises(ValueError, match="compared with itself"):
        check_choices(choice("1", "a", "a", "a"))


def test_bradley_terry_of_two_conditions_is_the_log_odds() -> None:
    choices = [choice(str(n), "a", "b", "a" if n < 30 else "b") for n in range(40)]
    found = {one.condition: one.strength for one in bradley_terry(choices)}
    assert found["a"].value == pytest.approx(math.log(3) / 2, abs=1e-6)
    assert found["b"].value == pytest.approx(-math.log(3) / 2, abs=1e-6)
    assert found["a"].low is not None and found["a"].low > 0


def test_bradley_terry_solves_the_likelihood_equations() -> None:
    draw = np.random.default_rng(2)
    true = {"a": 0.8, "b": 0.1, "c": -0.3, "d": -0.6}
    choices = []
    for unit in range(150):
        for first, second in (("a", "b"), ("c", "a"), ("b", "c"), ("d", "b"), ("a", "d")):
            wins = draw.random() < 1 / (1 + math.exp(true[second] - true[first]))
            choices.append(choice(str(unit), first, second, first if wins else second))
    found = {one.condition: one.strength.value for one in bradley_terry(choices)}
    for name, strength in found.items():
        expected = sum(
            1 / (1 + math.exp(found[other] - strength))  # type: ignore[operator]
            for one in choices
            if name in (one.first, one.second)
            for other in [one.second if one.first == name else one.first]
        )
        assert expected == pytest.approx(sum(one.winner == name for one in choices), abs=1e-4)
    assert [one.condition for one in bradley_terry(choices)] == ["a", "b", "c", "d"]


def test_a_condition_that_never_loses_has_no_finite_strength() -> None:
    found = bradley_terry([choice("1", "a", "b", "a"), choice("2", "b", "a", "a")])
    assert [one.strength.value for one in found] == [None, None]


def test_preferences_become_a_rating_table() -> None:
    choices = [
        choice("1", "b", "a", "a", rater="x"),
        choice("1", "a", "b", "a", rater="y"),
        choice("2", "a", "b", "tie", rater="x"),
        choice("2", "a", "b", "b", rater="y"),
        choice("3", "a", "b", None, rater="x"),
    ]
    assert preference_table(choices) == [[1.0, 1.0], [0.0, -1.0], [None, None]]
    assert krippendorff(preference_table(choices), "ordinal").n == 4


@pytest.mark.parametrize(("effect", "published"), [(0.2, 199), (0.5, 34), (0.8, 15)])
def test_profiles_for_a_paired_mean_are_those_of_the_exact_test(effect: float, published: int) -> None:
    # Exact noncentral-t answers of the paired t test, two-sided 0.05, power 0.8.
    assert abs(profiles_for_mean(effect, 1.0) - published) <= 1


def test_power_of_a_mean_holds_in_simulation() -> None:
    draw = np.random.default_rng(7)
    sample = draw.normal(0.5, 1.2, size=(20_000, 40))
    t = sample.mean(1) / (sample.std(1, ddof=1) / math.sqrt(40))
    assert power_of_mean(40, 0.5, 1.2) == pytest.approx(float(np.mean(np.abs(t) > 2.0227)), abs=0.015)
    assert power_of_mean(1, 0.5, 1.2) == 0.0


def test_profiles_for_a_rate_hold_for_the_exact_test_in_simulation() -> None:
    n = profiles_for_rate(0.30, 0.10)
    counts = np.random.default_rng(8).multinomial(n, [0.3, 0.1, 0.6], size=4_000)
    power = float(np.mean([mcnemar(int(first), int(second)).p <= 0.05 for first, second, _ in counts]))
    assert power == pytest.approx(power_of_rate(n, 0.3, 0.1), abs=0.02) and power > 0.78
    # The usual formula is for the asymptotic test and gives too few for this one.
    assert asymptotic_profiles_for_rate(0.30, 0.10) < n
    assert power_of_rate(asymptotic_profiles_for_rate(0.30, 0.10), 0.3, 0.1) < 0.8


def test_a_mean_needs_as_many_profiles_as_sign_flips_need_to_reach_the_level() -> None:
    assert sign_flip([1.0] * 5) == Significance(p=1 / 16, test="sign flip, exact")
    assert (fewest_for_sign_flip(0.05), profiles_for_mean(9.0, 1.0)) == (6, 6)
    assert sign_flip([1.0] * 6) == Significance(p=1 / 32, test="sign flip, exact")


def test_the_range_of_discordant_shares() -> None:
    assert discordant_range(0.6, 0.8) == pytest.approx((0.2, 0.6))


def test_sample_sizes_that_cannot_be_are_refused() -> None:
    with pytest.raises(CocoonError, match="must not be 0"):
        profiles_for_mean(0, 1)
    with pytest.raises(CocoonError, match="must add up to at most 1"):
        profiles_for_rate(0.7, 0.6)
    with pytest.raises(CocoonError, match="more than 10,000,000"):
        profiles_for_mean(1e-5, 1)
    with pytest.raises(CocoonError, match=r"power 1.5 must lie within 0.5 and 1"):
        profiles_for_mean(1, 1, power=1.5)


def test_a_mean_has_power_from_the_fewest_profiles_that_can_reach_the_level() -> None:
    assert power_of_mean(5, 20.0, 1.0) == 0.0
    assert power_of_mean(6, 20.0, 1.0) == pytest.approx(1.0)
    assert fewest_for_sign_flip(0.5) == 2 and power_of_mean(1, 20.0, 1.0, level=0.5) == 0.0


def test_a_choice_is_a_first_vote_on_dialogues_of_others_unless_said() -> None:
    asked = choice("1", "a", "b", "a")
    assert (asked.vote, asked.own) == (0, False)


def test_what_cannot_be_compared_is_named() -> None:
    with pytest.raises(ValueError, match=r"^unit '7': 'a' is compared with itself$"):
        check_choices(choice("7", "a", "a", None))
    with pytest.raises(ValueError, match=r"^unit '7': winner 'tied' was not shown$"):
        check_choices(choice("7", "a", "b", "tied"))
    for winner in ("a", "b", None):
        check_choices(choice("7", "a", "b", winner))


@pytest.mark.parametrize(("winner", "wins"), [("a", 4), ("b", 0)])
def test_units_without_any_answer_do_not_narrow_the_interval_of_one_side(winner: str, wins: int) -> None:
    asked = [choice(str(unit), "a", "b", winner) for unit in range(4)]
    missing = [choice(unit, "a", "b", None) for unit in ("0", "8", "9")]
    found = win_rate([*asked, *missing], "a", "b", "q")
    expected = wilson(wins, 4)
    assert (found.wins, found.losses, found.missing) == (wins, 4 - wins, 3)
    assert (found.share.low, found.share.high) == (expected.low, expected.high)
    assert (found.share.n, found.share.missing, found.condition, found.against) == (4, 3, "a", "b")
    assert win_rate(asked, "a", "c", "q").share.value is None


def test_answers_of_one_order_count_as_one_and_questions_of_both_orders_apart() -> None:
    """Three questions about one pair in one order, of two units, and two votes about another pair in both orders."""
    one_order = [choice(unit, "a", "b", "ab"[int(unit)], question=question) for unit in "01" for question in "xyz"]
    assert first_position_rate(one_order) == success_rate({"0": [True] * 3, "1": [False] * 3})
    both = [
        choice("2", *order, winner, question=question).model_copy(update={"vote": vote})
        for question, winner in (("x", "c"), ("y", "tie"))
        for vote in (0, 1)
        for order in (("c", "d"), ("d", "c"))
    ]
    expected = {"x0": [True, False], "x1": [True, False], "y0": [None, None], "y1": [None, None]}
    assert first_position_rate(both) == success_rate(expected)
    together = {"0": [True] * 3, "1": [False] * 3, **expected}
    assert first_position_rate([*one_order, *both]) == success_rate(together)


def test_orders_agree_within_a_unit_and_the_interval_is_over_units() -> None:
    asked = [
        choice(unit, *order, winner, question=question)
        for unit, winners in (("1", "aa"), ("2", "ab"), ("3", "bb"), ("4", "ba"))
        for question in "qr"
        for order, winner in zip((("a", "b"), ("b", "a")), winners, strict=True)
    ]
    expected = success_rate({"1": [True, True], "2": [False, False], "3": [True, True], "4": [False, False]})
    assert order_agreement([*asked, choice("5", "a", "b", "a")]) == expected
    merged = both_orders([*asked, choice("5", "a", "b", "a")])
    assert [(one.unit, one.winner) for one in merged[::2]] == [("1", "a"), ("2", "tie"), ("3", "b"), ("4", "tie")]
    assert all(one.first == "a" for one in merged) and len(merged) == 8


def test_the_interval_of_a_strength_resamples_units(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two conditions a strength is half the log odds. Resamples without a loss have no strength and are left out."""
    monkeypatch.setattr("cocoon.evaluation.statistics.resampling.RESAMPLES", 60)
    winners = [["b", "b"], ["b", "tie"], ["a", "a", None], ["b"], ["b", "b", "b"], ["b", "b"]]
    choices = [choice(str(unit), "a", "b", winner) for unit, given in enumerate(winners) for winner in given]
    points = {"a": 0.0, "tie": 0.5, "b": 1.0}
    wins = np.array([sum(points[winner] for winner in given if winner) for given in winners])
    games = np.array([sum(winner is not None for winner in given) for given in winners])
    draw = np.random.default_rng(20_250_806)
    samples = [draw.integers(0, 6, 6) for _ in range(60)]
    defined = [sample for sample in samples if 0 < wins[sample].sum() < games[sample].sum()]
    strengths = [math.log(wins[sample].sum() / (games - wins)[sample].sum()) / 2 for sample in defined]
    low, high = np.quantile(strengths, [0.025, 0.975])
    first, second = bradley_terry(choices)
    assert (first.condition, second.condition) == ("b", "a") and 48 <= len(defined) < 60
    assert first.strength.value == pytest.approx(math.log(wins.sum() / (games - wins).sum()) / 2, abs=1e-6)
    for one, ends in ((first.strength, (low, high)), (second.strength, (-high, -low))):
        assert (one.low, one.high) == (pytest.approx(ends[0], abs=1e-6), pytest.approx(ends[1], abs=1e-6))
        assert (one.n, one.missing) == (int(games.sum()), 1)


def test_conditions_are_connected_through_others_and_by_ties() -> None:
    ring = [
        choice("1", "a", "b", "a"),
        choice("1", "b", "c", "b"),
        choice("1", "c", "d", "c"),
        choice("1", "d", "a", "d"),
    ]
    assert [one.strength.value for one in bradley_terry(ring)] == pytest.approx([0.0] * 4, abs=1e-6)
    tied = bradley_terry([choice("1", "a", "b", "tie")])
    assert [one.strength.value for one in tied] == pytest.approx([0.0] * 2)
    assert [one.condition for one in tied] == ["a", "b"]
    # The first three beat one another in a ring, and the fourth never wins.
    open_ring = [*ring[:2], choice("1", "c", "a", "c"), choice("1", "c", "d", "c"), choice("2", "c", "d", None)]
    found = bradley_terry(open_ring)
    assert [(one.strength.value, one.strength.n, one.strength.missing) for one in found] == [(None, 4, 1)] * 4


def test_nothing_that_is_known_and_a_condition_against_itself_have_no_strength() -> None:
    assert [one.strength for one in bradley_terry([choice("1", "a", "b", None)])] == [
        Estimate(value=None, missing=1)
    ] * 2
    assert [one.strength.value for one in bradley_terry([choice("1", "a", "a", "a")])] == [None]
    assert preference_table([]) == []
