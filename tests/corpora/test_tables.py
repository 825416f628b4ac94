"""Tables of any columns: every file format alike, columns and speakers mapped, whatever they are called."""

import csv
import gzip
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cocoon.core.errors import CocoonError
from cocoon.core.records import Dialogue
from cocoon.corpora.dialogue_loaders import read_corpus
from cocoon.corpora.loaders.tables.mapped import ColumnMap
from cocoon.corpora.reading.repair import RepairReport
from cocoon.tests.commands import cocoon

Row = dict[str, str]
ROWS: list[Row] = [
    {"nr": "7", "who": "Therapist", "said": "What brings you, today?"},
    {"nr": "7", "who": "client", "said": 'My boss said "no".'},
    {"nr": "8", "who": "CLIENT ", "said": "I can not\nsleep."},
    {"nr": "8", "who": "therapist", "said": "Tell me more."},
]
MAP = ColumnMap.parse(["content=said,role=who", "dialogue=nr"], ["therapist=supporter,client=user"])


def as_table(rows: list[Row], delimiter: str) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_parquet(rows: list[Row]) -> bytes:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    sink = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(rows), sink)
    return sink.getvalue()


def as_format(rows: list[Row], name: str) -> bytes:
    plain = name.removesuffix(".gz")
    if plain.endswith(".parquet"):
        data = as_parquet(rows)
    elif plain.endswith(".json"):
        data = json.dumps(rows).encode()
    elif plain.endswith(".jsonl"):
        data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    else:
        data = as_table(rows, "\t" if plain.endswith(".tsv") else ",")
    return gzip.compress(data) if name.endswith(".gz") else data


def read(file: Path, column_map: ColumnMap | None, **options: Any) -> tuple[list[Dialogue], RepairReport]:
    reading = read_corpus("table", file, column_map=column_map, **options)
    return list(reading.dialogues), reading.report


FORMATS = ["a.csv", "a.tsv", "a.json", "a.jsonl", "a.parquet", "a.csv.gz", "a.jsonl.gz", "a.json.gz"]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_dialogues(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(as_format(ROWS, name))
    dialogues, report = read(file, MAP)
    assert [dialogue.id for dialogue in dialogues] == ["table-7", "table-8"]
    assert [[(turn.role, turn.content) for turn in dialogue.turns] for dialogue in dialogues] == [
        [("supporter", "What brings you, today?"), ("user", 'My boss said "no".')],
        [("user", "I can not\nsleep."), ("supporter", "Tell me more.")],
    ]
    assert (report.unread, report.left_out) == ({}, {})


NAMES = st.text(st.characters(codec="utf-8", exclude_characters=",=\r\n\x00"), min_size=1, max_size=12).filter(
    lambda name: name == name.strip() and not name.isspace()
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(NAMES, min_size=3, max_size=7, unique=True),
    speakers=st.lists(NAMES, min_size=2, max_size=2, unique_by=str.lower).filter(lambda two: "none" not in two),
    name=st.sampled_from(["a.csv", "a.tsv", "a.json", "a.jsonl", "a.csv.gz"]),
    sides=st.lists(st.booleans(), min_size=1, max_size=6),
)
def test_columns_and_speakers_may_have_any_names(
    tmp_path: Path, names: list[str], speakers: list[str], name: str, sides: list[bool]
) -> None:
    content, who, dialogue, *others = names
    rows = [
        {content: f"I said {number}.", who: speakers[side], dialogue: "1", **dict.fromkeys(others, "x")}
        for number, side in enumerate(sides)
    ]
    file = tmp_path / name
    file.write_bytes(as_format(rows, name))
    column_map = ColumnMap.parse(
        [f"content={content}", f"role={who}", f"dialogue={dialogue}"],
        [f"{speakers[0]}=user", f"{speakers[1]}=supporter"],
    )
    (talk,), report = read(file, column_map)
    assert [turn.role for turn in talk.turns] == ["supporter" if side else "user" for side in sides]
    assert [turn.content for turn in talk.turns] == [f"I said {number}." for number in range(len(sides))]
    assert report.unread == dict.fromkeys(others, len(sides))


WORDS = st.sampled_from(["", " ", "I see. ", "\n", "you and it", "<b>", "{", "\x00"])
PARTS = st.one_of(
    WORDS.map(lambda text: {"type": "text", "text": text}),
    WORDS.map(lambda text: {"type": "output_text", "text": text}),
    WORDS.map(lambda text: {"type": "input_text", "text": text}),
    WORDS,
    st.text("xyz", min_size=1, max_size=8).map(lambda text: {"type": "thinking", "thinking": f"hidden {text}"}),
    st.sampled_from(["image_url", "input_audio", "tool_use"]).map(lambda kind: {"type": kind, "data": "hidden"}),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(PARTS, max_size=5))
def test_words_of_parts_are_spoken_and_nothing_else_is(tmp_path: Path, parts: list[Any]) -> None:
    turns = [{"role": "user", "content": "I am here."}, {"role": "assistant", "content": parts}]
    file = tmp_path / "a.jsonl"
    file.write_text(json.dumps({"messages": turns}), "utf-8")
    (dialogue,), report = read(file, None)
    words = [part if isinstance(part, str) else part.get("text", "") for part in parts]
    heard = "".join("".join(turn.content.split()) for turn in dialogue.turns[1:])
    assert heard == "".join("".join(words).split()) and "hidden" not in heard
    thoughts = [part for part in parts if isinstance(part, dict) and "thinking" in part]
    assert report.counts["kept_apart"] == bool(thoughts)


@pytest.mark.parametrize("sign", [";", "\t", "|"])
def test_another_sign_between_the_columns_is_seen(tmp_path: Path, sign: str) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(as_table(ROWS, sign))
    assert [len(dialogue.turns) for dialogue in read(file, MAP)[0]] == [2, 2]


def test_a_column_for_each_side_is_a_dialogue_a_row(tmp_path: Path) -> None:
    file = tmp_path / "qa.csv"
    file.write_text(
        "question,answer,topic\nHow can I sleep?,Tell me about your day.,sleep\nI cry.,I see.,grief\n", "utf-8"
    )
    dialogues, report = read(file, ColumnMap.parse(["user=question,supporter=answer,scenario=topic"]))
    assert [[turn.role for turn in dialogue.turns] for dialogue in dialogues] == [["user", "supporter"]] * 2
    assert [dialogue.profile.scenario for dialogue in dialogues] == ["sleep", "grief"] and report.unread == {}


def test_turns_may_stand_in_a_list_of_their_own(tmp_path: Path) -> None:
    row = {"talk": "x", "log": [{"a": "I am low.", "b": "Q"}, {"a": "Since when?", "b": "A"}], "mood": "sad"}
    file = tmp_path / "a.jsonl"
    file.write_text(json.dumps(row), "utf-8")
    column_map = ColumnMap.parse(["turns=log,content=a,role=b,dialogue=talk,emotion=mood"], ["Q=user", "A=supporter"])
    (dialogue,), _ = read(file, column_map)
    assert (dialogue.id, dialogue.profile.emotion) == ("table-x", "sad")
    assert [turn.role for turn in dialogue.turns] == ["user", "supporter"]


def test_thoughts_of_a_table_are_kept_apart_and_a_speaker_may_be_left_out(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(
        "who,said,why,kind\nuser,I cry.,,\nnarrator,Rain.,,\nsupporter,I see.,She hides it.,Reflection\n", "utf-8"
    )
    column_map = ColumnMap.parse(["content=said,role=who,thought=why,strategy=kind"], ["narrator=none"])
    (dialogue,), report = read(file, column_map)
    assert [turn.content for turn in dialogue.turns] == ["I cry.", "I see."] and report.counts["dropped"] == 1
    thought = dialogue.turns[1].thought
    assert thought and (thought.reasoning, thought.analysis, thought.strategy) == ("She hides it.", "", "Reflection")


@pytest.mark.parametrize(
    ("columns", "roles", "told"),
    [
        (["content=said"], [], "name the column of the words and that of the speaker"),
        (["content"], [], "must be pairs such as content=text,role=speaker"),
        (["contents=said,role=who"], [], "did you mean 'content'?"),
        (["content=said,role=who,role=x"], [], "'role' is there twice"),
        (["content=said,role=who"], ["client=patient"], "must be user, supporter or none"),
        (["user=said,supporter=who"], ["client=user"], "--roles has no use"),
        ([], ["client=user"], "name the column"),
    ],
)
def test_a_map_that_says_too_little_is_refused(columns: list[str], roles: list[str], told: str) -> None:
    with pytest.raises(CocoonError) as error:
        ColumnMap.parse(columns, roles)
    assert told in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nr,who,sayd\n1,client,x\n", "has no column 'said'. Did you mean 'sayd'?"),
        ("id,who,said\n1,client,x\n", "has no column 'nr'; its columns are id, who, said"),
        ("nr,who,said\n1,nurse,x\n", "'nurse' is not a known speaker; say who it is with --roles nurse=supporter"),
        ("nr,who,said\n1,client,x,y\n", "line 2: has 4 cells, but the table has 3 columns"),
        ('nr,who,said\n1,client,"x\n', "not a table row"),
        ("nr,who,who\n1,client,x\n", "has two columns named 'who'"),
        ("nr,who,said\n1,client,a\n2,client,b\n1,client,c\n", "line 4: rows of dialogue '1' do not stand together"),
        ("", "is empty"),
    ],
)
def test_a_table_that_does_not_fit_its_map_is_named_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "a.csv"
    file.write_text(text, "utf-8")
    with pytest.raises(CocoonError) as error:
        read(file, MAP)
    assert told in str(error.value) and "\n" not in str(error.value)


def test_a_row_that_cannot_be_read_leaves_out_its_dialogue_alone(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("nr,who,said\n1,client,a\n1,nurse,b\n2,client,c\n", "utf-8")
    dialogues, report = read(file, MAP, skip_unreadable=True)
    assert [dialogue.id for dialogue in dialogues] == ["table-2"] and sum(report.left_out.values()) == 1


def zipped(name: str) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr(name, "x")
    return sink.getvalue()


EXCEL = zipped("xl/workbook.xml")


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("a.jsonl.gz", gzip.compress(b'{"messages": []}')[:-9], "cannot be unpacked"),
        ("a.zip", b"PK\x03\x04 nothing", "cannot be unpacked"),
        ("a.xlsx", EXCEL, "is an Excel file; save its sheet as CSV"),
        ("a.parquet", b"PAR1 nothing", "is not a Parquet file"),
    ],
)
def test_a_packed_file_that_is_broken_is_named(tmp_path: Path, name: str, data: bytes, told: str) -> None:
    file = tmp_path / name
    file.write_bytes(data)
    with pytest.raises(CocoonError, match=told):
        read(file, None)


def test_a_map_is_for_tables_alone(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(as_table(ROWS, ","))
    done = cocoon("corpus", "stats", "annomi", str(file), "--map", "content=said,role=who")
    assert done.code == 2 and "give table as the corpus" in done.err
    own = cocoon("corpus", "stats", "python:x.py:load", str(file), "--skip-unreadable")
    assert own.code == 2 and "--skip-unreadable has no use" in own.err
