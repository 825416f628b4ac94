"""A judge reads single replies: what is missing stays missing, and nothing is asked twice."""

import json
from pathlib import Path
from typing import Any

import pytest

from cocoon.agents.judges.coherence import ReplyCoherence
from cocoon.agents.protocols import SpokenTurn
from cocoon.core.prompts import load_prompt
from cocoon.core.records import Language
from cocoon.running.checks.coherence import CoherenceReader, ReplyInTalk, situation_reader
from cocoon.steering.pairs.situations import Said, Situation
from cocoon.tests.commands import said, server
from cocoon.tests.steering.test_calibrate import reply

GOOD = {"fits": True, "role": True, "sense": True}


def words(text: str, language: Language = "en") -> ReplyInTalk:
    return ReplyInTalk(language, [SpokenTurn("user", "I cannot sleep.")], text)


def answers(body: dict[str, Any]) -> tuple[int, Any]:
    """Judges by the reply that stands in the prompt."""
    prompt = str(body["messages"][0]["content"])
    if "unreadable" in prompt:
        return said("I would rather not say.")
    told = {"banana": GOOD | {"sense": False}, "unsure": GOOD | {"role": None}, "wrong": GOOD | {"fits": False}}
    return said(json.dumps(next((answer for word, answer in told.items() if word in prompt), GOOD)))


def test_a_reply_is_coherent_only_if_all_three_readings_hold_and_missing_stays_missing(tmp_path: Path) -> None:
    asked: list[Any] = []

    def answer(body: dict[str, Any]) -> tuple[int, Any]:
        asked.append(body)
        return answers(body)

    replies = [
        words(text) for text in ("That is hard.", "banana banana", "unsure", "wrong", "unreadable", "That is hard.")
    ]
    with server(answer) as spec:
        reader = CoherenceReader(spec, tmp_path / "j.sqlite")
        assert reader.read_now(replies) == [True, False, None, False, None, True]
        calls = len(asked)
        assert reader.read_now(replies[:4]) == [True, False, None, False] and len(asked) == calls
    schema = asked[0]["response_format"]["json_schema"]["schema"]
    assert set(schema["properties"]) == {"fits", "role", "sense"} == set(schema["required"])


def test_a_situation_is_shown_with_all_that_was_said(tmp_path: Path) -> None:
    talk = [Said(role="supporter", content="You look tired."), Said(role="user", content="I am.")]
    situation = Situation(id="s", language="en", talk=talk)
    seen: list[str] = []

    def answer(body: dict[str, Any]) -> tuple[int, Any]:
        seen.append(body["messages"][0]["content"])
        return said(json.dumps(GOOD))

    with server(answer) as spec:
        read = situation_reader(CoherenceReader(spec, tmp_path / "j.sqlite"))
        assert read is not None and list(read([(situation, reply(1, text="Rest then."))])) == [True]
    assert all(text in seen[0] for text in ("You look tired.", "I am.", "Rest then."))
    assert situation_reader(None) is None


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_question_is_there_in_both_languages_with_the_same_keys(language: Language) -> None:
    text = load_prompt("judge/coherence", language).render(transcript="T", reply="R")
    assert all(f'"{name}"' in text for name in ReplyCoherence.model_fields)
