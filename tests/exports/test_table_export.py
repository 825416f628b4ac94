"""Tidy tables and chat messages of a run: they join, they count up, what is missing is null, text comes back."""

import csv
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cocoon.core.records import Dialogue
from cocoon.corpora.dialogue_loaders import read_corpus
from cocoon.evaluation.questions.detection import question_ratio
from cocoon.evaluation.scales.scoring import load_scale
from cocoon.exports.tables.columns import TABLES
from cocoon.exports.tables.files import cell, guarded
from cocoon.models.journal.store import Journal
from cocoon.running.folder import read_run
from cocoon.tests.commands import cocoon
from cocoon.tests.exports.export_runs import dialogue, lines, simulated, with_gaps, written

DOCS = Path(__file__).parent.parent.parent / "docs" / "how-to" / "exports.md"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulated(tmp_path_factory.mktemp("tables") / "run", profiles=3, samples=2)


def tables(run: Path, out: Path, form: str) -> dict[str, list[dict[str, Any]]]:
    """All tables by name, their values in Python's types."""
    done = cocoon("export", str(run), "--to", "tables", "-o", str(out), "--format", form)
    assert done.code == 0, done.err
    assert {path.name for path in out.iterdir()} == {f"{name}.{form}" for name in TABLES}
    if form == "parquet":
        parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow (extra 'corpora')")
        return {name: parquet.read_table(out / f"{name}.parquet").to_pylist() for name in TABLES}
    return {name: list(_csv(out / f"{name}.csv", name)) for name in TABLES}


def _csv(path: Path, name: str) -> Any:
    """Rows of a CSV, read by the rule that docs/how-to/exports.md states; a bare empty cell is null."""
    cells = r'(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n)'
    rows: list[list[str | None]] = [[]]
    for found in re.finditer(cells, path.read_text("utf-8")):
        rows[-1].append(found[2] or None if found[1] is None else found[1].replace('""', '"'))
        if found[3] == "\n":
            rows.append([])
    head, *body = rows[:-1]
    kinds = {column.name: column.kind for column in TABLES[name]}
    assert head == list(kinds)
    for row in body:
        yield {key: _typed(value, kinds[str(key)]) for key, value in zip(head, row, strict=True)}


def _typed(value: str | None, kind: str) -> Any:
    if value is None:
        return None
    readers: dict[str, Any] = {
        "text": _unguarded,
        "int": int,
        "float": float,
        "bool": {"true": True, "false": False}.get,
    }
    return readers[kind](value)


def _unguarded(text: str) -> str:
    return text[1:] if text.startswith("'") and guarded(text[1:]) == text else text


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_the_tables_join_and_count_up(run: Path, tmp_path: Path, form: str) -> None:
    got = tables(run, tmp_path / "out", form)
    names = {row["dialogue"] for row in got["dialogues"]}
    records = {one.id: one for one in read_run(run, "dialogues.jsonl", Dialogue)}
    assert names == set(records) and len(names) == len(got["dialogues"])
    for table in TABLES:
        assert {row["dialogue"] for row in got[table]} <= names
    turns = Counter(row["dialogue"] for row in got["turns"])
    for row in got["dialogues"]:
        record = records[row["dialogue"]]
        assert row["turns"] == turns[row["dialogue"]] == len(record.turns)
        assert row["need"] == record.profile.need and row["feeling"] == record.profile.feeling
        stats = question_ratio(record.turns, record.language)
        assert (row["asking_turns"], row["counted_turns"]) == (stats.asking_turns, stats.turns)
        assert row["question_ratio"] == stats.ratio
    for row in got["turns"]:
        turn = records[row["dialogue"]].turns[row["turn"]]
        assert (row["role"], row["content"]) == (turn.role, turn.content)
        assert row["trust"] == (turn.state.trust if turn.state else None)
        assert (row["counted"] is None) is (turn.role == "user")
    ratings = lines(run, "ratings.jsonl")
    assert len(got["ratings"]) == len(ratings)
    assert [row["success"] for row in got["ratings"]] == [(one["verdict"] or {}).get("success") for one in ratings]
    values = {
        (one["dialogue"], one["scale"], kind, name): value
        for one in ratings
        for kind, told in (("item", one["items"]), ("dimension", one["dimensions"]))
        for name, value in told.items()
    }
    found = {(row["dialogue"], row["scale"], row["kind"], row["item"]): row["value"] for row in got["items"]}
    assert found == values and len(got["items"]) == len(values)
    journal = Journal(run / "journal.sqlite")
    try:
        kept = {(entry.place.dialogue, entry.place.key): entry for entry in journal.entries()}
        spent = journal.spent()
    finally:
        journal.close()
    calls = {(row["dialogue"], row["call"]): row for row in got["calls"]}
    assert set(calls) == {place for place in kept if place[0] in names} and len(calls) == len(got["calls"])
    assert sum(row["tokens_in"] for row in got["dialogues"]) == sum(usage.tokens_in or 0 for usage in spent)
    for (name, key), row in calls.items():
        assert row["latency"] == kept[name, key].latency
        assert row["turn"] is None or key in records[name].turns[row["turn"]].calls
        assert (row["turn"] is None) is (row["role"] == "judge")


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_what_is_missing_is_null_and_has_its_reason(tmp_path: Path, form: str) -> None:
    run = with_gaps(tmp_path / "run")
    got = tables(run, tmp_path / "out", form)
    items = {(row["dialogue"], row["vote"], row["kind"], row["item"]): row for row in got["items"]}
    assert items["a", 0, "item", "1"]["value"] == 2 and items["a", 0, "item", "1"]["missing"] is None
    gap = items["a", 0, "item", "2"]
    assert gap["value"] is None and gap["missing"] == "cannot tell"
    assert items["a", 0, "dimension", "affective_improvement"]["value"] is None
    # A reply that could not be read: every item of the scale is there, and missing.
    lost = [row for row in got["items"] if row["dialogue"] == "b"]
    assert [row["item"] for row in lost] == load_scale("comfort").item_ids
    assert {(row["value"], row["missing"]) for row in lost} == {(None, "empty reply")}
    ratings = {(row["dialogue"], row["scale"], row["vote"]): row for row in got["ratings"]}
    assert ratings["a", "success_attributed", 0]["success"] is True
    assert ratings["b", "success_attributed", 0]["success"] is None
    assert ratings["b", "success_attributed", 0]["missing"] == "quote not in the transcript"
    assert ratings["c", "success_attributed", 0]["not_applicable"] is True
    dialogues = {row["dialogue"]: row for row in got["dialogues"]}
    assert dialogues["c"]["need"] is None and dialogues["a"]["calls"] is None and dialogues["a"]["tokens_in"] is None
    assert [(row["dialogue"], row["reason"]) for row in got["failures"]] == [("d.one.0", "timeout")]
    turns = {(row["dialogue"], row["turn"]): row for row in got["turns"]}
    assert turns["a", 0]["draft"] is None and turns["b", 2]["draft"] == ""
    assert turns["a", 1]["content"] == '-1 <b>maybe</b>,\n"so"' and turns["a", 2]["analysis"] == "@tired"
    assert [turns["a", n]["stage"] for n in range(4)] == ["listening", "listening", "suggestion", "suggestion"]
    assert turns["a", 2]["open_questions"] == 1 and turns["a", 1]["open_questions"] is None


def test_an_ordinary_reader_and_a_spreadsheet_get_text(tmp_path: Path) -> None:
    run = with_gaps(tmp_path / "run")
    tables(run, tmp_path / "out", "csv")
    with (tmp_path / "out" / "turns.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[1]["content"] == '\'-1 <b>maybe</b>,\n"so"'
    with (tmp_path / "out" / "dialogues.csv").open(encoding="utf-8", newline="") as file:
        assert next(csv.DictReader(file))["feeling"] == "'=SUM(A1) I am tired"
    for path in (tmp_path / "out").iterdir():
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.reader(file):
                assert not [
                    one for one in row if one[:1] in "=+-@\t\r＝＋－＠" and one and not re.fullmatch(r"-?[\d.]+", one)
                ]


def _number(text: str) -> bool:
    return re.fullmatch(r"-?[\d.]+", text) is not None


@given(st.one_of(st.text(), st.text(alphabet="'=+-@ a\n\",＝")))
def test_any_text_comes_back_from_a_cell_and_is_no_formula(text: str) -> None:
    shown = cell(text)[1:-1].replace('""', '"')
    assert _unguarded(shown) == text
    assert not shown.lstrip("'").startswith(("=", "+", "-", "@")) or shown.startswith("'")
    assert (cell(None), cell(True), cell(1.5), cell(float("nan"))) == ("", "true", "1.5", "")


def test_every_column_is_documented() -> None:
    text = DOCS.read_text("utf-8")
    for table, columns in TABLES.items():
        section = text.split(f"### {table}\n")[1].split("\n#")[0]
        told = [tuple(part.strip() for part in line.strip("|").split("|")) for line in section.splitlines()[3:] if line]
        assert told == [(f"`{one.name}`", one.kind, one.about) for one in columns], table


def test_nothing_is_replaced_and_no_half_is_left(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "turns.csv").write_text("mine", "utf-8")
    refused = cocoon("export", str(run), "--to", "tables", "-o", str(out))
    assert refused.code == 2 and "turns.csv: already exists" in refused.err
    assert (out / "turns.csv").read_text("utf-8") == "mine" and len(list(out.iterdir())) == 1
    broken = written(tmp_path / "broken", [dialogue("a")])
    with (broken / "ratings.jsonl").open("w", encoding="utf-8") as file:
        file.write('{"dialogue": "a", "judge": "j"}\n')
    failed = cocoon("export", str(broken), "--to", "tables", "-o", str(tmp_path / "half"))
    assert failed.code == 2 and "key 'profile' is missing" in failed.err and not list((tmp_path / "half").iterdir())
    wrong = cocoon("export", str(run), "--to", "tables", "-o", str(out), "--format", "xlsx")
    assert wrong.code == 2 and "csv, parquet" in wrong.err
    nowhere = cocoon("export", str(run), "--to", "tables")
    assert nowhere.code == 2 and "-o PATH is needed" in nowhere.err
    unknown = cocoon("export", str(run), "--to", "excel", "-o", str(out))
    assert unknown.code == 2 and "'inspect', 'otel', 'tables', 'messages'" in unknown.err


def test_a_run_is_only_read(run: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    for kind, out in (("inspect", "x.eval"), ("otel", "x.jsonl"), ("tables", "t"), ("messages", "m")):
        assert cocoon("export", str(run), "--to", kind, "-o", str(tmp_path / out)).code == 0
    assert {path.name: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_messages_come_back_as_the_dialogues_they_were(run: Path, tmp_path: Path) -> None:
    done = cocoon("export", str(run), "--to", "messages", "-o", str(tmp_path / "out"))
    assert done.code == 0, done.err
    file = tmp_path / "out" / "dialogues.messages.jsonl"
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert [message["role"] for message in rows[0]["messages"]][:2] == ["assistant", "user"]
    assert list(read_corpus("messages", file).dialogues) == list(read_run(run, "dialogues.jsonl", Dialogue))
    assert "Content warning" in (tmp_path / "out" / "README.md").read_text("utf-8")
    again = cocoon("export", str(run), "--to", "messages", "-o", str(tmp_path / "out"))
    assert again.code == 2 and "already exists" in again.err


def test_text_that_may_not_be_passed_on_stays_here(tmp_path: Path) -> None:
    run = written(tmp_path / "run", [dialogue("a", source="somewhere", licence="CC-BY-NC-4.0")])
    refused = cocoon("export", str(run), "--to", "messages", "-o", str(tmp_path / "out"))
    assert refused.code == 2 and "CC-BY-NC-4.0" in refused.err and not (tmp_path / "out").exists()
    allowed = cocoon("export", str(run), "--to", "messages", "-o", str(tmp_path / "out"), "--i-have-the-right")
    assert allowed.code == 0, allowed.err
