"""One dialogue as a page in one file: what `Run.show` shows in a notebook, hostile words included."""

import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import cocoon
from cocoon.core.jsonl import dump_line
from cocoon.core.records import Dialogue, Verdict
from cocoon.running.folder import read_run
from cocoon.running.reading.summary import file_of
from cocoon.tests.browser import in_browser
from cocoon.tests.commands import cocoon as command
from cocoon.tests.commands import endpoint
from cocoon.tests.exports.export_runs import dialogue, rating
from cocoon.tests.viewer.trace_pages import opened as opened_page
from cocoon.tests.viewer.trace_pages import said

HOSTILE = (
    "</script><script>parent.document.title='owned'</script></iframe><img src=x onerror=\"document.title='owned'\">"
    "'\"&quot;&lt;script&gt; \u202eesrever\u202c <!--"
)


@asynccontextmanager
async def shown(browser: Any, folder: Path, cell: str) -> AsyncIterator[Any]:
    """The frame of a dialogue in the output of a notebook's cell, in the browser."""
    notebook = folder / "notebook.html"
    notebook.write_text(f"<!doctype html><title>notebook</title><div id=cell>{cell}</div><p id=after>after</p>")
    async with opened_page(browser, notebook.as_uri(), "iframe") as page:
        frame = page.frames[1]
        await frame.wait_for_selector(".turn")
        yield frame
        assert await page.title() == "notebook" and await page.inner_text("#after") == "after"


def run_of(folder: Path, *dialogues: Dialogue) -> Path:
    folder.mkdir()
    (folder / "dialogues.jsonl").write_bytes(b"".join(map(dump_line, dialogues)))
    return folder


def cell_of(run: Path, index: int | str = 0) -> str:
    return cocoon.Run(run).show(index)._repr_html_()  # pyright: ignore[reportPrivateUsage]


def test_a_run_gives_the_record_by_its_index_and_shows_it_by_name_or_number(tmp_path: Path) -> None:
    run = cocoon.Run(run_of(tmp_path / "run", dialogue("first"), dialogue("second")))
    assert isinstance(run[0], cocoon.Dialogue) and run[0].id == "first"
    assert repr(run.show(1)) == "DialoguePage('second')" and run.show("second") == run.show(1)
    with pytest.raises(KeyError, match="third"):
        run.show("third")


def test_the_page_asks_for_nothing_and_holds_no_other_dialogue(tmp_path: Path) -> None:
    page = cocoon.Run(run_of(tmp_path / "run", dialogue("first"), dialogue("zweitens"))).show(0).html
    assert not re.search(r"\b(?:src|href)=|@import|url\((?!#)", page.replace("script.src = ", ""))
    assert "zweitens" not in page and file_of("zweitens") not in page and "'self'" not in page
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy and policy[1].count("sha256-") == page.count("<script>") + 1


def test_hostile_words_leave_neither_the_frame_nor_their_string(tmp_path: Path) -> None:
    cell = cell_of(run_of(tmp_path / "run", dialogue(HOSTILE, supporter=HOSTILE)))
    assert cell.count("<") == 2 and cell.startswith("<iframe srcdoc=") and cell.endswith("</iframe>")
    document = html.unescape(cell.split('"')[1])
    assert "parent.document.title" in document and "</script><script>parent" not in document


def test_the_page_can_be_saved_as_one_file(tmp_path: Path) -> None:
    page = cocoon.Run(run_of(tmp_path / "run", dialogue("a"))).show(0)
    assert page.save(tmp_path / "a.html").read_text("utf-8") == page.html


@pytest.mark.slow
@in_browser
async def test_a_cell_shows_the_user_the_words_the_thoughts_and_the_evidence(browser: Any, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with endpoint() as spec:
        done = command(
            *("simulate", "--out", str(run), "--profiles", "shipped:en", "-n", "2", "--rounds", "1"),
            *("--supporter", spec, "--user", spec, "--judge", spec, "--scales", "success,comfort"),
            *("-o", "form_pairs=0"),
        )
    assert done.code == 0, done.err
    second = list(read_run(run, "dialogues.jsonl", Dialogue))[1]
    async with shown(browser, tmp_path, cell_of(run, 1)) as frame:
        await said(frame, "h1", second.id)
        await said(frame, ".person", second.profile.need or "")
        await said(frame, ".inner:has-text('trust')", "trust")
        await said(frame, "#right", "comfort")
        assert len(await frame.query_selector_all(".turn")) == len(second.turns)
        assert not await frame.is_visible("#nav") and not await frame.is_visible("#b-charts")
        await frame.click(".turn >> nth=1")
        await frame.wait_for_selector(".call pre")
        await frame.click("#b-graph")
        await frame.wait_for_selector("#drawing .node")
        await frame.click("#b-language")
        await said(frame, "#b-graph", "图")
        assert not await frame.is_visible("#trouble")


@pytest.mark.slow
@in_browser
async def test_hostile_words_are_shown_as_words(browser: Any, tmp_path: Path) -> None:
    one = dialogue(HOSTILE, supporter=HOSTILE, need=HOSTILE)
    one.turns[2].content = f"{one.turns[2].content} {HOSTILE}"
    run = run_of(tmp_path / "run", one)
    proof = Verdict(success=True, named_by="user", turn=3, quote="I want rest.")
    (run / "ratings.jsonl").write_bytes(dump_line(rating(one, "success_attributed", verdict=proof)))
    async with shown(browser, tmp_path, cell_of(run)) as frame:
        await said(frame, "h1", "</script><script>parent.document.title='owned'</script></iframe><img src=x onerror=")
        await said(frame, ".turn >> nth=2", "⟦U+202E⟧esrever⟦U+202C⟧")
        await said(frame, ".evidence", "I want rest.")
        assert not await frame.query_selector_all("img, .turn script, .person script")
