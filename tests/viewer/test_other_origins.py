"""A page of another origin, open in the same browser, and a run that `cocoon view` or a study that we serve."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from cocoon.core.jsonl import dump_line
from cocoon.human.server import served_study
from cocoon.running.reading.reader import RunReader
from cocoon.serving.loopback import served_on_loopback
from cocoon.tests.browser import in_browser
from cocoon.tests.human.human_study_cases import agree, desk, dialogue, study
from cocoon.tests.viewer.trace_pages import said
from cocoon.viewer.page import RunPage
from cocoon.viewer.server import served_run

SECRET = "I never told anybody"
# It takes what it can get of addresses that it somehow knows, by each way that a page has.
THIEF = """<!doctype html><meta charset="utf-8"><title>thief</title><pre id="loot"></pre><pre id="end"></pre>
<script>
const loot = (words) => { if (!words) return; document.getElementById("loot").textContent += JSON.stringify(words); };
window.cocoonData = (name, value) => loot([name, value]);
window.cocoonRefused = (name, message) => loot([name, message]);
const script = (url) => new Promise((end) => {
  const element = Object.assign(document.createElement("script"), { src: url, onload: end, onerror: end });
  document.body.append(element);
});
const frame = (url) => new Promise((end) => {
  const element = Object.assign(document.createElement("iframe"), { src: url });
  element.onload = () => { try { loot(element.contentDocument.body.textContent); } catch { } end(); };
  document.body.append(element);
});
const read = (url, how) => fetch(url, how).then((answer) => answer.text()).then(loot, () => {});
const post = { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" };
const addresses = ADDRESSES;
(async () => {
  for (const url of addresses) {
    await script(url); await frame(url);
    for (const how of [{}, { mode: "no-cors" }, post]) await read(url, how);
  }
  document.getElementById("end").textContent = "done";
})();
</script>"""


@asynccontextmanager
async def thief(addresses: list[str], host: str) -> AsyncIterator[str]:
    """A page of another origin: another port of this machine, under this name."""
    page = THIEF.replace("ADDRESSES", json.dumps(addresses))

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=page, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", answer)
    async with served_on_loopback(app) as url:
        yield url.replace("127.0.0.1", host)


async def stolen(browser: Any, addresses: list[str], host: str) -> str:
    async with thief(addresses, host) as url, await browser.new_context() as context:
        page = await context.new_page()
        await page.goto(url)
        await page.wait_for_selector("#end:has-text('done')")
        return await page.inner_text("#loot")


@in_browser
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_page_of_another_origin_reads_nothing_of_a_run_that_is_open(
    browser: Any, tmp_path: Path, host: str
) -> None:
    run = tmp_path / "run.jsonl"
    run.write_bytes(dump_line(dialogue("d0", SECRET).model_copy(update={"supporter": SECRET})))
    async with served_run(RunPage(RunReader(run), live=True)) as url, await browser.new_context() as context:
        page = await context.new_page()
        await page.goto(url)
        await said(page, "#turn-1", SECRET)
        base = url.rstrip("/")
        assert await stolen(browser, [f"{base}/{name}" for name in ("index.js", "news.js", "view.html")], host) == ""


@in_browser
async def test_a_page_of_another_origin_reads_nothing_of_a_study(browser: Any, tmp_path: Path) -> None:
    opened = desk(tmp_path, study(tmp_path, parts="likert", raters=1))
    token = opened.store.enrol(["r1"])["r1"]
    agree(opened, "r1")
    async with served_study(opened) as url:
        addresses = [f"{url}/{name}" for name in (f"api/{token}/state", f"api/{token}/withdraw", f"r/{token}")]
        assert await stolen(browser, addresses, "localhost") == ""
        assert not opened.store.withdrawn("r1")
