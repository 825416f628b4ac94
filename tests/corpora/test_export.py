"""Exports: nothing is lost on the way out and back, nothing goes out that may not, nothing half written stays."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import dump_line
from cocoon.core.records import ChainStep, Dialogue, Memory, Profile, Role, Thought, Turn
from cocoon.corpora.dialogue_loaders import read_corpus
from cocoon.corpora.export.card import Exported, card
from cocoon.corpora.export.export import FILES, Format, export_corpus, is_free
from cocoon.corpora.export.rows import sharegpt_row
from cocoon.corpora.layouts import CORPORA
from cocoon.tests.commands import cocoon
from cocoon.tests.corpora.corpus_records import RECORDS, as_lines
from cocoon.tests.corpora.test_real_corpora import REAL, at_hand

WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30).map(str.strip).filter(bool)
THOUGHTS = st.builds(Thought, analysis=WORDS, strategy=WORDS)
TURNS = st.builds(
    Turn,
    role=st.sampled_from(["user", "supporter"]),
    content=WORDS,
    thought=st.one_of(st.none(), THOUGHTS),
    draft=st.one_of(st.none(), WORDS),
    scores=st.dictionaries(WORDS, st.floats(0, 100), max_size=2),
)
PROFILES = st.builds(
    Profile,
    id=WORDS,
    language=st.sampled_from(["zh", "en"]),
    feeling=WORDS,
    need=WORDS,
    chain=st.lists(st.builds(ChainStep, need=WORDS, difficulty=st.integers(1, 5)), min_size=1, max_size=3),
    memory=st.lists(st.builds(Memory, text=WORDS, chain_node=st.just(0)), max_size=2),
)
DIALOGUES = st.builds(
    Dialogue,
    id=WORDS,
    profile=PROFILES,
    supporter=WORDS,
    language=st.sampled_from(["zh", "en"]),
    turns=st.lists(TURNS, min_size=1, max_size=5),
    facts=st.dictionaries(WORDS, st.one_of(WORDS, st.integers(0, 9), st.booleans()), max_size=2),
)


def put(folder: Path, dialogues: list[Dialogue]) -> Path:
    file = folder / "dialogues.jsonl"
    file.write_bytes(b"".join(map(dump_line, dialogues)))
    return file


def corpus(tmp_path: Path, name: str) -> list[Dialogue]:
    file = tmp_path / f"{name}.jsonl"
    file.write_text(as_lines(name), "utf-8")
    return list(read_corpus(name, file).dialogues)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(DIALOGUES, min_size=1, max_size=3, unique_by=lambda one: one.id), st.sampled_from(["none", "inline"]))
def test_what_goes_out_as_messages_comes_back_equal(tmp_path: Path, dialogues: list[Dialogue], thoughts: Any) -> None:
    export_corpus(put(tmp_path, dialogues), "messages", tmp_path / "out", thoughts, force=True)
    back = list(read_corpus("messages", tmp_path / "out" / FILES["messages"]).dialogues)
    assert back == dialogues


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(DIALOGUES, min_size=1, max_size=3, unique_by=lambda one: one.id))
def test_what_goes_out_as_parquet_comes_back_equal(tmp_path: Path, dialogues: list[Dialogue]) -> None:
    pytest.importorskip("pyarrow")
    export_corpus(put(tmp_path, dialogues), "parquet", tmp_path / "out", force=True)
    assert list(read_corpus("messages", tmp_path / "out" / FILES["parquet"]).dialogues) == dialogues


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(DIALOGUES, min_size=1, max_size=3, unique_by=lambda one: one.id), st.sampled_from(["none", "inline"]))
def test_what_goes_out_as_sharegpt_comes_back_equal(tmp_path: Path, dialogues: list[Dialogue], thoughts: Any) -> None:
    told = export_corpus(put(tmp_path, dialogues), "sharegpt", tmp_path / "out", thoughts, force=True)
    kept = [one for one in dialogues if sharegpt_row(one, "none")["conversations"]]
    assert told.left_out == len(dialogues) - len(kept)
    if kept:
        assert list(read_corpus("sharegpt", tmp_path / "out" / FILES["sharegpt"]).dialogues) == kept


def test_an_edited_sharegpt_row_is_taken_as_edited(tmp_path: Path) -> None:
    (dialogue,) = corpus(tmp_path, "smile")
    row = sharegpt_row(dialogue, "none")
    row["conversations"][1]["value"] = "changed"
    (tmp_path / "s.json").write_text(json.dumps([row]), "utf-8")
    reading = read_corpus("sharegpt", tmp_path / "s.json")
    (again,) = reading.dialogues
    assert again.turns[1].content == "changed" and again.id == dialogue.id and again.licence == dialogue.licence
    assert reading.report.counts["replaced"] == 1


@pytest.mark.parametrize(("name", "file"), REAL)
def test_the_real_files_lose_nothing_on_the_way_out_and_back(tmp_path: Path, name: str, file: str) -> None:
    dialogues = list(read_corpus(name, at_hand(file)).dialogues)
    export_corpus(put(tmp_path, dialogues), "messages", tmp_path / "out", i_have_the_right=True)
    assert list(read_corpus("messages", tmp_path / "out" / FILES["messages"]).dialogues) == dialogues


def test_inline_thoughts_stand_before_the_reply_of_the_supporter_alone(tmp_path: Path) -> None:
    export_corpus(
        put(tmp_path, corpus(tmp_path, "cocoon")), "messages", tmp_path / "out", "inline", i_have_the_right=True
    )
    row = json.loads((tmp_path / "out" / FILES["messages"]).read_text("utf-8"))
    assert row["messages"][2]["content"] == "<analysis>a</analysis>\n<strategy>s</strategy>\n听起来你很累。"
    assert [one["role"] for one in row["messages"]] == ["assistant", "user", "assistant", "user", "assistant"]


def test_sharegpt_begins_with_the_human_and_alternates(tmp_path: Path) -> None:
    said: list[tuple[Role, str]] = [("supporter", "Hello."), ("user", "a"), ("user", "b"), ("supporter", "c")]
    turns = [Turn(role=role, content=text) for role, text in [*said, ("user", "d")]]
    dialogue = Dialogue(
        id="x", profile=Profile(id="p", language="en", feeling="f"), supporter="s", language="en", turns=turns
    )
    row = sharegpt_row(dialogue, "none")
    assert row["conversations"] == [{"from": "human", "value": "a\nb"}, {"from": "gpt", "value": "c"}]
    assert row["cocoon"] == dialogue.model_dump_json()
    assert row["system"] == "Hello."
    export_corpus(put(tmp_path, [dialogue]), "sharegpt", tmp_path / "out")
    assert json.loads((tmp_path / "out" / FILES["sharegpt"]).read_text("utf-8")) == [row]
    info = json.loads((tmp_path / "out" / "dataset_info.json").read_text("utf-8"))
    assert info["cocoon"]["file_name"] == FILES["sharegpt"]


def test_a_dialogue_of_which_nothing_remains_is_left_out_and_told(tmp_path: Path) -> None:
    profile = Profile(id="p", language="en", feeling="f")
    alone = Dialogue(id="x", profile=profile, supporter="s", language="en", turns=[Turn(role="user", content="a")])
    told = export_corpus(put(tmp_path, [alone]), "sharegpt", tmp_path / "out")
    assert told.left_out == 1 and "(1)" in (tmp_path / "out" / "README.md").read_text("utf-8")
    assert json.loads((tmp_path / "out" / FILES["sharegpt"]).read_text("utf-8")) == []


@pytest.mark.parametrize("name", [name for name, one in CORPORA.items() if name in RECORDS])
def test_text_that_may_not_be_passed_on_is_refused(tmp_path: Path, name: str) -> None:
    file, known = put(tmp_path, corpus(tmp_path, name)), CORPORA[name]
    if known.redistribution in ("free", "attribution"):
        assert export_corpus(file, "messages", tmp_path / "out").dialogues == len(RECORDS[name])
        return
    with pytest.raises(CocoonError, match="--i-have-the-right"):
        export_corpus(file, "messages", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert export_corpus(file, "messages", tmp_path / "out", i_have_the_right=True).dialogues == len(RECORDS[name])


def test_what_was_simulated_from_unlicensed_cards_is_not_free() -> None:
    assert is_free("simulated (own)", "") and not is_free("simulated (ESC-Eval)", "none (ESC-Eval ships no licence)")


@pytest.mark.parametrize("form", ["messages", "parquet", "sharegpt"])
def test_the_card_tells_counts_licence_and_warns(tmp_path: Path, form: Format) -> None:
    if form == "parquet":
        pytest.importorskip("pyarrow")
    export_corpus(put(tmp_path, corpus(tmp_path, "smile")), form, tmp_path / "out")
    text = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert "license: cc0-1.0" in text and "| SMILE (SmileChat) | CC0-1.0 | 1 |" in text and "Content warning" in text
    assert not list((tmp_path / "out").glob(".*"))


def test_the_card_names_licences_as_the_hub_reads_them() -> None:
    told = Exported()
    told.licences["SAGE", "MIT"] = 1
    assert "license: mit\n" in card(told, "messages", "x", "none")
    told.licences["own", ""] = 1
    assert "license: other\nlicense_name: MIT; own\n" in card(told, "messages", "x", "none")


def test_an_export_replaces_nothing_that_is_there(tmp_path: Path) -> None:
    file, out = put(tmp_path, corpus(tmp_path, "smile")), tmp_path / "out"
    out.mkdir()
    (out / "README.md").write_text("mine", "utf-8")
    done = cocoon("corpus", "export", str(file), "-o", str(out))
    assert done.code == 2 and "README.md: already exists" in done.err
    assert (out / "README.md").read_text("utf-8") == "mine"
    assert cocoon("corpus", "export", str(file), "-o", str(out), "--force").code == 0


def test_a_place_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    file = put(tmp_path, corpus(tmp_path, "smile"))
    for words in (["export", str(file), "-o"], ["import", "jsonl", str(file), "-o"]):
        done = cocoon("corpus", *words, str(tmp_path / "file" / "x" / "y"))
        assert done.code == 2 and done.err.count("\n") == 1 and "choose another -o" in done.err


def test_the_command_line_exports_and_refuses(tmp_path: Path) -> None:
    file = put(tmp_path, corpus(tmp_path, "esconv"))
    done = cocoon("corpus", "export", str(file), "-o", str(tmp_path / "out"))
    assert done.code == 2 and "CC-BY-NC-4.0" in done.err and done.err.count("\n") == 1
    told = cocoon("corpus", "export", str(file), "-o", str(tmp_path / "out"), "--i-have-the-right", "--json").json
    assert told["dialogues"] == 3
    assert cocoon("corpus", "export", str(file), "-o", "x", "--format", "csv").code == 2


def test_a_parquet_file_that_is_none_is_named(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    file = tmp_path / "x.parquet"
    file.write_bytes(b"no parquet")
    with pytest.raises(CocoonError, match="is not a Parquet file"):
        list(read_corpus("messages", file).dialogues)
