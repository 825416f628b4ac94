"""Judges that answer by the labels, each wrong in a way of its own, for the tests of judges under test."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cocoon.evaluation.success.judge_test_records import JudgeTest
from cocoon.evaluation.success.labelled_cases import JudgeCase, all_cases, shipped_cases
from cocoon.models.scripted import ScriptedChat
from cocoon.running.checks.judge_test import examine_judge, judge_study

Answerer = Callable[[JudgeCase], dict[str, Any]]
CASES = shipped_cases()


def perfect(case: JudgeCase) -> dict[str, Any]:
    """The label itself, as the answer to both modes."""
    label = case.label
    return {"reason": case.why, **label.model_dump()}


def always_named(case: JudgeCase) -> dict[str, Any]:
    """Named by the supporter's last words, whatever they are."""
    last = [turn.content for turn in case.turns if turn.role == "supporter"][-1]
    return perfect(case) | {
        "named": True,
        "named_by": "supporter",
        "how": "after_reflection",
        "turn": None,
        "quote": last,
    }


def always_nobody(case: JudgeCase) -> dict[str, Any]:
    """Never named; the user's first words came nearest."""
    found = {"named": False, "named_by": "nobody", "how": None, "turn": 1, "quote": case.turns[1].content}
    return perfect(case) | found


def credits_leaks(case: JudgeCase) -> dict[str, Any]:
    """Right, but that what was leaked or volunteered is taken for drawn out."""
    unearned = case.label.how in ("leaked", "volunteered")
    return perfect(case) | ({"how": "after_reflection"} if unearned else {})


def invents_quotes(case: JudgeCase) -> dict[str, Any]:
    """Right, but for the quote."""
    return perfect(case) | {"quote": f"{case.need}, {case.need}!"}


def often_wrong(case: JudgeCase) -> dict[str, Any]:
    """Right on Chinese, the opposite on English."""
    if case.language == "zh":
        return perfect(case)
    return always_nobody(case) if case.label.named else always_named(case)


def case_in(prompt: str) -> JudgeCase:
    """The case that a judge's prompt was made from."""
    texts = [case for case in all_cases() if all(turn.content in prompt for turn in case.turns) and case.need in prompt]
    # The talks of one person share their pieces: the longest one that stands there is the one that was asked about.
    return max(texts, key=lambda case: len(case.turns))


def chat(answer: Answerer | str) -> ScriptedChat:
    """A model that judges so; a string is its every reply."""

    def script(messages: list[Any], options: dict[str, Any]) -> str:
        return answer if isinstance(answer, str) else json.dumps(answer(case_in(str(messages[0].content))))

    return ScriptedChat(script=script)


async def report_on(
    answer: Answerer | str | ScriptedChat, out: Path, cases: list[JudgeCase] | None = None, name: str = "scripted-judge"
) -> JudgeTest:
    """The report on a judge, from the real graph."""
    study = judge_study(name)
    study.models.wrap(name, answer if isinstance(answer, ScriptedChat) else chat(answer))
    return await examine_judge(study, CASES if cases is None else cases, out)
