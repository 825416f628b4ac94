"""The rating page in a real browser: consent to withdrawal, both languages, two raters at once, killed between."""

import asyncio
import signal
from pathlib import Path
from typing import Any

from cocoon.human.server import served_study
from cocoon.human.store import HumanStore
from cocoon.tests.browser import in_browser
from cocoon.tests.commands import cocoon, endpoint
from cocoon.tests.human.human_study_cases import as_yaml, desk, serving, spoken_with, study


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
        before = await self.progress()
        await self.page.click("#done:enabled")
        await changed(self.page, "#progress", before)

    async def say(self, words: str) -> None:
        """Say something in the chat, and wait for the answer."""
        await self.page.wait_for_selector("#say:enabled")
        await self.page.fill("#words", words)
        await self.page.press("#words", "Control+Enter")
        await self.page.wait_for_selector(f".turn:has-text('{words}')")
        await self.page.wait_for_selector("#say:enabled, #second, #done")

    async def progress(self) -> str:
        return await self.page.inner_text("#progress")


@in_browser
async def test_the_whole_flow_with_two_raters_and_a_server_that_is_killed_between(browser: Any, tmp_path: Path) -> None:
    file, out = tmp_path / "study.yaml", tmp_path / "out"
    with endpoint() as spec:
        given = spoken_with(study(tmp_path), spec)
        file.write_text(as_yaml(given), "utf-8")
        process, links = await serving(file, out)
        port = int(links["r1"].split(":")[2].split("/")[0])
        first = Rater(await (await browser.new_context()).new_page())
        second = Rater(await (await browser.new_context(viewport={"width": 390, "height": 844})).new_page())
        await asyncio.gather(first.page.goto(links["r1"]), second.page.goto(links["r2"]))
        await second.page.click("#language")
        await second.page.wait_for_selector("#agree:has-text('同意')")
        await asyncio.gather(first.agree(), second.agree())
        assert await first.heading() == "Rate this conversation"
        assert await second.heading() == "请为这段对话评分"
        await asyncio.gather(first.rate(4), second.rate(2))
        await asyncio.gather(_to_the_chat(first), _to_the_chat(second))
        await asyncio.gather(first.say("I hear you 0 0."), second.say("我在听。"))
        answered = _answers(out)
        process.kill()
        await process.wait()
        # What is said to a dead server is told as not saved, stays in the box, and is taken once when it is back.
        await first.page.fill("#words", "I hear you 0 1.")
        await first.page.press("#words", "Control+Enter")
        await first.page.wait_for_selector("#saved.bad")
        assert await first.page.input_value("#words") == "I hear you 0 1."
        process, kept = await serving(file, out, port)
        assert kept == links and _answers(out) == answered
        await first.page.press("#words", "Control+Enter")
        await first.page.click("#second")
        for reply in range(2):
            await first.say(f"I hear you 1 {reply}.")
        await first.page.wait_for_selector("#done")
        told = await first.page.inner_text("main")
        assert [told.count(f"I hear you {which} {reply}.") for which in (0, 1) for reply in (0, 1)] == [1, 1, 1, 1]
        await first.rate(0)
        await first.page.wait_for_selector("text=That was all.")
        # The language is kept over a reload, and so is what was said before the kill.
        await second.page.reload()
        await second.page.wait_for_selector("text=我在听。")
        await _withdraw(second)
        assert {one.rater for one in HumanStore(out / "human.sqlite").every_answer()} == {"r1"}
        for rater in (first, second):
            width = await rater.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert width <= 0
            assert rater.asked and all(url.startswith(f"http://127.0.0.1:{port}/") for url in rater.asked)
        process.terminate()
        assert await process.wait() == 128 + signal.SIGTERM
    done = cocoon("human", "report", str(file), "--out", str(out), "--json").json["tables"]
    shown = {row["Rater"]: row["measures"] for row in done["raters_progress"]["rows"]}
    assert (shown["r1"]["done"]["value"], shown["r1"]["skipped"]["value"]) == (2, 4)
    assert shown["r2"]["status"]["remark"] == "withdrawn"
    assert {row["By"] for row in done["wins"]["rows"]} == {"people, own chats"}


def _answers(out: Path) -> list[tuple[str, str, str, Any]]:
    store = HumanStore(out / "human.sqlite")
    return [(one.rater, one.item, one.key, one.value) for one in store.every_answer()]


async def _to_the_chat(rater: Rater) -> None:
    """Skip what lies before the chat."""
    while not await rater.page.locator("#say").count():
        before = await rater.progress()
        await rater.page.click("#skip")
        await changed(rater.page, "#progress", before)
        await rater.page.wait_for_selector("#done, #say")


async def _withdraw(rater: Rater) -> None:
    page = rater.page
    await page.click("#leave")
    await page.click("#sure")
    await page.wait_for_selector("text=你已退出")


@in_browser
async def test_going_back_drafts_and_quick_answers(browser: Any, tmp_path: Path) -> None:
    made = desk(tmp_path, study(tmp_path, parts="likert chats", raters=1))
    (token,) = made.store.enrol(made.material.study.names).values()
    async with served_study(made) as url:
        rater = Rater(await browser.new_page())
        await rater.page.goto(f"{url}/r/{token}")
        await rater.agree()
        item = made.material.assigned("r1")[0].item
        # Arrow keys choose as they go: the last choice is the one that is kept.
        await rater.page.locator(".choices input").first.focus()
        for _ in range(7):
            await rater.page.keyboard.press("ArrowRight")
        for _ in range(100):
            if made.store.answers_of("r1", item).get("basic:1") == 8:
                break
            await asyncio.sleep(0.05)
        assert made.store.answers_of("r1", item) == {"basic:1": 8}
        assert await rater.page.inner_text("#left") == "5 answers are lacking: show the first"
        await rater.page.click("#left")
        await rater.page.keyboard.press("Space")
        await changed(rater.page, "#left", "5 answers are lacking: show the first")
        assert set(made.store.answers_of("r1", item)) == {"basic:1", "basic:2"}
        await _to_the_chat(rater)
        await rater.page.fill("#words", "Half a sentence")
        await rater.page.click("#pause")
        await rater.page.click("#resume")
        await rater.page.wait_for_selector("#words")
        assert await rater.page.input_value("#words") == "Half a sentence"
        for _ in range(3):
            await rater.page.click("#back")
            await rater.page.wait_for_selector("#done")
            await asyncio.sleep(0.1)
        await rater.rate(0)
        await rater.page.wait_for_selector("#say")
        assert made.store.answers_of("r1", item)["done"] and "skipped" not in made.store.answers_of("r1", item)


@in_browser
async def test_hostile_text_is_shown_as_text_and_keys_reach_everything(browser: Any, tmp_path: Path) -> None:
    made = desk(tmp_path, study(tmp_path, parts="likert", raters=1))
    (token,) = made.store.enrol(made.material.study.names).values()
    async with served_study(made) as url:
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
