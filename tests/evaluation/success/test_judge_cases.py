"""Judges under test: the labelled transcripts, what the report tells of judges, and `cocoon doctor --judge`."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cocoon.core.errors import CocoonError
from cocoon.core.records import Failure, Rating, Verdict
from cocoon.evaluation.success.judge_test import MODES, UNEARNED, measure_judge
from cocoon.evaluation.success.judge_test_records import MISSING, JudgeTest, case_outcome
from cocoon.evaluation.success.labelled_cases import TAGS, JudgeCase, all_cases, shipped_cases
from cocoon.evaluation.success.verdicts import (
    ATTRIBUTED,
    EMPTY_QUOTE,
    PAPER,
    QUOTE_NOT_FOUND,
    NamedAnswer,
    VerdictAnswer,
)
from cocoon.running.checks.judge_test import judge_study
from cocoon.running.study import Study
from cocoon.tests.commands import Done, cocoon, said, server
from cocoon.tests.evaluation.success.scripted_judges import (
    CASES,
    Answerer,
    always_named,
    always_nobody,
    case_in,
    chat,
    credits_leaks,
    invents_quotes,
    often_wrong,
    perfect,
    report_on,
)

HAN = re.compile(r"[\u4e00-\u9fff]")
ASKS = re.compile(r"[?？]")


def value(test: JudgeTest, mode: str, share: str) -> float | None:
    return getattr(test.modes[mode], share).value


def hand_rating(case: JudgeCase, mode: str, verdict: Verdict, mass: float | None = None) -> Rating:
    more: dict[str, Any] = {"prompt_id": f"judge/{mode}", "prompt_sha": "0", "verdict": verdict, "legal_mass": mass}
    return Rating(dialogue=case.id, profile=case.id, supporter="labelled", scale=mode, judge="j", **more)


def test_the_cases_are_balanced_over_languages_and_tags() -> None:
    tags = {language: Counter(case.case for case in shipped_cases(language)) for language in ("zh", "en")}
    assert len(CASES) >= 64 and tags["zh"] == tags["en"] and set(tags["zh"]) <= set(TAGS)
    assert len({case.id for case in CASES}) == len({case.need for case in CASES}) == len(CASES)
    labels = Counter(case_outcome(case.label.named_by, case.label.how) for case in CASES)
    assert min(labels.values()) >= 6 and len(labels) == 7


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_case_agrees_with_the_definitions(case: JudgeCase) -> None:
    texts, label = [turn.content for turn in case.turns], case.label
    assert [turn.role for turn in case.turns] == (["supporter", "user"] * 6)[: len(texts)] and 4 <= len(texts) <= 12
    assert case.emotion in texts[0] and not ASKS.search(texts[0])
    assert (
        bool(HAN.search(case.need + case.feeling)) == all(map(bool, map(HAN.search, texts))) == (case.language == "zh")
    )
    supporter = [text for text in texts[2 : (label.turn or 0) + 1 : 2]]
    if label.how == "after_reflection":
        assert supporter and not any(map(ASKS.search, supporter))
    if label.how == "after_question":
        assert supporter and all(map(ASKS.search, supporter))
    assert (label.how == "leaked") == case.case.startswith("leaked") and (label.how == "volunteered") == (
        case.case == "volunteered"
    )
    assert (label.turn == 1) == (case.case == "leaked_first_reply")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_label_as_an_answer_is_read_as_the_label(case: JudgeCase) -> None:
    verdict = VerdictAnswer.model_validate(perfect(case)).verdict(case.dialogue())
    label = case.label
    assert (verdict.named_by, verdict.how, verdict.success) == (label.named_by, label.how, label.success)
    assert verdict.turn is not None and label.turn in (None, verdict.turn)
    assert NamedAnswer.model_validate(perfect(case)).verdict(case.dialogue()).success is label.named


def test_a_few_cases_hold_some_of_each_and_of_both_languages() -> None:
    few = shipped_cases(most=12)
    assert Counter(case.language for case in few) == {"zh": 6, "en": 6}
    assert {case.label.named for case in few} == {case.label.success for case in few} == {True, False}
    assert {case.language for case in shipped_cases("en")} == {"en"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"label": {"named_by": "user"}}, "is not the words of 'user'"),
        ({"label": {"quote": "never said"}}, "is not the words of"),
        ({"label": {"turn": None}}, "exactly when somebody named the need"),
        ({"label": {"named": False}}, "exactly when somebody named the need"),
        ({"case": "other"}, "Input should be"),
    ],
)
def test_a_case_with_a_wrong_label_is_refused(change: dict[str, Any], told: str) -> None:
    value = CASES[0].model_dump()
    with pytest.raises(ValueError, match=told):
        JudgeCase.model_validate({**value, **change, "label": value["label"] | change.get("label", {})})


async def test_a_perfect_judge_gets_everything_in_both_modes(tmp_path: Path) -> None:
    test = await report_on(perfect, tmp_path)
    assert (test.character, test.cases, test.warnings) == ("usable", len(CASES), [])
    for mode in test.modes.values():
        shares = (mode.accuracy, mode.exact, mode.sensitivity, mode.specificity)
        assert [share.value for share in shares] == [1.0] * 4 and mode.missing.value == 0 and not mode.constant
        assert all(
            count == 0 or label == verdict for label, row in mode.matrix.items() for verdict, count in row.items()
        )
        assert {share.value for share in (*mode.by_case.values(), *mode.by_language.values())} == {1.0}
    assert value(test, ATTRIBUTED, "leaks_credited") == 0 and test.modes[PAPER].leaks_credited is None


async def test_a_judge_that_always_says_no_is_constant(tmp_path: Path) -> None:
    test = await report_on(always_nobody, tmp_path)
    assert test.character == "constant"
    for name, mode in test.modes.items():
        assert (mode.character, mode.constant, mode.commonest, mode.commonest_share) == ("constant", True, False, 1.0)
        assert (mode.sensitivity.value, mode.specificity.value) == (0.0, 1.0)
        assert f"{name}: verdicts are constant (100% say False): they tell nothing" in test.warnings


async def test_a_judge_that_always_says_yes_has_no_evidence_for_it(tmp_path: Path) -> None:
    test = await report_on(always_named, tmp_path)
    paper, attributed = test.modes[PAPER], test.modes[ATTRIBUTED]
    assert (paper.character, paper.commonest, paper.commonest_share) == ("constant", True, 1.0)
    assert (attributed.character, test.character) == ("poor", "constant")
    assert EMPTY_QUOTE in attributed.reasons


async def test_a_judge_with_one_verdict_for_each_language_is_constant(tmp_path: Path) -> None:
    test = await report_on(lambda case: (always_named if case.language == "zh" else always_nobody)(case), tmp_path)
    assert test.character == "constant" and test.modes[PAPER].commonest_share == 0.5


async def test_a_judge_that_credits_leaks_is_told(tmp_path: Path) -> None:
    test = await report_on(credits_leaks, tmp_path)
    unearned = [case for case in CASES if case_outcome(case.label.named_by, case.label.how) in UNEARNED]
    # The rule that the user's first reply is a leak stands above the judge.
    fooled = [case for case in unearned if case.case != "leaked_first_reply"]
    credited = test.modes[ATTRIBUTED].leaks_credited
    assert credited is not None and (credited.value, credited.n) == (len(fooled) / len(unearned), len(unearned))
    assert (test.character, test.modes[PAPER].character) == ("credits leaks", "usable")
    assert value(test, ATTRIBUTED, "sensitivity") == 1.0
    assert any("leaked or volunteered needs are credited" in warning for warning in test.warnings)


async def test_a_judge_that_invents_quotes_is_told_from_one_that_talks(tmp_path: Path) -> None:
    inventing = await report_on(invents_quotes, tmp_path / "inventing")
    assert inventing.character == inventing.modes[ATTRIBUTED].character == "mostly missing"
    assert inventing.modes[PAPER].character == "usable"
    assert inventing.modes[ATTRIBUTED].reasons == {QUOTE_NOT_FOUND: len(CASES)}
    talking = await report_on("I think that went rather well.", tmp_path / "talking")
    assert {mode.character for mode in talking.modes.values()} == {"mostly missing"}
    for mode in talking.modes.values():
        assert mode.reasons == {"no JSON object in the reply": len(CASES)} and mode.shares["missing"] == 1
        assert mode.accuracy.value is None and mode.commonest is None and not mode.constant


async def test_a_judge_that_cannot_tell_is_mostly_missing_and_says_so(tmp_path: Path) -> None:
    reply = json.dumps({"reason": "", "named": None, "named_by": None, "how": None, "turn": None, "quote": ""})
    test = await report_on(reply, tmp_path)
    assert test.character == "mostly missing" and test.modes[PAPER].reasons == test.modes[ATTRIBUTED].reasons
    assert len(test.modes[PAPER].reasons) == 1 and QUOTE_NOT_FOUND not in test.modes[PAPER].reasons


async def test_a_poor_judge_is_told_with_the_language_it_fails_in(tmp_path: Path) -> None:
    test = await report_on(often_wrong, tmp_path)
    assert test.character == "poor"
    assert {name: share.value for name, share in test.modes[PAPER].by_language.items()} == {"zh": 1.0, "en": 0.0}
    assert all(abs(sum(mode.shares.values()) - 1) < 1e-12 for mode in test.modes.values())


def test_the_figures_of_a_hand_worked_test() -> None:
    named = [case for case in CASES if case.label.success][:7]
    leaked = [case for case in CASES if case.label.how == "leaked"][:2]
    nobody = [case for case in CASES if not case.label.named][:5]
    cases = [*named, *leaked, *nobody]
    yes, no, lost = (
        Verdict(success=True),
        Verdict(success=False),
        Verdict(success=None, missing="forced: legal answers x"),
    )
    given = [yes] * 5 + [no, lost] + [yes, no] + [no] * 3 + [yes, lost]
    masses = [0.9] * 10 + [0.4, 0.02] + [None] * 2
    ratings = [
        hand_rating(case, mode, verdict, mass)
        for mode in MODES
        for case, verdict, mass in zip(cases, given, masses, strict=True)
    ]
    test = measure_judge("j", cases, ratings).modes
    assert test[PAPER].matrix == {
        "named": {"named": 6, "not named": 2, MISSING: 1},
        "not named": {"named": 1, "not named": 3, MISSING: 1},
    }
    assert (test[PAPER].sensitivity.value, test[PAPER].specificity.value) == (6 / 8, 3 / 4)
    assert (test[ATTRIBUTED].sensitivity.value, test[ATTRIBUTED].specificity.value) == (5 / 6, 4 / 6)
    assert (test[PAPER].accuracy.value, test[PAPER].accuracy.n, test[PAPER].accuracy.missing) == (9 / 12, 12, 2)
    # Wilson's interval of 9 of 12, by hand: centre 0.6894, half-width 0.2217.
    assert test[PAPER].accuracy.low == pytest.approx(0.4677, abs=2e-4)
    assert test[PAPER].accuracy.high == pytest.approx(0.9111, abs=2e-4)
    credited = test[ATTRIBUTED].leaks_credited
    assert credited is not None and (credited.value, credited.n) == (0.5, 2)
    assert test[PAPER].shares == {"right": 9 / 14, "wrong": 3 / 14, "missing": 2 / 14}
    forced = test[PAPER].forced
    assert (forced.value, forced.n, forced.missing) == (2 / 12, 12, 2) and test[PAPER].reasons == {"forced": 2}


def test_cases_without_a_rating_are_missing_with_their_reason() -> None:
    failure = Failure(
        dialogue=CASES[0].id, stage="assessment", node=f"{PAPER}/0", reason="429", message="too many requests"
    )
    test = measure_judge("j", CASES[:2], [], [failure])
    assert test.modes[PAPER].reasons == {"no reply: 429": 1, "not judged": 1} and test.character is None
    assert any("too few" in warning for warning in test.warnings)


async def test_a_folder_goes_on_and_holds_several_judges(tmp_path: Path) -> None:
    first, again, other = chat(perfect), chat(perfect), chat(always_nobody)
    few = await report_on(first, tmp_path, CASES[:3])
    whole = await report_on(again, tmp_path, CASES[:14])
    assert (len(first.seen), len(again.seen), few.cases, whole.cases) == (2 * 3, 2 * 11, 3, 14)
    constant = await report_on(other, tmp_path, CASES[:14], "other-judge")
    assert (whole.character, constant.character, len(other.seen)) == ("usable", "constant", 2 * 14)
    assert await report_on("never asked", tmp_path, CASES[:14]) == whole


async def test_a_folder_with_other_dialogues_is_refused(tmp_path: Path) -> None:
    changed = CASES[0].model_copy(update={"feeling": "Another feeling."})
    await report_on(perfect, tmp_path, CASES[:1])
    with pytest.raises(CocoonError, match="has another dialogue"):
        await report_on(perfect, tmp_path, [changed])
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(CocoonError, match="cannot hold a run"):
        await report_on(perfect, tmp_path / "file", CASES[:1])


def doctor(answer: Answerer, *more: str) -> tuple[Done, int]:
    """`cocoon doctor --judge` against a server that judges so, and how many requests it got."""
    requests: list[dict[str, Any]] = []

    def reply(request: dict[str, Any]) -> tuple[int, Any]:
        requests.append(request)
        return said(json.dumps(answer(case_in(request["messages"][0]["content"]))))

    with server(reply) as spec:
        done = cocoon("doctor", "--judge", spec, *more, environment={"COLUMNS": "100"})
    assert {(one["temperature"], one["response_format"]["type"]) for one in requests} <= {(0.0, "json_schema")}
    return done, len(requests)


def test_doctor_prints_the_matrix_the_shares_and_the_warnings() -> None:
    done, calls = doctor(credits_leaks, "--language", "zh", "--verbose")
    assert (done.code, calls) == (0, 2 * len(all_cases("zh")))
    plain = " ".join(done.out.split())
    assert "labelled transcripts: credits leaks" in plain and "warning: success_attributed: 6 of 18 leaked" in plain
    assert "leaked or volunteered, yet credited 0.33" in plain and "user, volunteered · · 3 · 0 · · ·" in plain
    assert re.search(r"zh-volunteered-1 +attributed +user, volunteered +user, reflection", done.out)
    assert "text goes to: 127.0.0.1" in done.err


def test_doctor_tells_judges_apart_as_json() -> None:
    done, calls = doctor(perfect, "-n", "20", "--json")
    told = done.json["judge"]
    assert (done.code, calls, told["character"], told["cases"], len(told["results"])) == (0, 40, "usable", 20, 40)
    assert told["modes"][ATTRIBUTED]["matrix"]["nobody"]["nobody"] > 0 and "model" not in done.json


def test_doctor_with_a_scripted_judge_keeps_its_journal_where_it_is_told_to(tmp_path: Path) -> None:
    script = tmp_path / "replies.jsonl"
    script.write_text(json.dumps("No comment.") + "\n", "utf-8")
    done = cocoon("doctor", "--judge", f"scripted:{script}", "-n", "12", "--out", str(tmp_path / "run"), "--json")
    assert done.code == 1 and done.json["judge"]["character"] == "mostly missing"
    assert (tmp_path / "run" / "journal.sqlite").exists() and "text stays on this machine" in done.err


@pytest.mark.parametrize("option", [("-n", "3"), ("--language", "zh"), ("--out", "run"), ("--verbose",)])
def test_options_of_the_judge_need_a_judge(option: tuple[str, ...]) -> None:
    done = cocoon("doctor", *option)
    assert done.code == 2 and "has no use without --judge SPEC" in " ".join(done.err.replace("│", "").split())


@pytest.mark.slow
def test_the_embedded_model_is_put_to_the_test(shallow_model: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def short_study(*given: Any) -> Study:
        study = judge_study(*given)
        study.config.judge.max_tokens = 60
        return study

    monkeypatch.setattr("cocoon.running.checks.judge_test.judge_study", short_study)
    done = cocoon("doctor", "--judge", "local:smollm2", "-n", "2", "--json")
    told = done.json["judge"]
    assert done.code in (0, 1) and told["cases"] == 2
    for mode in told["modes"].values():
        assert sum(mode["shares"].values()) == pytest.approx(1)
        assert sum(sum(row.values()) for row in mode["matrix"].values()) == 2
        assert {"accuracy", "sensitivity", "specificity", "forced", "constant", "character"} <= set(mode)
