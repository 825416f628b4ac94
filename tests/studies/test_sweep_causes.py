"""When a sweep names a cause: the four studies of known truth, and every condition that stands before a cause."""

from dataclasses import replace

import pytest

from cocoon.evaluation.statistics.estimates import Bounds, Estimate
from cocoon.studies.sweep.cause import NEEDED, RandomTest, UserEvidence, conclusion, family_level, random_test
from cocoon.studies.sweep.trend import OUTCOMES, RANGES, Trend, trend
from cocoon.tests.studies.simulated_sweeps import TRUTHS, draw_study, names_a_cause, sentences_of
from cocoon.tests.studies.test_sweep_trends import observed


def of(low: float, high: float, missing: int = 0, lowest: tuple[float, float] | None = None) -> Trend:
    estimate = Estimate(value=(low + high) / 2, low=low, high=high, n=9, missing=missing)
    worst = estimate if lowest is None else Estimate(value=sum(lowest) / 2, low=lowest[0], high=lowest[1], n=9)
    return Trend(estimate, 0.01, 9, corrected=estimate, lowest=worst, highest=worst)


CHANCE = RandomTest(20, 1, Bounds(low=-0.5, high=0.5))
CLEAR = UserEvidence(ratio=of(0.5, 0.9), outcome=of(-2, -1), top=-1.5, random=CHANCE, surprise=of(-2, -0.5))


def test_a_cause_is_named_with_the_users_it_holds_for() -> None:
    said = conclusion("Aff", {"guarded": CLEAR, "people": CLEAR, "prompted": CLEAR}, NEEDED)
    assert said == (
        "Aff: falls with the coefficient for every kind of user, and more than under random directions of equal norm "
        "and of equal surprise (users: guarded, people, prompted). It holds under 'attuned' and 'people' rules."
    )


@pytest.mark.parametrize(
    ("other", "doubt"),
    [
        (replace(CLEAR, ratio=of(-0.1, 0.3)), "the ratio of questions does not clearly rise"),
        (replace(CLEAR, ratio=of(-0.9, -0.3)), "the ratio of questions does not clearly rise"),
        (replace(CLEAR, outcome=of(-2, -1, 5, (-1.5, 0.4))), "the 5 missing values could turn it round"),
        (replace(CLEAR, random=None), "fewer than 20 random directions of equal norm"),
        (replace(CLEAR, random=RandomTest(19, 1, CHANCE.band)), "fewer than 20 random directions of equal norm"),
        (replace(CLEAR, top=-0.4), "random directions of equal norm may do as much"),
        (replace(CLEAR, surprise=None), "no random direction of equal surprise"),
        (replace(CLEAR, surprise=of(-2, 0.1)), "equal surprise does not clearly differ"),
        (replace(CLEAR, outcome=of(1, 2)), "the kinds of user do not agree"),
        (replace(CLEAR, outcome=of(-1, 1)), "the kinds of user do not agree"),
    ],
)
def test_every_condition_can_forbid_a_cause(other: UserEvidence, doubt: str) -> None:
    said = conclusion("Aff", {"guarded": CLEAR, "prompted": other}, NEEDED)
    assert doubt in said and "no statement of cause" in said


@pytest.mark.parametrize(
    ("users", "rules", "lacking"),
    [
        (("guarded", "prompted"), ["attuned"], "a guarded user under 'people' rules did not talk"),
        (("guarded", "people"), ["attuned", "people"], "the prompted user did not talk"),
        (("guarded", "people", "prompted"), ["naming", "people"], "a guarded user under 'attuned' rules did not talk"),
        (("guarded", "prompted"), [], "'attuned' rules and a guarded user under 'people' rules did not talk"),
    ],
)
def test_a_cause_needs_attuned_people_and_the_prompted_user(
    users: tuple[str, ...], rules: list[str], lacking: str
) -> None:
    said = conclusion("Aff", dict.fromkeys(users, CLEAR), rules)
    assert lacking in said and "no statement of cause" in said


def test_missing_values_that_cannot_turn_a_change_round_do_not_forbid_it() -> None:
    few = replace(CLEAR, outcome=of(-2, -1, 1, (-1.9, -0.7)))
    assert "and more than under random directions" in conclusion("Aff", {"guarded": CLEAR, "prompted": few}, NEEDED)


def test_one_kind_of_user_or_no_trend_says_nothing_of_causes() -> None:
    flat = replace(CLEAR, outcome=of(-1, 1))
    assert "nothing is said of causes" in conclusion("Aff", {"guarded": CLEAR}, NEEDED)
    assert conclusion("Aff", {"guarded": flat, "prompted": flat}, NEEDED) == "Aff: no clear trend for any kind of user."


def test_unreadable_failures_at_the_top_dose_are_missing_and_leave_bounds() -> None:
    rows = []
    for number in range(10):
        for dose in (0.0, 0.1):
            lost = dose > 0 and number < 5
            success = None if lost else number >= 5 or number % 2 == 0
            rows.append(observed(f"p{number}", dose, success=success if dose else False))
    shown = trend(rows, lambda row: row.arm.coefficient, OUTCOMES["SR"], 0.1, RANGES["SR"], 0.9875)
    assert (shown.change.missing, shown.profiles) == (5, 5) and shown.change.value == pytest.approx(1)
    assert shown.lowest is not None and shown.highest is not None
    assert (shown.lowest.value, shown.highest.value) == (pytest.approx(0.5), pytest.approx(1))


def test_the_family_interval_is_wider_and_the_bounds_are_the_change_where_nothing_is_missing() -> None:
    rows = [observed(f"p{n}", dose, affective=4.0 + n % 3 - n * dose) for n in range(9) for dose in (0.0, 0.05, 0.1)]
    shown = trend(rows, lambda row: row.arm.coefficient, OUTCOMES["Aff"], 0.1, RANGES["Aff"], family_level(4))
    assert shown.corrected is not None and shown.corrected.low is not None and shown.change.low is not None
    assert shown.corrected.low < shown.change.low
    assert shown.lowest is not None and shown.lowest.value == pytest.approx(shown.change.value)
    assert family_level(4) == pytest.approx(0.9875)


def test_a_rank_and_a_band_say_what_random_directions_do() -> None:
    shown = random_test(-1.0, [0.1, -0.1] * 10, 0.9875)
    assert (shown.n, shown.rank) == (20, 1) and shown.band is not None
    # Two-sided at 1.25 %, 19 degrees of freedom: t = 2.7586; standard deviation 0.1026, one more value.
    assert shown.band.high == pytest.approx(2.7586 * 0.102598 * (1 + 1 / 20) ** 0.5, rel=1e-3)
    assert random_test(1.0, [2.0, 0.5, -3.0], 0.95).rank == 2
    assert random_test(1.0, [2.0, 0.5], 0.95).band is None


@pytest.mark.slow
@pytest.mark.parametrize("name", TRUTHS)
def test_a_cause_is_named_where_it_is_one(name: str) -> None:
    """A few studies of each truth; benchmarks/steering/sweep_causes.py draws 200."""
    named = [names_a_cause(sentences_of(*draw_study(TRUTHS[name], seed))) for seed in range(4)]
    assert sum(named) >= 3 if name == "effect of questions alone" else sum(named) <= 1
