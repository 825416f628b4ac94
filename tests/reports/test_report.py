"""The report: figures worked by hand, rows that are never pooled, missing values and honest remarks."""

from collections.abc import Iterator
from typing import Any

import pytest

from cocoon.core.errors import CocoonError
from cocoon.core.records import Claim, Dialogue, Failure, Verdict
from cocoon.evaluation.facts import facts_of
from cocoon.evaluation.measures import MEASURES
from cocoon.evaluation.scales.scoring import load_scale
from cocoon.evaluation.statistics.estimates import Bounds, Estimate, Spread, wilson
from cocoon.evaluation.success.verdicts import ATTRIBUTED, PAPER
from cocoon.reports.formats.html_page import render_html
from cocoon.reports.formats.json_value import to_json
from cocoon.reports.formats.latex import render_latex
from cocoon.reports.formats.markdown import render_markdown
from cocoon.reports.origin import EMBEDDED_WARNING, SCRIPTED_WARNING
from cocoon.reports.report import build_report
from cocoon.tests.reports.report_cases import (
    KINDS,
    LABELS,
    dialogue,
    estimate,
    rating,
    report,
    rows,
    scored,
    table,
    verdicts,
)


def test_figures_worked_by_hand() -> None:
    made = report()
    main = rows(made, "main")[LABELS]
    # Named in 3 of the 4 dialogues whose verdict could be read.
    assert main["SR"] == wilson(3, 4, missing=1)
    # Keyed Neg of all-v answers: (3 v + 2 (8 - v)) / 5, at v = 1 to 5.
    aff, neg = estimate(main["Aff"]), estimate(main["Neg"])
    assert (aff.value, aff.n, aff.missing) == (3.0, 5, 0)
    assert neg.value == pytest.approx((3.4 + 3.6 + 3.8 + 4.0 + 4.2) / 5)
    assert main.get("Flu") is None
    success = rows(made, "success")[LABELS]
    assert success["SR attributed"] == wilson(2, 4, missing=1)
    assert success["Bounds paper"] == Bounds(low=3 / 5, high=4 / 5)
    assert success["Bounds attributed"] == Bounds(low=2 / 5, high=3 / 5)


def test_the_evidence_behind_verdicts_counts_uptake_and_overruled_claims() -> None:
    claim = Claim(named_by="user", how="after_question", turn=5, quote="q")
    changes: list[dict[str, Any]] = [
        {"named_by": "supporter", "uptake": "taken_up", "guesses": 1},
        {"named_by": "supporter", "uptake": "taken_up", "guesses": 9},
        {"named_by": "supporter", "uptake": "denied", "guesses": 2},
        {"named_by": "user", "claim": claim, "earned": 2},
        {"named_by": "user", "claim": claim.model_copy(update={"turn": 7})},
    ]
    verdicts = [Verdict(success=True, how="after_reflection", turn=5, quote="q", **change) for change in changes]
    verdicts.append(Verdict(success=False, named_by="nobody", turn=1, quote="I", empty_evidence=True))
    names = [f"p{number}/d" for number in range(len(verdicts))]
    ratings = [rating(name, ATTRIBUTED, verdict=verdict) for name, verdict in zip(names, verdicts, strict=True)]
    evidence = rows(build_report([dialogue(name) for name in names], ratings, [], {}), "evidence")[LABELS]
    taken_up = evidence["SR taken up"]
    assert isinstance(taken_up, Estimate) and (taken_up.value, taken_up.n) == (3 / 6, 6)
    assert (evidence["Taken up"], evidence["Denied"], evidence["Ignored"], evidence["Guesses"]) == (2, 1, 0, 4.0)
    assert (evidence["Other mention"], evidence["Other form"], evidence["Empty"]) == (1, 1, 1)
    assert evidence["Lag"] == Spread(median=3, low=3, high=3, n=1)


def test_outcomes_and_rounds_until_named() -> None:
    outcomes = rows(report(), "outcomes")[LABELS]
    assert {name: count for name, count in outcomes.items() if count} == {
        "supporter, after reflection": 1,
        "user, after question": 1,
        "leaked": 1,
        "nobody": 1,
        "missing": 1,
    }
    # Turns 2, 5 and 1 stand in rounds 1, 3 and 1: the opening is round 0, turn 1 opens round 1.
    named = rows(report(), "named")[LABELS]
    assert named["by either"] == Spread(median=1, low=1, high=3, n=3)
    assert named["by the supporter"] == Spread(median=1, low=1, high=1, n=1)
    assert named["by the user"] == Spread(median=2, low=1, high=3, n=2)
    assert named["never named"] == 1


def test_golden_markdown() -> None:
    text = render_markdown(report())
    assert text.startswith("# Report of demo\n\n- Dialogues: 5, of 5 profiles\n")
    assert "- Tokens: 120,000 in prompts, 30,000 in replies\n- Cost: 1.5000 USD\n- Time: 1 h 02 min 03 s\n" in text
    assert (
        "| Supporter | Judge | Language | Prompts "
        "| SR | Flu | Div | Emp | Inf | Hum | Skil | Aff | Neg | Sup | Man | Flagged |\n"
        "| --- | --- | --- | --- "
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
        "| listen | gpt-x | en | with need | 0.75 \\[0.30, 0.95\\] n 4, missing 1 | – | – | – | – | – | – "
        "| 3.00 \\[1.20, 4.80\\] n 5, missing 0 | 3.80 \\[3.44, 4.16\\] n 5, missing 0 | – | – "
        "| 0.00 \\[no interval\\] n 5, missing 0 |\n"
    ) in text
    assert (
        "| listen | gpt-x | en | with need | 0.75 \\[0.30, 0.95\\] n 4, missing 1 | 0.60 to 0.80 "
        "| 0.50 \\[0.15, 0.85\\] n 4, missing 1 | 0.40 to 0.60 | 0 |\n"
    ) in text


def test_the_same_data_in_any_order_makes_the_same_report() -> None:
    once = report()
    ratings = [scored(kind, "comfort", number) for number, kind in enumerate(KINDS, 1)]
    ratings += [one for kind in KINDS for one in verdicts(kind, kind)]
    again = report(dialogues=[dialogue(kind) for kind in reversed(KINDS)], ratings=list(reversed(ratings)))
    assert again == once


def test_streams_and_summaries_are_read_as_well_as_lists() -> None:
    def stream() -> Iterator[Dialogue]:
        yield from (dialogue(kind) for kind in KINDS)

    assert report(dialogues=stream()) == report()
    assert report(dialogues=(facts_of(one) for one in stream())) == report()


def test_the_columns_are_those_of_the_shipped_scales() -> None:
    for measure in MEASURES:
        labels = {one.id: one.label for one in load_scale(measure.scale).dimensions}
        assert labels[measure.dimension] == measure.label
    assert " ".join(table(report(), "main").measures) == "SR Flu Div Emp Inf Hum Skil Aff Neg Sup Man Flagged"


@pytest.mark.parametrize(
    ("change", "labels"),
    [
        ({"judge": "other"}, ("listen", "other", "en", "with need")),
        ({"supporter": "plain"}, ("plain", "gpt-x", "en", "with need")),
        ({"prompt_id": "judge/scale_no_need"}, ("listen", "gpt-x", "en", "without need")),
    ],
)
def test_what_may_not_be_pooled_has_rows_of_its_own(change: dict[str, str], labels: tuple[str, ...]) -> None:
    ratings = [scored("a", "comfort", 2), scored("b", "comfort", 4), scored("c", "comfort", 7, **change)]
    main = rows(report(dialogues=[dialogue(one) for one in "abc"], ratings=ratings), "main")
    assert set(main) == {LABELS, labels}
    assert estimate(main[LABELS]["Aff"]).value == 3.0
    assert estimate(main[labels]["Aff"]).value == 7.0


def test_languages_have_rows_of_their_own() -> None:
    ratings = [scored("a", "comfort", 2), scored("b", "comfort", 4, prompt_sha="zh")]
    made = report(dialogues=[dialogue("a"), dialogue("b", language="zh")], ratings=ratings)
    assert set(rows(made, "main")) == {LABELS, ("listen", "gpt-x", "zh", "with need")}
    assert made.warnings == []


def test_several_hashes_of_one_prompt_stand_apart_with_a_warning() -> None:
    ratings = [scored("a", "comfort", 2), scored("b", "comfort", 4, prompt_sha="bbb"), scored("a", "rac", 3)]
    made = report(dialogues=[dialogue("a"), dialogue("b")], ratings=ratings)
    assert [labels[3] for labels in rows(made, "main")] == [
        "with need",
        "with need, comfort under judge/scale aaa",
        "with need, comfort under judge/scale bbb",
    ]
    assert rows(made, "main")[LABELS].get("Aff") is None
    assert made.warnings == [
        "Judge gpt-x rated comfort (en, with need) under 2 prompts: judge/scale aaa, judge/scale bbb. "
        "Their scores are not comparable."
    ]


def test_a_prompt_that_differs_between_supporters_is_told_too() -> None:
    ratings = [scored("a", "comfort", 2), scored("b", "comfort", 4, supporter="plain", prompt_sha="bbb")]
    made = report(dialogues=[dialogue("a"), dialogue("b", supporter="plain")], ratings=ratings)
    assert len(made.warnings) == 1 and len(rows(made, "main")) == 2


def test_profiles_without_need_are_not_applicable_and_never_a_failure() -> None:
    ratings = verdicts("a", "named")
    ratings += [rating("b", mode, not_applicable=True) for mode in (PAPER, ATTRIBUTED)]
    ratings += [scored("b", "comfort", 5, prompt_id="judge/scale_no_need")]
    made = report(dialogues=[dialogue("a"), dialogue("b", need=None)], ratings=ratings)
    without = (*LABELS[:3], "without need")
    assert rows(made, "main")[without]["SR"] == "not applicable (1)"
    assert rows(made, "main")[without]["Aff"] == Estimate(value=5.0, n=1)
    assert rows(made, "main")[LABELS]["SR"] == Estimate(value=1.0, n=1)
    assert rows(made, "success")[without]["Not applicable"] == 1
    assert rows(made, "success")[without]["Bounds paper"] is None
    assert rows(made, "outcomes")[without]["nobody"] == 0
    assert rows(made, "dialogues")["listen", "en"]["without need"] == 1


def test_a_rating_that_could_not_be_made_is_missing_and_widens_the_bounds() -> None:
    failures = [Failure(dialogue="b", stage="assessment", node="judge", reason="timeout", message="m")]
    made = report(dialogues=[dialogue("a"), dialogue("b")], ratings=verdicts("a", "named"), failures=failures)
    assert rows(made, "main")[LABELS]["SR"] == Estimate(value=1.0, n=1, missing=1)
    assert rows(made, "success")[LABELS]["Bounds paper"] == Bounds(low=0.5, high=1.0)
    assert rows(made, "outcomes")[LABELS]["missing"] == 1
    assert rows(made, "missing_reasons")[*LABELS, PAPER, "the rating could not be made"] == {"count": 1}
    assert rows(made, "failures") == {("assessment", "judge", "timeout"): {"count": 1}}
    assert ("Ratings that failed", "1") in made.facts


def test_a_failed_rating_that_was_made_later_is_not_missing() -> None:
    failures = [Failure(dialogue="a", stage="assessment", node="judge", reason="timeout", message="m")]
    made = report(dialogues=[dialogue("a")], ratings=verdicts("a", "named"), failures=failures)
    assert rows(made, "main")[LABELS]["SR"] == Estimate(value=1.0, n=1)


def test_votes_on_a_dialogue_count_as_one() -> None:
    votes = [scored("a", "comfort", value, vote=vote) for vote, value in enumerate([2, 4])]
    for vote, kind in enumerate(["named", "named", "nobody"]):
        votes += verdicts("a", kind, vote=vote)
    for vote, kind in enumerate(["named", "nobody"]):
        votes += verdicts("b", kind, vote=vote)
    made = report(dialogues=[dialogue("a"), dialogue("b")], ratings=votes)
    assert rows(made, "main")[LABELS]["Aff"] == Estimate(value=3.0, n=1)
    assert rows(made, "main")[LABELS]["SR"] == Estimate(value=1.0, n=1, missing=1)
    assert rows(made, "outcomes")[LABELS]["missing"] == 1
    assert rows(made, "missing_reasons")[*LABELS, PAPER, "votes tie"] == {"count": 1}


def test_a_rating_that_stands_twice_counts_once() -> None:
    made = report(dialogues=[dialogue("a")], ratings=[scored("a", "comfort", 2), scored("a", "comfort", 6)])
    assert rows(made, "main")[LABELS]["Aff"] == Estimate(value=6.0, n=1)


def test_samples_of_a_profile_stay_together() -> None:
    names = [f"{profile}/{sample}" for profile in "abcdef" for sample in range(4)]
    ratings = [one for name in names for one in verdicts(name, "named" if name[0] in "abc" else "nobody")]
    rate = rows(report(dialogues=[dialogue(name) for name in names], ratings=ratings), "main")[LABELS]["SR"]
    assert isinstance(rate, Estimate) and (rate.value, rate.n) == (0.5, 24)
    assert rate.low is not None and rate.low < 0.2


@pytest.mark.parametrize(("answers", "warned"), [([7, 7, 7], True), ([7, 7], False), ([7, 7, 6], False)])
def test_constant_answers_are_warned_of(answers: list[int], warned: bool) -> None:
    names = [str(number) for number in range(len(answers))]
    ratings = [scored(name, "comfort", value) for name, value in zip(names, answers, strict=True)]
    made = report(dialogues=[dialogue(name) for name in names], ratings=ratings)
    assert ["answered every item of comfort with the same value in all 3" in one for one in made.warnings] == (
        [True] if warned else []
    )


def test_missing_and_forced_shares() -> None:
    half = scored("b", "comfort", 4, legal_mass=0.9)
    half.items.update({"1": None, "2": None})
    half.missing = {"1": "forced: legal answers had probability 0.01", "2": "not a whole number"}
    ratings = [scored("a", "comfort", 3, legal_mass=0.2), half, scored("c", "comfort", 3)]
    made = report(dialogues=[dialogue(one) for one in "abc"], ratings=ratings)
    answers = rows(made, "answers")["gpt-x", "comfort"]
    missing, forced = answers["missing items or verdicts"], answers["forced ratings"]
    assert isinstance(missing, Estimate) and isinstance(forced, Estimate)
    assert (missing.value, missing.n) == (pytest.approx(2 / 30), 30)
    assert (forced.value, forced.n, forced.missing) == (0.5, 2, 1)
    assert [labels[-1] for labels in rows(made, "missing_reasons")] == ["forced", "not a whole number"]
    assert (
        rows(made, "answers")["gpt-x", "comfort"]
        != rows(report(dialogues=[], ratings=ratings, floor=0.1), "answers")["gpt-x", "comfort"]
    )


def test_variants_and_other_scales() -> None:
    ratings = [scored("a", "rac", 6), scored("a", "aels", 5)]
    ratings[0].items["5"] = None
    ratings[0].dimensions["supportiveness"] = None
    made = report(dialogues=[dialogue("a")], ratings=ratings, scales={"rac": load_scale("rac")})
    assert rows(made, "main")[LABELS]["Sup"] == Estimate(value=None, missing=1)
    # rac10 does not use item 5, so it has a value where rac16 has none.
    assert rows(made, "variants")[*LABELS, "rac10", "Sup"]["Mean"] == Estimate(value=6.0, n=1)
    assert rows(made, "other_scales")[*LABELS, "aels", "sensing"]["Mean"] == Estimate(value=5.0, n=1)
    assert "no source" in table(made, "variants").note


def guarded(name: str, rounds: int, difficulty: str) -> Dialogue:
    return dialogue(name, rounds, user_kind="guarded", difficulty=difficulty, rules="neutral")


def test_disclosure_per_difficulty() -> None:
    dialogues = [guarded("a", 3, "easy"), guarded("b", 1, "easy"), guarded("c", 4, "hard")]
    made = report(dialogues=dialogues, ratings=[])
    disclosure = rows(made, "disclosure")
    assert disclosure["listen", "easy", "0"]["rounds"] == Spread(median=1, low=1, high=1, n=2)
    assert disclosure["listen", "easy", "1"] == {
        "rounds": Spread(median=2, low=2, high=2, n=1),
        "unlocked": 1,
        "never": 1,
        "dialogues": 2,
    }
    assert disclosure["listen", "hard", "1"]["unlocked"] == 1
    assert ("Difficulty", "easy, hard") in made.facts and ("Trust rules", "neutral") in made.facts
    assert ("Form invariance of the appraisal", "not measured") in made.facts
    assert made.warnings == [
        "Rows pool 2 kinds of simulated user (guarded easy neutral; guarded hard neutral): "
        "report each on its own to compare."
    ]


def test_prompted_users_have_no_disclosure_table() -> None:
    made = report(dialogues=[dialogue("a", user_kind="")], ratings=[])
    assert "disclosure" not in [one.id for one in made.tables]
    assert "Difficulty" not in dict(made.facts)


def test_stop_reasons_and_turns() -> None:
    dialogues = [
        dialogue("a", 2),
        dialogue("b", 2, stop_reason="user_left"),
        dialogue("c", 5, stop_reason=None),
    ]
    made = report(dialogues=dialogues, ratings=[])
    assert rows(made, "stop_reasons") == {("listen", "en"): {"not told": 1, "rounds": 1, "user_left": 1}}
    assert rows(made, "turns") == {
        ("listen", "en", "5"): {"dialogues": 2},
        ("listen", "en", "11"): {"dialogues": 1},
    }
    assert rows(made, "dialogues")["listen", "en"]["rounds"] == Spread(median=2, low=2, high=5, n=3)
    assert rows(made, "dialogues")["listen", "en"]["characters per user turn"] == 4.0


def test_a_model_of_another_size_is_no_embedded_one() -> None:
    made = report(facts={"models": {"user": ["http://127.0.0.1:8000/v1#SmolLM2-1.7B"]}})
    assert EMBEDDED_WARNING not in made.warnings


def test_the_embedded_model_is_named_on_the_first_line() -> None:
    made = report(facts={"embedded": True})
    assert made.warnings[0] == EMBEDDED_WARNING
    assert render_markdown(made).splitlines()[0] == f"> **Warning.** {EMBEDDED_WARNING}"
    assert render_html(made).index(EMBEDDED_WARNING) < render_html(made).index("<h1>")
    assert all(EMBEDDED_WARNING in text for text in render_latex(made).values())
    assert to_json(made)["warnings"][0] == EMBEDDED_WARNING


def test_a_script_is_told_first_unless_the_run_says_of_itself_that_it_is_recorded() -> None:
    assert report(facts={"scripted": True, "embedded": True}).warnings[:2] == [SCRIPTED_WARNING, EMBEDDED_WARNING]
    assert report(facts={"scripted": True, "recorded": "Recorded."}).warnings == ["Recorded."]


def test_an_empty_run_still_makes_a_report() -> None:
    made = build_report([], [], [], {})
    assert [one.id for one in made.tables] == ["main"]
    assert "# Report\n" in render_markdown(made) and "<h1>Report</h1>" in render_html(made)
    assert ("Cost", "not known") in made.facts


def test_unknown_facts_are_an_error() -> None:
    with pytest.raises(CocoonError, match="key 'tokens'"):
        build_report([], [], [], {"tokens": 3})


def test_ratings_of_unknown_dialogues_are_told() -> None:
    made = report(dialogues=[], ratings=[scored("x", "comfort", 3)])
    assert made.warnings == ["1 rated dialogues are not among the dialogues; their language is unknown."]


def test_facts_of_the_run_stand_beside_those_of_the_dialogues() -> None:
    facts = {"user_kind": "guarded", "difficulty": "normal", "trust_rules": "neutral", "seconds": 61.2}
    made = dict(report(dialogues=[guarded("a", 2, "normal")], ratings=[], facts=facts).facts)
    assert (made["Kind of user"], made["Difficulty"], made["Trust rules"]) == ("guarded", "normal", "neutral")
    assert (made["Time"], made["Model calls"]) == ("1 min 01 s", "not known")
