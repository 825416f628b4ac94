"""The trace page while a run goes on, and as the links of a report open it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cocoon.benchmarks.viewer.trace_pictures import make_run
from cocoon.core.records import Dialogue
from cocoon.running.folder import RunFolder, read_run
from cocoon.running.reading.reader import RunReader
from cocoon.tests.browser import in_browser
from cocoon.tests.commands import cocoon, server
from cocoon.tests.commands import said as completion
from cocoon.tests.viewer.trace_pages import opened, said, texts
from cocoon.viewer.page import RunPage
from cocoon.viewer.server import served_run

LISTENED, ASKED = "en-01.listening.0", "en-01.asking.0"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of a listening and an asking supporter, with its report."""
    folder = tmp_path_factory.mktemp("live") / "run"
    make_run(folder)
    assert cocoon("report", str(folder)).code == 0
    return folder


@in_browser
async def test_a_figure_of_the_report_opens_the_dialogues_behind_it(browser: Any, run: Path) -> None:
    async with opened(browser, (run / "report.html").as_uri(), "h1") as page:
        await page.click("#main ~ table tbody tr:first-child td:nth-child(2) a")
        await page.wait_for_selector(".turn")
        await said(page, "#counts", "1 of 2")
        await said(page, "#narrowed", "supporter: asking")
        assert await texts(page, ".row b") == [ASKED]
        await page.keyboard.press("l")
        await said(page, "#narrowed", "该数字背后的对话： 支持者: asking")
        await page.click("#b-all")
        await said(page, "#counts", "2 / 2")
        assert page.url.endswith(f"dialogue={ASKED}")


@pytest.mark.parametrize(
    ("query", "listed"),
    [
        ("outcome=nobody&scale=success_attributed", [ASKED]),
        ("outcome=supporter%2C+after+reflection", [LISTENED]),
        ("missing=cannot+tell&scale=comfort", [LISTENED, ASKED]),
        ("missing=any&scale=basic", []),
        ("judge=nobody", []),
        ("stop=user_left&need=yes&language=en&difficulty=normal", [ASKED]),
        ("turns=11", [LISTENED]),
        ("success=false&supporter=asking", [ASKED]),
    ],
)
@in_browser
async def test_an_address_narrows_the_list(browser: Any, run: Path, query: str, listed: list[str]) -> None:
    url = f"{(run / 'trace' / 'view.html').as_uri()}#?{query}"
    async with opened(browser, url, "#counts:has-text('of 2')") as page:
        await said(page, "#counts", f"{len(listed)} of 2")
        assert await texts(page, ".row b") == listed


@in_browser
async def test_the_dialogue_of_an_address_opens_within_its_filter(browser: Any, run: Path) -> None:
    url = f"{(run / 'trace' / 'view.html').as_uri()}#?language=en&dialogue={ASKED}"
    async with opened(browser, url) as page:
        await said(page, "h1", ASKED)
        await said(page, "#counts", "2 of 2")


def under_way(folder: Path, finished: Dialogue) -> RunFolder:
    """A run that another process is working on: one dialogue has begun."""
    work = RunFolder(folder)
    manifest: dict[str, Any] = {"cocoon": "x", "sessions": [{"started": 4e9, "ended": None}]}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    work.begin_dialogue(finished.model_copy(update={"turns": [], "stop_reason": None}))
    return work


@pytest.fixture
def listened(run: Path) -> Iterator[Dialogue]:
    """The finished dialogue of the listening supporter."""
    yield next(one for one in read_run(run, "dialogues.jsonl", Dialogue) if one.id == LISTENED)


@in_browser
async def test_a_dialogue_appears_while_it_is_being_made(browser: Any, listened: Dialogue, tmp_path: Path) -> None:
    work = under_way(tmp_path / "run", listened)
    work.add_turns(LISTENED, listened.turns[:2])
    async with served_run(RunPage(RunReader(tmp_path / "run"), live=True)) as url, opened(browser, url) as page:
        await said(page, "#counts", "1 of 1 dialogues · under way")
        assert await texts(page, ".turn .words") == [turn.content for turn in listened.turns[:2]]
        assert await page.get_attribute(".row .sign", "aria-label") == "being made"
        await page.fill("#search", "wholly yours")
        await said(page, "#counts", "0 of 1")
        work.add_turns(LISTENED, listened.turns[2:])
        await page.wait_for_selector("#turn-10")
        await said(page, "#counts", "1 of 1")
        work.add_dialogue(listened)
        await page.wait_for_selector(".row .sign[aria-label='not judged']")
    work.settle([LISTENED])
    work.close()
    assert not (tmp_path / "run" / "under_way.jsonl").exists()


def test_a_run_writes_what_was_said_and_leaves_no_file_of_it(tmp_path: Path) -> None:
    seen: list[list[str]] = []

    def answer(request: dict[str, Any]) -> tuple[int, Any]:
        reader = RunReader(tmp_path / "run")
        reader.refresh()
        seen.extend([reader.words(name).splitlines() for name in reader.listed()])
        return completion(f"Reply {len(seen)}.")

    with server(answer) as spec:
        done = cocoon(
            *("simulate", "--out", str(tmp_path / "run"), "--profiles", "shipped:en", "-n", "1", "--rounds", "2"),
            *("--supporter", spec, "--user", spec, "--appraiser", "rule", "-o", "form_pairs=0"),
        )
    assert done.code == 0, done.err
    (dialogue,) = read_run(tmp_path / "run", "dialogues.jsonl", Dialogue)
    words = [turn.content for turn in dialogue.turns]
    assert len(seen) >= 4 and all(said_so_far == words[: len(said_so_far)] for said_so_far in seen)
    assert [len(said_so_far) for said_so_far in seen] == sorted({1, 2, 3, 4})
    assert not (tmp_path / "run" / "under_way.jsonl").exists()


def test_what_a_killed_run_had_said_is_shown_until_it_goes_on(listened: Dialogue, tmp_path: Path) -> None:
    work = under_way(tmp_path / "run", listened)
    work.add_turns(LISTENED, listened.turns[:3])
    work.close()
    reader = RunReader(tmp_path / "run")
    reader.refresh()
    assert reader.names() == [] and reader.listed() == [LISTENED]
    assert reader.summary(LISTENED)["turns"] == 3 and reader.summary(LISTENED)["success"] == "making"
    again = RunFolder(tmp_path / "run")
    reader.refresh()
    assert reader.listed() == []
    again.close()


def test_a_dialogue_that_is_begun_anew_counts_from_there(listened: Dialogue, tmp_path: Path) -> None:
    work = under_way(tmp_path / "run", listened)
    work.add_turns(LISTENED, listened.turns[:3])
    work.begin_dialogue(listened.model_copy(update={"turns": []}))
    work.add_turns(LISTENED, listened.turns[:1])
    reader = RunReader(tmp_path / "run")
    reader.refresh()
    assert reader.words(LISTENED) == listened.turns[0].content
    work.close()


@in_browser
async def test_a_reason_is_said_once_and_in_the_language_of_the_page(browser: Any, run: Path, tmp_path: Path) -> None:
    lines = (run / "ratings.jsonl").read_text("utf-8").splitlines()
    ratings = [json.loads(line) for line in lines if json.loads(line)["dialogue"] == LISTENED]
    for rating in ratings:
        if rating["scale"] == "basic":
            rating |= {"items": dict.fromkeys(rating["items"]), "missing": {"*": "refused: not today"}}
            rating["dimensions"] = dict.fromkeys(rating["dimensions"])
    (tmp_path / "ratings.jsonl").write_text("".join(f"{json.dumps(rating)}\n" for rating in ratings), "utf-8")
    (tmp_path / "dialogues.jsonl").write_bytes((run / "dialogues.jsonl").read_bytes())
    async with (
        served_run(RunPage(RunReader(tmp_path), language="zh")) as url,
        opened(browser, f"{url}#{LISTENED}") as page,
    ):
        text = await page.inner_text("[data-scale=basic]")
        assert text.count("拒绝回答: not today") == 1 and "refused" not in text
        await said(page, "[data-scale=success_attributed] .verdict", "第 9 次发言")
        assert "轮" not in await page.inner_text("#list")
