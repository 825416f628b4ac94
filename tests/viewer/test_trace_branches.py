"""The trace page of branches: the tree of futures, and the futures of a fork side by side."""

import json
from pathlib import Path
from typing import Any

import pytest

import cocoon
from cocoon.core.records import Dialogue
from cocoon.running.folder import read_run
from cocoon.running.reading.reader import RunReader
from cocoon.tests.browser import in_browser
from cocoon.tests.studies.test_branches import PEOPLE, Speaker
from cocoon.tests.viewer.trace_pages import opened, said, texts
from cocoon.viewer.page import RunPage, export_page


@pytest.fixture(scope="module")
def branched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two futures of two moves at two rounds of one talk."""
    folder = tmp_path_factory.mktemp("branches")
    (folder / "user.jsonl").write_text('"Hm. It was a long day."\n', encoding="utf-8")
    agents: dict[str, Any] = {"supporter": {"plain": Speaker()}, "user": f"scripted:{folder / 'user.jsonl'}"}
    run = cocoon.simulate(
        **{"profiles": PEOPLE[:1], **agents, "appraiser": "rule", "rounds": 3, "out": folder / "a", "progress": False},
        options={"form_pairs": 0},
    )
    moves = {"move": ["silence", "own"], "turn": [1, 2], "samples": 2}
    cocoon.branch(run, out=folder / "b", progress=False, **moves, supporter=agents["supporter"])
    return folder / "b"


def test_the_list_says_where_a_branch_leaves_its_talk(branched: Path) -> None:
    reader = RunReader(branched)
    reader.refresh()
    shown = {name: reader.summary(name) for name in reader.names()}
    for branch in read_run(branched, "dialogues.jsonl", Dialogue):
        summary = shown[branch.id]
        assert (summary["parent"], summary["fork"], summary["move"]) == (branch.parent, branch.branched_at, branch.move)
    talk = RunReader(branched.parent / "a")
    talk.refresh()
    assert "parent" not in talk.summary(talk.names()[0])


def test_the_charts_of_the_page_have_the_credit_curve(branched: Path) -> None:
    data = RunPage(RunReader(branched)).charts().partition(",")[2].removesuffix(");\n")
    titles = [figure["title"] for figure in json.loads(data)["en"]]
    assert "credit disclosed" in titles


@in_browser
async def test_the_tree_leads_to_every_future_and_shows_them_side_by_side(
    browser: Any, branched: Path, tmp_path: Path
) -> None:
    export_page(RunPage(RunReader(branched)), tmp_path / "page")
    async with opened(browser, (tmp_path / "page" / "view.html").as_uri()) as page:
        await said(page, ".tree h2", "Branches of en-01.plain.0")
        assert len(await texts(page, ".tree .future")) == 2 * 2 * 2
        assert len(await texts(page, ".tree .future[aria-current]")) == 1
        await page.click(".tree > ol > li:not(.here) .future")
        await said(page, ".tree .here", "from turn 5")
        await page.click(".tree .beside")
        await page.wait_for_selector(".lanes.futures")
        heads = await texts(page, ".lanes.futures > h2")
        assert len(heads) == 4 and sum("silence" in head for head in heads) == 2
        words = await texts(page, ".lanes.futures .turn .words")
        # The first row is what all share, the second begins with silence in two of them.
        assert len(set(words[:4])) == 1 and words[4:8].count("...") == 2
        await page.click(".beside")
        await page.wait_for_selector(".tree")
