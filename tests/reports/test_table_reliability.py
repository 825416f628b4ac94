"""The reliability tables of a report."""

import random
from collections.abc import Sequence

import pytest

from cocoon.core.records import Rating, Verdict
from cocoon.evaluation.scales.scoring import load_scale, score
from cocoon.evaluation.statistics.agreement import krippendorff, spearman
from cocoon.evaluation.statistics.reliability import cronbach
from cocoon.evaluation.success.verdicts import PAPER
from cocoon.tests.reports.report_cases import dialogue, estimate, rating, report, rows, scored, table

NAMES = [f"p{number}" for number in range(8)]
DIALOGUES = [dialogue(name) for name in NAMES]
ANSWERS = {"a": [1, 2, 3, 4, 5, 6, 7, 4], "b": [2, 2, 3, 5, 5, 6, 6, 4]}


def by_judges() -> list[Rating]:
    return [
        scored(name, "basic", value, judge=judge)
        for judge, values in ANSWERS.items()
        for name, value in zip(NAMES, values, strict=True)
    ]


def test_a_report_of_one_judge_and_vote_has_no_agreement() -> None:
    shown = {one.id for one in report().tables}
    assert not shown & {"votes", "judges", "components"}


def test_agreement_between_judges_is_that_of_their_values() -> None:
    made = report(dialogues=DIALOGUES, ratings=by_judges())
    cells = rows(made, "judges")["en", "with need", "basic empathy"]
    pairs = list(zip(*ANSWERS.values(), strict=True))
    assert cells["judges"] == 2
    assert estimate(cells["alpha"]).value == pytest.approx(krippendorff(pairs, "interval").value)
    assert estimate(cells["Spearman"]).value == pytest.approx(spearman(*ANSWERS.values()).value)


def test_agreement_between_votes_stands_by_judge() -> None:
    votes = [
        rating(name, PAPER, vote=vote, verdict=Verdict(success=success))
        for vote in range(3)
        for name, success in zip(NAMES, [True, True, False, False, True, False, vote == 0, True], strict=True)
    ]
    votes[0] = rating("p0", PAPER, vote=0, verdict=Verdict(success=None, missing="unreadable"))
    cells = rows(report(dialogues=DIALOGUES, ratings=votes), "votes")["gpt-x", "en", "with need", "SR paper"]
    given = [[None, 1, 1], [1, 1, 1], [0, 0, 0], [0, 0, 0], [1, 1, 1], [0, 0, 0], [1, 0, 0], [1, 1, 1]]
    alpha = estimate(cells["alpha"])
    assert (cells["votes"], alpha.n, alpha.missing) == (3, 23, 1)
    assert alpha.value == pytest.approx(krippendorff(given, "nominal").value)
    assert "judges" not in {one.id for one in report(dialogues=DIALOGUES, ratings=votes).tables}


def test_shares_of_variance_sum_to_one() -> None:
    cells = rows(report(dialogues=DIALOGUES, ratings=by_judges()), "components")["en", "with need", "basic empathy"]
    shares = [cells[name] for name in ("profile", "dialogue", "judge", "residual")]
    assert sum(share for share in shares if isinstance(share, float)) == pytest.approx(1.0)
    assert isinstance(shares[0], float) and shares[0] > 0.8
    assert cells["ratings"] == 16


def answered(name: str, items: Sequence[int]) -> Rating:
    scale = load_scale("comfort")
    given: dict[str, int | None] = dict(zip(scale.item_ids, items, strict=True))
    return rating(name, "comfort", items=given, dimensions=score(scale, given))


def test_internal_consistency_is_that_of_the_keyed_items() -> None:
    scale = load_scale("comfort")
    draw = random.Random(1)
    low, high = scale.range
    given = {name: [draw.randint(low, high) for _ in scale.item_ids] for name in NAMES}
    made = report(dialogues=DIALOGUES, ratings=[answered(name, items) for name, items in given.items()])
    reverse = {item.id for item in scale.items if item.reverse}
    for dimension in scale.dimensions:
        places = [scale.item_ids.index(item) for item in dimension.items]
        keyed = [
            [low + high - items[place] if scale.item_ids[place] in reverse else items[place] for place in places]
            for items in given.values()
        ]
        cells = rows(made, "consistency")["gpt-x", "en", "with need", f"comfort {dimension.id}"]
        assert estimate(cells["Cronbach's alpha"]).value == pytest.approx(cronbach(keyed).value)


def test_a_scale_that_is_not_at_hand_has_no_consistency() -> None:
    foreign = [rating(name, "own_scale", items={"1": 3, "2": 4}, dimensions={"d": 3.5}) for name in NAMES]
    assert "consistency" not in {one.id for one in report(dialogues=DIALOGUES, ratings=foreign).tables}


def test_a_dialogue_without_any_value_is_missing() -> None:
    empty = [rating("p0", "basic", judge=judge, dimensions={"empathy": None}) for judge in ANSWERS]
    made = report(dialogues=DIALOGUES, ratings=[*by_judges()[1:8], *by_judges()[9:], *empty])
    cells = rows(made, "judges")["en", "with need", "basic empathy"]
    assert (estimate(cells["alpha"]).n, estimate(cells["alpha"]).missing) == (14, 2)
    assert table(made, "judges").note


def test_every_item_stands_against_the_rest_by_language_and_between_the_languages() -> None:
    scale = load_scale("comfort")
    draw = random.Random(2)
    people = [f"{language}{number}" for language in ("en", "zh") for number in range(8)]
    dialogues = [dialogue(name).model_copy(update={"language": name[:2]}) for name in people]
    ratings = []
    for name in people:
        level = draw.randint(2, 6)
        items = [min(7, max(1, level + draw.randint(-1, 1))) for _ in scale.item_ids]
        items[0] = 7 if name.startswith("zh") else 1
        ratings.append(answered(name, items))
    found = rows(report(dialogues=dialogues, ratings=ratings), "items")
    assert [labels[3] for labels in found] == scale.item_ids
    first, second = (found["gpt-x", "with need", "comfort", item] for item in ("1", "2"))
    assert estimate(first["r with rest, zh"]).value is None and estimate(first["r with rest, en"]).n == 8
    assert estimate(second["r with rest, zh"]).value is not None
    assert (estimate(first["zh - en at equal rest"]).value or 0) > 4


def test_halo_turns_dimensions_round_where_lower_is_better_and_needs_two_scales() -> None:
    """Relief (better: higher) and negative evaluation (better: lower) of one answer to all items."""
    ratings = [
        scored(name, scale, value)
        for scale in ("comfort", "basic", "rac")
        for name, value in zip(NAMES, ANSWERS["a"], strict=True)
    ]
    found = rows(report(dialogues=DIALOGUES, ratings=ratings), "halo")
    assert {labels[3]: cells["pairs"] for labels, cells in found.items()} == {
        **{"basic": 15, "basic × comfort": 12, "basic × rac": 12, "comfort × rac": 4}
    }
    assert estimate(found["gpt-x", "en", "with need", "basic"]["mean r"]).value == pytest.approx(1.0)
    only = report(dialogues=DIALOGUES, ratings=[rating for rating in ratings if rating.scale == "comfort"])
    assert "halo" not in {table.id for table in only.tables}
