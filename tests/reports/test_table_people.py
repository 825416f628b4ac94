"""Tables of ratings and preferences by people, in the forms of Table 10 and Figure 5."""

import functools
import random
from typing import Any

import pytest

from cocoon.core.records import Rating
from cocoon.evaluation.scales.scoring import load_scale, score
from cocoon.evaluation.statistics.agreement import kappa, krippendorff, spearman
from cocoon.evaluation.statistics.estimates import Estimate
from cocoon.evaluation.statistics.preference import Choice
from cocoon.reports.tables.judging.people import item_kappas, judge_match_table, raters_table
from cocoon.reports.tables.preference import preference_tables
from cocoon.reports.tables.records import Cell, Table
from cocoon.tests.reports.report_cases import estimate, rating

BASIC = load_scale("basic")


def rated(name: str, judge: str, value: int | None, item: str = "3") -> Rating:
    """All items 5, but for one."""
    items: dict[str, int | None] = {**dict.fromkeys(BASIC.item_ids, 5), item: value}
    return rating(name, "basic", judge=judge, items=items, dimensions=score(BASIC, items))


PEOPLE = {"human:ada": [1, 3, 5, 7, 9, 10], "human:bo": [2, 3, 6, 6, 9, None]}
JUDGE = [2, 1, 5, 8, 9, 7]
RATINGS = [
    rated(f"d{place}", judge, value)
    for judge, values in [*PEOPLE.items(), ("gpt-x", JUDGE)]
    for place, value in enumerate(values)
]


def cells(table: Table, *labels: str) -> dict[str, Cell]:
    return next(row.cells for row in table.rows if row.labels == list(labels))


def test_agreement_between_raters_is_by_measure() -> None:
    found = cells(raters_table(RATINGS), "Emp")
    pairs = list(zip(*PEOPLE.values(), strict=True))
    assert found["raters"] == 2
    assert estimate(found["alpha, ordinal"]).value == pytest.approx(krippendorff(pairs, "ordinal").value)
    assert (estimate(found["ICC(2,1)"]).n, estimate(found["ICC(2,1)"]).missing) == (5, 1)


def test_raters_who_never_vary_have_no_alpha() -> None:
    assert estimate(cells(raters_table(RATINGS), "Flu")["alpha, interval"]).value is None


def test_people_and_judge_stand_beside_the_papers_figure() -> None:
    table = judge_match_table(RATINGS)
    means = [(a + b) / 2 if b is not None else a for a, b in zip(*PEOPLE.values(), strict=True) if a is not None]
    found = estimate(cells(table, "ours", "gpt-x")["Emp"])
    assert found.value == pytest.approx(spearman(means, JUDGE).value)
    assert found.n == 6
    assert cells(table, "paper", "gpt-4o")["Emp"] == 0.7376


def test_dialogues_that_one_side_lacks_do_not_count() -> None:
    found = estimate(cells(judge_match_table([*RATINGS, rated("d9", "human:ada", 4)]), "ours", "gpt-x")["Emp"])
    assert found.n == 6


def test_weighted_kappa_of_two_raters_by_item() -> None:
    table = item_kappas(RATINGS, BASIC)
    found = estimate(cells(table, "ada", "bo")["3"])
    expected = kappa(PEOPLE["human:ada"], PEOPLE["human:bo"], "quadratic", range(1, 11))
    assert (found.value, found.n, found.missing) == (pytest.approx(expected.value), 5, 1)


def test_without_people_there_is_nothing_to_say() -> None:
    judged = [one for one in RATINGS if one.judge == "gpt-x"]
    assert raters_table(judged).rows == [] and item_kappas(judged, BASIC).rows == []


CONDITIONS = ["full", "no-memory", "no-memory-need"]


def choices(seed: int = 4) -> list[Choice]:
    """Two people in one order each, a fair judge and one that always takes the first, both in both orders."""
    draw = random.Random(seed)
    made = []
    for unit in range(40):
        for first, second in (("full", "no-memory"), ("no-memory", "no-memory-need")):
            wins = first if draw.random() < 0.75 else second
            head: dict[str, Any] = {"unit": f"p{unit}", "question": "role_consistency"}
            for rater in ("human:ada", "human:bo"):
                order = [first, second] if draw.random() < 0.5 else [second, first]
                made.append(Choice(**head, rater=rater, first=order[0], second=order[1], winner=wins))
            for order in ([first, second], [second, first]):
                made.append(Choice(**head, rater="fair", first=order[0], second=order[1], winner=wins))
                made.append(Choice(**head, rater="lazy", first=order[0], second=order[1], winner=order[0]))
    return made


@functools.cache
def tables() -> dict[str, Table]:
    return {table.id: table for table in preference_tables(choices(), CONDITIONS)}


def test_win_rates_of_people_and_judges_stand_by_question() -> None:
    wins = tables()["wins"]
    people = cells(wins, "people", "role_consistency", "full", "no-memory")
    fair = cells(wins, "fair", "role_consistency", "full", "no-memory")
    assert (people["wins"], fair["wins"]) == (2 * int(str(fair["wins"])), fair["wins"])
    assert estimate(people["share"]).value == pytest.approx(estimate(fair["share"]).value)
    lazy = cells(wins, "lazy", "role_consistency", "full", "no-memory")
    assert (lazy["wins"], lazy["ties"], lazy["losses"]) == (0, 40, 0)


def test_a_judge_that_always_takes_the_first_is_named() -> None:
    position = tables()["position"]
    assert cells(position, "lazy")["verdict"] == "always takes the first"
    assert cells(position, "fair")["verdict"] == "no bias seen"
    assert estimate(cells(position, "lazy")["same answer in both orders"]).value == 0.0


def test_three_conditions_have_strengths_in_their_order() -> None:
    strengths = tables()["strengths"]
    named = [row.labels[2] for row in strengths.rows if row.labels[0] == "people"]
    assert named == CONDITIONS
    assert isinstance(strengths.rows[0].cells["strength"], Estimate)


def test_people_who_always_agree_have_alpha_one() -> None:
    found = estimate(cells(tables()["preference_raters"], "people", "role_consistency")["alpha, nominal"])
    assert found.value == pytest.approx(1.0)
