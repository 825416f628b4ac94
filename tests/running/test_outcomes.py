"""Every outcome of success, from scripted answers through simulate, judge and report."""

import json
from pathlib import Path
from typing import Any

from langchain_core.messages import BaseMessage

from cocoon.core.config import StudyConfig, SupporterConfig
from cocoon.core.records import ChainStep, Profile, Rating
from cocoon.models.by_name import Models
from cocoon.models.scripted import ScriptedChat
from cocoon.reports.formats.markdown import render_markdown
from cocoon.reports.runs import write_report
from cocoon.running.folder import read_run
from cocoon.running.session import assess, simulate
from cocoon.running.study import Study

NEED = "I want to be trusted with my own life"
REFLECTION, QUESTION = "You long to be trusted.", "Is it that you long to be trusted?"
# What the judge answers, by profile: who, how, and the words that it quotes.
ANSWERS: dict[str, dict[str, Any]] = {
    "reflected": {"named_by": "supporter", "how": "after_reflection", "turn": 2, "quote": REFLECTION},
    "asked": {"named_by": "supporter", "how": "after_question", "turn": 2, "quote": QUESTION},
    "drawn-by-reflection": {"named_by": "user", "how": "after_reflection", "turn": 3, "quote": "I want to be trusted"},
    "drawn-by-question": {"named_by": "user", "how": "after_question", "turn": 3, "quote": "I want to be trusted"},
    "volunteered": {"named_by": "user", "how": "volunteered", "turn": 3, "quote": "I want to be trusted"},
    "leaked": {"named_by": "user", "how": "volunteered", "turn": 1, "quote": "Hm, I want to be trusted"},
    "not-found": {"named_by": "nobody", "how": None, "turn": 1, "quote": "Hm"},
    "invented-quote": {"named_by": "supporter", "how": "after_reflection", "turn": 2, "quote": "Nobody said this."},
    "opening-credited": {
        "named_by": "supporter",
        "how": "after_reflection",
        "turn": 0,
        "quote": "You seem a little sad",
    },
    "cannot-tell": {"named_by": None, "how": None, "turn": None, "quote": ""},
    "unreadable": {},
}
EXPECTED = {
    "reflected": (True, "after_reflection"),
    "asked": (True, "after_question"),
    "drawn-by-reflection": (True, "after_reflection"),
    "drawn-by-question": (True, "after_question"),
    "volunteered": (False, "volunteered"),
    "leaked": (False, "leaked"),
    "not-found": (False, None),
    "invented-quote": (None, None),
    "opening-credited": (None, None),
    "cannot-tell": (None, None),
    "unreadable": (None, None),
}


def profile(name: str) -> Profile:
    return Profile(
        id=name,
        language="en",
        emotion="sad",
        feeling=f"I am sad ({name})",
        need=NEED,
        chain=[ChainStep(need="I want to pass"), ChainStep(need=NEED)],
    )


def whose(messages: list[BaseMessage]) -> str:
    text = "\n".join(str(message.content) for message in messages)
    return next(name for name in sorted(ANSWERS, key=len, reverse=True) if f"({name})" in text)


def user_says(messages: list[BaseMessage], _: dict[str, Any]) -> str:
    return (
        "Hm, I want to be trusted." if sum(one.type == "ai" for one in messages) == 0 else "Yes. I want to be trusted."
    )


def judge_says(messages: list[BaseMessage], _: dict[str, Any]) -> str:
    name = whose(messages)
    if name == "unreadable":
        return "不是"
    if '"named"' in str(messages[0].content):
        return json.dumps({"reason": "-", "named": EXPECTED[name][0]})
    return json.dumps(ANSWERS[name])


def study(rounds: int = 2) -> Study:
    config = StudyConfig(rounds=rounds, supporters=[SupporterConfig(name="s", model="scripted-s")], form_pairs=0)
    config.user.model, config.user.kind = "scripted-u", "prompted"
    config.judge.model, config.judge.scales = "scripted-j", ["success"]
    models = Models()

    # Both sentences are said in one reply, so that every quote of the table can be found.
    models.wrap("scripted-s", ScriptedChat(replies=[f"{REFLECTION} {QUESTION}"]))
    models.wrap("scripted-u", ScriptedChat(script=user_says))
    models.wrap("scripted-j", ScriptedChat(script=judge_says))
    return Study(config, models)


async def test_every_outcome_of_success_occurs_and_none_is_invented(tmp_path: Path) -> None:
    outcome = await simulate(study(), [profile(name) for name in ANSWERS], tmp_path)
    assert outcome.failures == 0 and outcome.exit_code == 0
    found = {
        rating.profile: (rating.verdict.success, rating.verdict.how)
        for rating in read_run(tmp_path, "ratings.jsonl", Rating)
        if rating.scale == "success_attributed" and rating.verdict
    }
    assert found == EXPECTED
    reasons = {
        rating.profile: rating.missing.get("*")
        for rating in read_run(tmp_path, "ratings.jsonl", Rating)
        if rating.scale == "success_attributed"
    }
    assert reasons["invented-quote"] == "quote not in the transcript"
    assert reasons["cannot-tell"] == "cannot tell"
    report = write_report(tmp_path, [])
    assert "leaked" in render_markdown(report)
    asked = next(table for table in report.tables if table.id == "questions").rows[0].cells
    # Two generated turns a dialogue, each with one statement and one question; the fixed opening is not counted.
    assert (asked["question ratio"], asked["share of sentences"], asked["turns"]) == (1.0, 0.5, 2 * len(ANSWERS))


async def test_a_profile_without_a_need_is_not_applicable_and_asks_no_success_judge(tmp_path: Path) -> None:
    card = Profile(id="card", language="en", feeling="I am sad (not-found)")
    given = study()
    await simulate(given, [card], tmp_path)
    ratings = list(read_run(tmp_path, "ratings.jsonl", Rating))
    assert [rating.not_applicable for rating in ratings] == [True, True]
    assert all(rating.verdict is None and rating.calls == [] for rating in ratings)


async def test_judging_again_asks_only_what_is_lacking(tmp_path: Path) -> None:
    profiles = [profile("reflected"), profile("leaked")]
    await simulate(study(), profiles, tmp_path)
    before = (tmp_path / "ratings.jsonl").read_bytes()
    again = await assess(study(), tmp_path)
    assert again.progress.calls == 0
    assert (tmp_path / "ratings.jsonl").read_bytes() == before
