"""Files that nobody made with care: known keys with any value beneath them are read, left out by reason, or refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import dump_line
from cocoon.core.records import Dialogue
from cocoon.corpora.dialogue_loaders import read_corpus
from cocoon.corpora.identify import identify, unread_advice
from cocoon.corpora.layouts import LAYOUTS
from cocoon.corpora.loaders.tables.mapped import ColumnMap

KEYS = [
    "messages", "conversations", "dialog", "turns", "history", "label", "kto_tag", "chosen", "rejected", "prompt",
    "completion", "instruction", "input", "output", "system", "role", "from", "speaker", "content", "value", "text",
    "id", "language", "topic", "situation", "raw", "data", "file", "answers", "question", "profile", "num_turns",
    "simulations", "samples", "traces", "traceId", "sessionId", "task_id", "epoch", "target", "scene", "AI_client",
    "original_data", "cot_data", "type", "reasoning_content", "tool_calls", "rejected_response", "cocoon", "keywords",
]  # fmt: skip
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from(
        ["user", "assistant", "tool", "system", "I see you.", "", "你好", "<think>", "text", "\n\nHuman: a"]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=12,
)  # fmt: skip
RECORDS = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=5)
SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def written(folder: Path, records: list[Any]) -> Path:
    file = folder / "a.jsonl"
    file.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    return file


@SETTINGS
@given(records=st.lists(RECORDS, min_size=1, max_size=3), name=st.sampled_from(["table", *LAYOUTS]))
def test_every_record_becomes_dialogues_or_is_left_out_with_a_reason(
    tmp_path: Path, records: list[Any], name: str
) -> None:
    file = written(tmp_path, records)
    try:
        reading = read_corpus(name, file, skip_unreadable=True)
        dialogues = list(reading.dialogues)
    except CocoonError as error:
        assert "\n" not in str(error)
        return
    report = reading.report
    assert report.kept == len(dialogues) and report.kept + sum(report.left_out.values()) >= report.read
    assert all(Dialogue.model_validate_json(dump_line(one)) == one for one in dialogues)
    assert all(isinstance(reason, str) and "\n" not in reason for reason in report.left_out)


@SETTINGS
@given(records=st.lists(RECORDS, min_size=1, max_size=3))
def test_a_file_is_identified_in_one_line_or_refused_in_one(tmp_path: Path, records: list[Any]) -> None:
    file = written(tmp_path, records)
    assert "\n" not in unread_advice(file)
    try:
        assert identify(file).layout in {None, *LAYOUTS}
    except CocoonError as error:
        assert "\n" not in str(error)


@SETTINGS
@given(records=st.lists(RECORDS, min_size=1, max_size=3), keys=st.lists(st.sampled_from(KEYS), min_size=3, max_size=3))
def test_a_map_reads_any_record_or_leaves_it_out(tmp_path: Path, records: list[Any], keys: list[str]) -> None:
    column_map = ColumnMap.parse([f"content={keys[0]}", f"role={keys[1]}", f"turns={keys[2]}"])
    reading = read_corpus("table", written(tmp_path, records), column_map=column_map, skip_unreadable=True)
    dialogues = list(reading.dialogues)
    assert len(dialogues) + sum(reading.report.left_out.values()) == len(records)


@pytest.mark.parametrize("depth", [500, 5_000])
def test_deep_records_are_refused(tmp_path: Path, depth: int) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"messages": ' + "[" * depth + "]" * depth + "}\n", "utf-8")
    with pytest.raises(CocoonError):
        list(read_corpus("messages", file).dialogues)
