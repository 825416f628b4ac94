"""Runs that are not as they should be, on the trace page: under way, killed, empty, broken, of another kind."""

import base64
import json
import os
import sqlite3
import zlib
from pathlib import Path
from typing import Any

import pytest

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import dump_line
from cocoon.core.records import Dialogue, Failure
from cocoon.running.reading.reader import RunReader
from cocoon.tests.browser import in_browser
from cocoon.tests.commands import cocoon, endpoint
from cocoon.tests.exports.export_runs import dialogue
from cocoon.tests.viewer.trace_pages import opened, said, texts
from cocoon.viewer.page import RunPage, export_page, packed
from cocoon.viewer.server import served_run

FAILED = Failure(dialogue="lost", stage="conversation", node="user", reason="timeout", message="no answer in 60 s")


def run_of(place: Path, *dialogues: Dialogue, ended: bool = True, failures: tuple[Failure, ...] = ()) -> Path:
    """A run folder as a killed or finished session leaves it, without journal and trace."""
    place.mkdir(parents=True, exist_ok=True)
    session = {"started": 1.0, "ended": 2.0 if ended else None, "outcome": ""}
    (place / "manifest.json").write_text(json.dumps({"cocoon": "0", "sessions": [session]}), "utf-8")
    for name, records in (("dialogues", dialogues), ("failures", failures)):
        (place / f"{name}.jsonl").write_bytes(b"".join(map(dump_line, records)))
    return place


def test_what_failed_is_listed_with_its_reason(tmp_path: Path) -> None:
    reader = RunReader(run_of(tmp_path / "run", dialogue("made"), failures=(FAILED,)))
    reader.refresh()
    assert reader.advance() == 0 and reader.names() == ["made"]
    made, lost = reader.summaries()
    assert (lost["id"], lost["success"], lost["turns"]) == ("lost", "failed", 0) and made["failures"] == []
    whole = reader.whole("lost", reader.calls("lost"))
    assert whole["failures"] == ["user: timeout: no answer in 60 s"] and whole["profile"] is None


def test_a_run_without_a_journal_or_with_a_broken_one(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", dialogue("a"))
    assert cocoon("view", str(run), "--export", str(tmp_path / "page")).code == 0
    (run / "journal.sqlite").write_bytes(b"no journal at all" * 100)
    refused = cocoon("view", str(run), "--export", str(tmp_path / "other"))
    assert refused.code and "journal.sqlite" in refused.err and "Traceback" not in refused.err
    with sqlite3.connect(tmp_path / "empty.sqlite") as empty:
        empty.execute("create table calls (dialogue text)")
    (run / "journal.sqlite").write_bytes((tmp_path / "empty.sqlite").read_bytes())
    with pytest.raises(CocoonError, match=r"journal\.sqlite"):
        RunReader(run).calls("a")


def test_looking_at_a_run_leaves_no_file_in_it(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with endpoint() as spec:
        done = cocoon("profiles", "build", "--out", str(run), "-n", "2", "--language", "en", "--writer", spec)
    assert (run / "profiles.jsonl").exists(), done.err
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    assert cocoon("view", str(run), "--export", str(tmp_path / "page")).code == 0
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before
    reader = RunReader(run)
    reader.refresh()
    reader.advance()
    assert reader.listed() and reader.of_profiles
    name = reader.listed()[0]
    whole = reader.whole(name, reader.calls(name))
    assert {step["graph"] for step in whole["path"]} == {"profile"} and whole["turns"] == []


def test_a_killed_run_is_not_taken_for_a_live_one(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", dialogue("a"), ended=False)
    reader = RunReader(run)
    reader.refresh()
    assert reader.state() == "running"
    for path in run.iterdir():
        os.utime(path, (1, 1))
    assert reader.state() == "stopped"
    assert RunReader(run_of(tmp_path / "done", dialogue("a"))).state() == "finished"


def test_a_page_written_again_holds_nothing_of_the_run_before(tmp_path: Path) -> None:
    export_page(RunPage(RunReader(run_of(tmp_path / "one", dialogue("a"), dialogue("b")))), tmp_path / "page")
    export_page(RunPage(RunReader(run_of(tmp_path / "two", dialogue("c")))), tmp_path / "page")
    assert len(list((tmp_path / "page" / "data").iterdir())) == 1
    (tmp_path / "file").write_text("mine", "utf-8")
    refused = cocoon("view", str(tmp_path / "one"), "--export", str(tmp_path / "file"))
    assert refused.code and (tmp_path / "file").read_text("utf-8") == "mine"


def test_news_tell_only_what_is_new(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", dialogue("a"), dialogue("b"), ended=False)
    page = RunPage(RunReader(run), RunReader(run_of(tmp_path / "other", dialogue("a"))), live=True)

    def told(name: str, since: tuple[int, int] = (0, 0)) -> Any:
        text = page.data(name, since) or ""
        return json.loads(text.partition(",")[2].rstrip()[:-2])

    index = told("index")
    assert [one["id"] for one in index["dialogues"]] == ["a", "b"] and index["serials"] == [2, 1]
    assert told("news", (2, 1))["dialogues"] == [] and told("news", (2, 1))["others"] == []
    with (run / "dialogues.jsonl").open("ab") as file:
        file.write(dump_line(dialogue("c")) + b'{"id":"torn","prof')
    news = told("news", (2, 1))
    assert [one["id"] for one in news["dialogues"]] == ["c"] and news["count"] == 3
    assert news["source"] == index["source"]


def test_a_slice_of_time_is_enough_to_answer(tmp_path: Path) -> None:
    reader = RunReader(run_of(tmp_path / "run", *(dialogue(f"d{number}") for number in range(20))))
    reader.refresh()
    assert 0 < reader.advance(0.0) < 20
    assert reader.advance() == 0 and len(reader.summaries()) == 20


def test_text_that_utf8_cannot_hold_is_packed_all_the_same() -> None:
    assert json.loads(zlib.decompress(base64.b64decode(packed({"a": "\ud83d <"})))) == {"a": "\ud83d <"}


@in_browser
async def test_empty_and_broken_runs_are_told_on_the_page(browser: Any, tmp_path: Path) -> None:
    empty = run_of(tmp_path / "empty", ended=False)
    async with served_run(RunPage(RunReader(empty), live=True)) as url, opened(browser, url, "#middle p") as page:
        await said(page, "#middle", "There is no dialogue yet.")
        await page.keyboard.press("Enter")
        await page.keyboard.press("g")
        (empty / "dialogues.jsonl").write_bytes(dump_line(dialogue("an odd/id ☃ <b>#?")))
        await said(page, "h1", "an odd/id ☃ <b>#?")
        await said(page, "#graph", "No path is kept for this dialogue.")
        (empty / "failures.jsonl").write_bytes(dump_line(FAILED))
        await said(page, "#counts", "2 of 2")
        await page.keyboard.press("j")
        await said(page, "#middle", "user: timeout: no answer in 60 s")
        assert (await texts(page, ".row .sign"))[1] == "!"
        (empty / "ratings.jsonl").write_text("{}\n", "utf-8")
        await said(page, "#trouble", "record 1 has no 'dialogue'")
        (empty / "ratings.jsonl").unlink()
        await page.wait_for_selector("#trouble", state="hidden")


def test_what_was_made_and_not_kept_is_shown_as_it_stood(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run")
    one = dialogue("a").model_dump(mode="json")
    told = {"stage": "script", "node": "screen", "reason": "advice", "detail": "turn 2"}
    lines = [{"id": "a", **told, "content": one}, {"id": "b", **told, "content": {"chain": []}}]
    (run / "dropped.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
    reader = RunReader(run)
    reader.refresh()
    a, b = (reader.whole(name, reader.calls(name)) for name in reader.listed())
    assert len(a["turns"]) == len(one["turns"]) and a["failures"] == ["screen: advice: turn 2"]
    assert b["turns"] == [] and b["failures"] == a["failures"] and reader.names() == []


def test_a_line_that_breaks_in_the_middle_is_told_by_its_file(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", dialogue("a"))
    (run / "trace.jsonl").write_text('{"v":1,"dialogue":"a","graph":}\n', "utf-8")
    refused = cocoon("view", str(run), "--export", str(tmp_path / "page"))
    assert refused.code and "trace.jsonl: record 1" in refused.err and "fix or remove" in refused.err
