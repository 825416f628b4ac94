"""A run keeps the scales that it is judged on, and is judged on them again after a release has reworded one."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from cocoon.core.config import JudgeConfig, StudyConfig
from cocoon.core.jsonl import dump_line
from cocoon.core.records import Rating
from cocoon.evaluation.scales.scoring import Scale, load_scale
from cocoon.models.by_name import Models
from cocoon.models.scripted import ScriptedChat
from cocoon.running.folder import adopt_dialogues, read_run
from cocoon.running.reading.reader import RunReader
from cocoon.running.session import assess
from cocoon.running.study import Study
from cocoon.tests.reports.report_cases import dialogue

OLD_WORDS = "Was it clear"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder of two dialogues that keeps older words of the basic metrics."""
    file = tmp_path / "dialogues.jsonl"
    file.write_bytes(b"".join(dump_line(dialogue(f"p{number}")) for number in range(2)))
    out = adopt_dialogues(file, tmp_path / "run")
    scale = load_scale("basic").model_dump(mode="json")
    scale["items"][0]["en"] = OLD_WORDS
    (out / "scales").mkdir()
    (out / "scales" / "basic.yaml").write_text(json.dumps(scale), "utf-8")
    return out


def judged_by(scales: list[str], asked: list[str]) -> Study:
    def answer(messages: list[BaseMessage], _: dict[str, Any]) -> str:
        asked.append(str(messages[-1].content))
        return json.dumps({"items": {str(number): 5 for number in range(1, 11)}})

    models = Models()
    models.wrap("scripted:judge", ScriptedChat(script=answer))
    return Study(StudyConfig(judge=JudgeConfig(model="scripted:judge", scales=scales)), models)


def kept(run: Path, name: str) -> Scale:
    return load_scale(run / "scales" / f"{name}.yaml")


def test_a_run_goes_on_with_the_words_that_it_keeps(run: Path) -> None:
    asked: list[str] = []
    asyncio.run(assess(judged_by(["basic"], asked), run))
    assert asked and all(OLD_WORDS in prompt for prompt in asked)
    ratings = list(read_run(run, "ratings.jsonl", Rating))
    assert {rating.prompt_sha.partition(".")[2] for rating in ratings} == {kept(run, "basic").sha}
    assert kept(run, "basic").sha != load_scale("basic").sha


def test_a_shipped_scale_is_copied_into_the_run_and_others_are_not(run: Path) -> None:
    asyncio.run(assess(judged_by(["comfort", "success"], []), run))
    assert sorted(file.name for file in (run / "scales").iterdir()) == ["basic.yaml", "comfort.yaml"]
    assert kept(run, "comfort") == load_scale("comfort")


def test_words_that_a_judge_never_saw_do_not_stand_beside_its_answers(run: Path) -> None:
    asyncio.run(assess(judged_by(["basic"], []), run))
    (run / "scales" / "basic.yaml").unlink()
    reader = RunReader(run)
    reader.refresh()
    rating = reader.whole(reader.names()[0], reader.calls(reader.names()[0]))["ratings"][0]
    assert [(item["value"], item["text"]) for item in rating["items"]] == [(5, "")] * 6
