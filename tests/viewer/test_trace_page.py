"""The trace page in a real browser, from disk and live: list, lanes, ratings, calls, graph, compare, hostile text."""

import json
from pathlib import Path
from typing import Any

import pytest

from cocoon.core.records import Dialogue
from cocoon.graphs.drawing.draw import GRAPHS, draw_graph, open_graph
from cocoon.running.folder import read_run
from cocoon.running.reading.lines import LineIndex
from cocoon.running.reading.reader import RunReader
from cocoon.running.reading.summary import file_of
from cocoon.tests.browser import in_browser
from cocoon.tests.commands import cocoon, endpoint
from cocoon.tests.viewer.trace_pages import opened, said
from cocoon.viewer.page import RunPage, data_script, drawings, export_page
from cocoon.viewer.server import served_run

SAGE = Path(__file__).parents[3] / "shared" / "data" / "sage"
HOSTILE = (
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    "[go](javascript:alert(1)) \u202eesrever\u202c </script><svg onload=alert(1)>"
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A judged run of four dialogues over HTTP."""
    out = tmp_path_factory.mktemp("trace") / "run"
    with endpoint() as spec:
        done = cocoon(
            *("simulate", "--out", str(out), "--profiles", "shipped:en", "-n", "4", "--rounds", "2"),
            *("--supporter", spec, "--user", spec, "--judge", spec, "--scales", "success,comfort"),
        )
    assert done.code == 0, done.err
    return out


@in_browser
async def test_the_page_opens_from_disk_with_everything_in_it(browser: Any, run: Path, tmp_path: Path) -> None:
    done = cocoon("view", str(run), "--export", str(tmp_path / "page"))
    assert done.code == 0, done.err
    first = next(iter(read_run(run, "dialogues.jsonl", Dialogue)))
    async with opened(browser, (tmp_path / "page" / "view.html").as_uri()) as page:
        assert len(await page.query_selector_all(".row")) == 4
        await said(page, "#counts", "4 of 4 dialogues")
        await said(page, ".person", first.profile.feeling)
        await said(page, ".person", first.profile.need or "")
        assert len(await page.query_selector_all(".turn")) == len(first.turns)
        await said(page, ".inner:has-text('trust')", "trust")
        await said(page, "#right", "comfort")
        assert await page.query_selector_all("#right .rating")
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("ArrowDown")
        await page.wait_for_selector(".call pre")
        await said(page, ".call", first.turns[1].content[:20])
        await page.keyboard.press("g")
        await page.wait_for_selector("#drawing .node.now")
        await said(page, "#step", "step")
        before = await page.inner_text("#step")
        await page.keyboard.press("ArrowRight")
        assert await page.inner_text("#step") != before
        assert await page.query_selector_all("#drawing .edge.walked")
        await page.click("#drawing .node.now")
        await page.click("#drawing .node[data-node=speak]")
        await page.click("#told .calls button >> nth=0")
        await page.wait_for_selector(".call[data-shown='user/0/0/0']")
        await page.keyboard.press("l")
        await said(page, "#counts", "段对话")
        await page.keyboard.press("h")
        await page.wait_for_selector("#charts svg.chart")
        await page.keyboard.press("Escape")
        await page.fill("#search", "nothing has this name")
        await said(page, "#rows", "没有符合的对话")
        await page.fill("#search", first.id)
        await said(page, "#counts", "1 / 4")


@in_browser
async def test_the_same_page_is_live_and_takes_in_what_comes(browser: Any, run: Path, tmp_path: Path) -> None:
    growing = tmp_path / "run"
    growing.mkdir()
    lines = (run / "dialogues.jsonl").read_bytes().splitlines(keepends=True)
    manifest = json.loads((run / "manifest.json").read_text("utf-8"))
    manifest["sessions"][-1]["ended"] = None
    (growing / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    (growing / "dialogues.jsonl").write_bytes(lines[0])
    async with served_run(RunPage(RunReader(growing), live=True)) as url, opened(browser, url) as page:
        await said(page, "#counts", "1 of 1 dialogues · under way")
        with (growing / "dialogues.jsonl").open("ab") as file:
            file.write(b"".join(lines[1:]))
        await said(page, "#counts", "4 of 4 dialogues · under way")
        await page.keyboard.press("j")
        await said(page, "h1", json.loads(lines[1])["id"])


@in_browser
async def test_two_runs_are_compared_turn_by_turn(browser: Any, run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    with other.open("w", encoding="utf-8") as file:
        for one in read_run(run, "dialogues.jsonl", Dialogue):
            for turn in one.turns:
                turn.content = f"other: {turn.content}"
            file.write(one.model_copy(update={"supporter": "another"}).model_dump_json() + "\n")
    export_page(RunPage(RunReader(run), RunReader(other)), tmp_path / "page")
    async with opened(browser, (tmp_path / "page" / "view.html").as_uri()) as page:
        await page.click("#b-compare")
        await page.wait_for_selector(".lanes.two")
        texts = [await one.inner_text() for one in await page.query_selector_all(".lanes.two .turn .words")]
        assert texts[1] == f"other: {texts[0]}" and len(texts) % 2 == 0


@in_browser
async def test_hostile_text_is_text(browser: Any, tmp_path: Path) -> None:
    file = tmp_path / f"{'x' * 20}.jsonl"
    turns = [{"role": "supporter", "content": HOSTILE}, {"role": "user", "content": "A" * 1_000_000 + HOSTILE}]
    profile = {"id": HOSTILE[:40], "language": "en", "feeling": HOSTILE, "need": HOSTILE, "emotion": HOSTILE}
    line = {"id": f"{HOSTILE}#../../x", "profile": profile, "supporter": HOSTILE, "language": "en", "turns": turns}
    file.write_text(json.dumps(line) + "\n", "utf-8")
    export_page(RunPage(RunReader(file)), tmp_path / "page")
    assert sorted(one.name for one in (tmp_path / "page" / "data").iterdir()) == sorted([f"{file_of(line['id'])}.js"])
    async with opened(browser, (tmp_path / "page" / "view.html").as_uri()) as page:
        text = await page.inner_text("#turn-0")
        assert "<script>document.title='owned'</script>" in text and "javascript:alert(1)" in text
        assert "⟦U+202E⟧esrever" in text and "\u202e" not in text
        assert "owned" not in await page.title()
        assert not await page.query_selector_all("#middle script, #middle img, #middle svg[onload], main a")
        await page.click("#turn-1 button.more")
        assert 40_000 < len(await page.inner_text("#turn-1")) < 50_000


@in_browser
async def test_runs_of_others_show_their_emotion_over_the_turns(browser: Any, tmp_path: Path) -> None:
    found = sorted(SAGE.glob("*_result.jsonl"))
    if not found:
        pytest.skip("needs sage in ../shared/data")
    made = tmp_path / "sage.jsonl"
    assert cocoon("corpus", "import", "sage", str(found[0]), "-n", "3", "-o", str(made)).code == 0
    export_page(RunPage(RunReader(made)), tmp_path / "page")
    async with opened(browser, (tmp_path / "page" / "view.html").as_uri()) as page:
        await said(page, ".strip", "emotion")
        assert len(await page.query_selector_all(".strip .curve circle")) > 3
        await said(page, "#right", "No rating yet.")


def test_the_drawn_graphs_have_exactly_the_compiled_edges() -> None:
    drawn = drawings()
    for name in GRAPHS:
        graph = open_graph(name)
        wanted = {(edge.source, edge.target) for edge in graph.get_graph().edges}
        assert {(edge.source, edge.target) for edge in draw_graph(graph).edges} == wanted
        text = drawn[graph.name]
        assert text.count("data-source=") == len(draw_graph(graph).edges) and "<style" not in text


def test_a_dialogue_has_its_path_its_calls_and_its_evidence(run: Path) -> None:
    reader = RunReader(run)
    reader.refresh()
    name = reader.names()[0]
    calls = reader.calls(name)
    whole = reader.whole(name, calls)
    nodes = [step["node"] for step in whole["path"]]
    assert nodes[0] == "open" or len(nodes) > 4
    named = {key for step in whole["path"] for key in step["calls"]}
    assert named and named <= set(calls["calls"])
    for turn in whole["turns"]:
        assert set(turn["calls"]) <= set(calls["calls"])
    one = next(iter(calls["calls"].values()))
    assert all(calls["texts"][place] for _, place in one["request"])
    assert len(calls["texts"]) < sum(len(some["request"]) for some in calls["calls"].values()), "texts stand once"


def test_lines_are_found_while_a_file_grows_is_torn_or_rewritten(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    index = LineIndex(path, "id")
    index.refresh()
    assert not index.places
    path.write_text('{"id":"a","n":1}\n{"id":"b","n":2}\n{"id":"c","n"', "utf-8")
    index.refresh()
    assert list(index.places) == ["a", "b"]
    with path.open("a", encoding="utf-8") as file:
        file.write(':3}\n{"id":"a","n":4}\n')
    index.refresh()
    assert [one["n"] for one in index.of("a")] == [1, 4]
    before = index.mark("a")
    lines = path.read_text("utf-8").splitlines()
    (tmp_path / "new").write_text("\n".join(sorted(lines, reverse=True)), "utf-8")
    (tmp_path / "new").replace(path)
    index.refresh()
    assert list(index.places) == ["c", "b", "a"] and [one["n"] for one in index.of("a")] == [4, 1]
    assert index.mark("a") == before, "put in order, but the same"
    path.write_text('{"id":"z","n":1}\n', "utf-8")
    index.refresh()
    assert list(index.places) == ["z"]


def test_a_folder_of_something_else_is_left_alone(run: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", "utf-8")
    refused = cocoon("view", str(run), "--export", str(tmp_path))
    assert refused.code and "has other files" in refused.err
    nowhere = cocoon("view", str(tmp_path / "nowhere"), "--export", str(tmp_path / "p"))
    assert nowhere.code and "neither a run folder" in nowhere.err
    assert data_script("x", {"a": "</script>"}) == 'cocoonData("x",{"a":"\\u003c/script>"});\n'


def test_the_graph_of_a_run_is_weighted_by_its_walks(run: Path, tmp_path: Path) -> None:
    done = cocoon("graph", str(run), "-o", str(tmp_path / "drawn"), "--json")
    assert done.code == 0, done.err
    counts = {(one["source"], one["target"]): one["times"] for one in done.json["conversation-guarded"]}
    graph = open_graph("conversation")
    known = {(edge.source, edge.target) for edge in graph.get_graph().edges}
    assert counts.keys() <= known
    assert counts["__start__", "open"] == 4
    into_end = sum(times for (_, target), times in counts.items() if target == "__end__")
    assert into_end == 4, "every dialogue ends once"
    for node in {target for _, target in counts} - {"__end__"}:
        arrived = sum(times for (_, target), times in counts.items() if target == node)
        left = sum(times for (source, _), times in counts.items() if source == node)
        assert arrived == left, node
    text = (tmp_path / "drawn" / "graph_conversation-guarded.svg").read_text("utf-8")
    assert text.count("stroke-width: ") >= len(known) and f"· {counts['supporter', 'appraise']}" in text
    assert (tmp_path / "drawn" / "graph_assessment.svg").exists()
    nothing = cocoon("graph", str(tmp_path))
    assert nothing.code and "no trace.jsonl" in nothing.err
