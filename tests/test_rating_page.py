"""The rating page in a real browser: consent to withdrawal, both languages, two raters at once, killed between."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from cocoon.tests.browser import chromium
from cocoon.tests.human_study_cases import desk, study
from cocoon.viewer.human_server import served

pytestmark = pytest.mark.slow


async def changed(page: Any, selector: str, before: str) -> str:
    """The text of an element once it is another one; the page's policy lets no test evaluate code in it."""
    for _ in range(200):
        text = await page.inner_text(selector)
        if text != before:
            return text
        await asyncio.sleep(0.05)
    raise AssertionError(f"{selector} still says {before!r}")


class Rater:
    """One rater's page, and every address that it asked for."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.asked: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))

    async def open(self, url: str, token: str) -> None:
        await self.page.goto(f"{url}/r/{token}")

    async def agree(self) -> None:
        await self.page.click("#agree")
        await self.page.wait_for_selector("#skip, #say")

    async def heading(self) -> str:
        return await self.page.inner_text("main h1")

    async def rate(self, value: int) -> None:
        """Choose a value for every item of the scales, and go on."""
        for group in await self.page.query_selector_all(".choices"):
            await (await group.query_selector_all("input"))[value].check()
            await changed(self.page, "#saved", "")
        await self.page.click("#done:enabled")

    async def next_item(self, before: str) -> None:
        await changed(self.page, "#progress", before)

    async def progress(self) -> str:
        return await self.page.inner_text("#progress")


async def test_the_whole_flow_with_two_raters_and_a_server_that_dies_between(tmp_path: Path) -> None:
    given = study(tmp_path)
    made = desk(tmp_path, given)
    tokens = made.store.enrol(given.names)
    async with chromium() as browser:
        first = Rater(await (await browser.new_context()).new_page())
        second = Rater(await (await browser.new_context(viewport={"width": 380, "height": 800})).new_page())
        async with served(made) as url:
            port = int(url.rsplit(":", 1)[1])
            await asyncio.gather(first.open(url, tokens["r1"]), second.open(url, tokens["r2"]))
            await second.page.click("#language")
            await second.page.wait_for_selector("#agree:has-text('同意')")
            await asyncio.gather(first.agree(), second.agree())
            assert await first.heading() == "Rate this conversation"
            assert await second.heading() == "请为这段对话评分"
            width = await second.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert width <= 0
            for rater in (first, second):
                before = await rater.progress()
                await rater.rate(4)
                await rater.next_item(before)
            answered = list(made.store.every_answer())
        # The server is gone in the middle: a click is told as not saved, and nothing that was saved is lost.
        box = first.page.locator(".choices input").first
        await box.click()
        await first.page.wait_for_selector("#saved.bad")
        again = desk(tmp_path, given)
        assert [one.value for one in again.store.every_answer()] == [one.value for one in answered]
        async with served(again, port) as url:
            await first.page.reload()
            await first.page.wait_for_selector("#done")
            await _finish(first)
            await _withdraw(second)
            assert {one.rater for one in again.store.every_answer()} == {"r1"}
            assert again.store.finished("r1") == {item.item for item in again.material.assigned("r1")}
        for rater in (first, second):
            assert rater.asked and all(url.startswith(f"http://127.0.0.1:{port}/") for url in rater.asked)


async def _finish(rater: Rater) -> None:
    """Everything that is left: scales, pairs, and two chats of one topic with their comparison."""
    for _ in range(10):
        title = await rater.heading()
        before = await rater.progress()
        if title == "Talk with somebody":
            await _talk(rater)
        await rater.rate(0)
        await rater.next_item(before)
        if before.startswith("5 of 6"):
            break
    await rater.page.wait_for_selector("text=That was all.")


async def _talk(rater: Rater) -> None:
    page = rater.page
    for which in (0, 1):
        for reply in range(2):
            await page.wait_for_selector("#say:enabled")
            await page.fill("#words", f"I hear you {which} {reply}.")
            await page.press("#words", "Control+Enter")
            if reply == 0:
                await page.wait_for_selector(f"text=I hear you {which} 0.")
        if which == 0:
            await page.click("#second")
    await page.wait_for_selector("#done")
    assert await page.locator(".talk").count() == 2
    assert "I hear you 1 1." in await page.inner_text("main")


async def _withdraw(rater: Rater) -> None:
    page = rater.page
    await page.reload()
    await page.wait_for_selector("#done")
    await page.click("#leave")
    await page.click("#sure")
    # The language is the page's own: after a reload it is the study's again.
    await page.wait_for_selector("text=You have withdrawn.")


async def test_hostile_text_is_shown_as_text_and_keys_reach_everything(tmp_path: Path) -> None:
    made = desk(tmp_path, study(tmp_path, parts="likert", raters=1))
    (token,) = made.store.enrol(made.material.study.names).values()
    async with chromium() as browser, served(made) as url:
        page = await browser.new_page()
        alarms: list[str] = []
        page.on("dialog", lambda dialog: alarms.append(dialog.message))
        page.on("pageerror", lambda error: alarms.append(str(error)))
        await page.goto(f"{url}/r/{token}")
        await page.focus("#agree")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#skip")
        for _ in range(3):
            if "<script>" in await page.inner_text("main"):
                break
            before = await page.inner_text("#progress")
            await page.click("#skip")
            await changed(page, "#progress", before)
        assert "<script>document.title='broken'</script>" in await page.inner_text(".talk")
        assert "\u202e" not in await page.inner_text(".talk") and "\ufffdabc" in await page.inner_text(".talk")
        assert await page.locator(".talk script, .talk img, .talk a").count() == 0
        assert await page.title() == "title" and alarms == []
        await page.locator(".choices input").first.focus()
        await page.keyboard.press("ArrowRight")
        await page.wait_for_selector("#saved:has-text('Saved')")
        assert len(list(made.store.every_answer())) >= 1
