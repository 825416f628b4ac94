"""Talks from the logs of other programs: words of the two sides, without tools, thoughts and calls."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from cocoon.core.errors import CocoonError
from cocoon.core.records import Dialogue
from cocoon.corpora.dialogue_loaders import read_corpus
from cocoon.corpora.reading.repair import RepairReport
from cocoon.tests.corpora.corpus_records import RECORDS


def read(file: Path, name: str = "table") -> tuple[list[Dialogue], RepairReport]:
    reading = read_corpus(name, file)
    return list(reading.dialogues), reading.report


def written(folder: Path, value: Any, name: str = "log.json") -> Path:
    file = folder / name
    file.write_text(json.dumps(value), "utf-8")
    return file


def said(dialogue: Dialogue) -> list[tuple[str, str]]:
    return [(turn.role, turn.content) for turn in dialogue.turns]


HEARD = [("user", "I keep working late."), ("supporter", "That sounds draining.")]


def test_a_sample_of_inspect_is_a_talk_without_its_tools(tmp_path: Path) -> None:
    file = tmp_path / "log.eval"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", "{}")
        archive.writestr("samples/p_epoch_1.json", json.dumps(RECORDS["inspect"][0]))
    (dialogue,), report = read(file)
    assert (dialogue.id, said(dialogue), report.taken_for) == ("inspect-p-1", HEARD, ["this is an Inspect log"])
    assert dialogue.turns[1].thought and dialogue.turns[1].thought.reasoning == "tired"
    assert (report.counts["dropped"], report.counts["kept_apart"]) == (2, 1)
    (again,), _ = read(written(tmp_path, {"eval": {}, "samples": RECORDS["inspect"]}))
    assert said(again) == HEARD


def test_a_zip_that_is_no_log_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("data.csv", "a,b")
    with pytest.raises(CocoonError, match="is a zip archive without Inspect's samples"):
        read(tmp_path / "a.zip")


def test_a_simulation_of_tau2_is_a_talk_with_its_reward(tmp_path: Path) -> None:
    tool = {"role": "tool", "id": "c", "content": "{}"}
    call = {"role": "assistant", "content": None, "tool_calls": [{"name": "find", "arguments": {}}]}
    simulation = RECORDS["tau2"][0] | {"messages": [*RECORDS["tau2"][0]["messages"], call, tool]}
    (dialogue,), report = read(written(tmp_path, {"info": {}, "tasks": [], "simulations": [simulation]}))
    assert [role for role, _ in said(dialogue)] == ["supporter", "user", "supporter"]
    assert dialogue.facts == {"task_id": "7", "reward": 1.0} and report.counts["dropped"] == 2
    assert report.taken_for == ["this is a tau2 log"]


@pytest.mark.parametrize("wrapped", [lambda rows: rows, lambda rows: {"traces": rows}, lambda rows: {"data": rows}])
def test_a_trace_of_langfuse_is_its_input_and_its_output(tmp_path: Path, wrapped: Any) -> None:
    (first, second), report = read(written(tmp_path, wrapped(RECORDS["langfuse"])))
    assert said(first) == HEARD and said(second) == [HEARD[0], ("supporter", "I see.")]
    assert (second.facts, report.taken_for) == ({"sessionId": "s"}, ["this is a Langfuse log"])


def test_a_log_in_the_compression_of_inspect_itself_is_read(tmp_path: Path) -> None:
    log = pytest.importorskip("inspect_ai.log", reason="needs inspect-ai (extra 'dev')")
    model = pytest.importorskip("inspect_ai.model")
    asked, answered = "I keep working late. " * 60, "That sounds draining. " * 60
    messages = [model.ChatMessageUser(content=asked), model.ChatMessageAssistant(content=answered)]
    config = {"created": "2026-01-01T00:00:00+00:00", "task": "t", "dataset": {}, "model": "m", "config": {}}
    sample = log.EvalSample(id="p", epoch=2, input=asked, target="", messages=messages)
    file = tmp_path / "own.eval"
    log.write_eval_log(log.EvalLog(eval=log.EvalSpec(**config), samples=[sample]), str(file))
    (dialogue,), _ = read(file)
    assert (dialogue.id, said(dialogue)) == ("inspect-p-2", [("user", asked.strip()), ("supporter", answered.strip())])
