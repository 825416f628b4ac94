"""What a reader finds on the trace page, and how they get about: a run of our own words in a real browser."""

import re
from typing import Any

import pytest

from cocoon.benchmarks.viewer.trace_pictures import LISTENING, NEED, REASONS, make_run
from cocoon.running.reading.reader import RunReader
from cocoon.tests.browser import in_browser
from cocoon.tests.reports.test_charts import luminance
from cocoon.tests.viewer.trace_pages import opened, said, texts
from cocoon.viewer.page import RunPage, export_page, page_file

LISTENED, ASKED = "en-01.listening.0", "en-01.asking.0"


@pytest.fixture(scope="module")
def page_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a listening and an asking supporter with the same user."""
    place = tmp_path_factory.mktemp("reading")
    make_run(place / "run")
    export_page(RunPage(RunReader(place / "run")), place / "page")
    return (place / "page" / "view.html").as_uri()


@in_browser
async def test_the_lanes_the_ratings_and_the_walk_tell_what_happened(browser: Any, page_url: str) -> None:
    async with opened(browser, f"{page_url}#{LISTENED}") as page:
        await said(page, "h1", LISTENED)
        trust = [one.split("\n")[0] for one in await texts(page, ".inner:has(b)")]
        assert trust == ["trust 0.0", "trust 0.0", "trust 1.0 ▲ +1", "trust 2.0 ▲ +1", "trust 4.0 ▲ +2"]
        assert await texts(page, ".newly") == [
            "opened: I want to prove that changing my major was not a mistake",
            f"opened: {NEED.removesuffix('.')}",
        ]
        assert await texts(page, ".strategy") == [strategy for strategy, _ in LISTENING]
        assert await texts(page, ".turn.named mark.evidence") == [LISTENING[3][1]]
        assert len(await page.query_selector_all(".strip .named")) == 1
        assert not await page.query_selector(".strip .asked .mark"), "no question was asked"
        await said(
            page, "[data-scale=success_attributed] .verdict", "named by the supporter · after a reflection · turn 9"
        )
        await said(page, "[data-scale=success_paper] .reason", REASONS["listening"])
        values = await texts(page, "[data-scale=comfort] td.value")
        assert values[0].startswith("6 / 7") and values[8] == "missing: cannot tell"
        assert len(await page.query_selector_all("[data-scale=comfort] .reversed")) == 2
        await said(page, "[data-scale=comfort]", "negative evaluation missing")
        await page.click(".column >> nth=9")
        await said(page, ".call pre", NEED)
        await page.click(".call [data-call='appraise/4/0/0']")
        await said(page, ".call pre", '"accuracy": "accurate"')
        await page.keyboard.press("g")
        await said(page, "#step", "conversation-guarded · step 18 / 27")
        await page.keyboard.press("ArrowRight")
        await page.wait_for_selector(".turn.chosen#turn-9")
        await page.click("#path button >> nth=-1")
        await said(page, "#step", "assessment · step 27 / 27 · collect")
        await page.click("#drawing [data-node=judge]")
        assert len(await page.query_selector_all("#told .calls button")) == 5
        await page.focus("#drawing [data-node=collect]")
        await page.keyboard.press("Enter")
        await said(page, "#told", "No model was called here.")


@in_browser
async def test_the_list_is_filtered_and_everything_is_reached_by_keys(browser: Any, page_url: str) -> None:
    async with opened(browser, page_url, color_scheme="dark", reduced_motion="reduce") as page:
        await page.keyboard.press("?")
        await said(page, "#help", "next, previous dialogue")
        await page.keyboard.press("Escape")
        await page.keyboard.press("j")
        await said(page, "h1", ASKED)
        assert len(await page.query_selector_all(".turn mark.q-open, .turn mark.q-closed")) == 5
        assert len(await page.query_selector_all(".strip .asked .mark")) == 2
        await said(page, ".turn.nearest", "Came nearest here")
        await page.keyboard.press("k")
        await said(page, "h1", LISTENED)
        await page.focus("#list")
        await page.keyboard.press("End")
        await said(page, "h1", ASKED)
        assert await page.get_attribute("#list", "aria-activedescendant") == "row-1"
        await page.keyboard.press("/")
        await page.keyboard.type("anxious en-01.asking")
        await said(page, "#counts", "1 of 2")
        await page.fill("#search", "UNCLE gets")
        await said(page, "#counts", "1 of 2")
        assert (await texts(page, ".row b")) == [LISTENED] and "my uncle" in (await texts(page, ".row mark + *, .row"))[
            0
        ]
        assert (await texts(page, ".row mark")) == ["uncle"]
        await page.fill("#search", "")
        await page.fill("#ratio-to", "50")
        await said(page, "#counts", "1 of 2")
        assert (await texts(page, ".row b")) == [LISTENED]
        await page.fill("#ratio-to", "")
        await page.fill("#turns-from", "12")
        await said(page, "#rows", "no dialogue fits")
        await page.fill("#turns-from", "")
        await page.select_option("#f-success", "false")
        assert (await texts(page, ".row b")) == [ASKED]
        await page.select_option("#f-success", "")
        await page.select_option("#sort", "turnsUp")
        assert (await texts(page, ".row b")) == [ASKED, LISTENED]
        await page.keyboard.press("Escape")
        await page.keyboard.press("i")
        await said(page, "#about", "1 / 2 judged")
        await page.keyboard.press("Escape")
        assert await page.get_attribute("html", "data-theme") is None
        await page.keyboard.press("t")
        assert await page.get_attribute("html", "data-theme") == "light", "from the system's dark to light"


@in_browser
async def test_two_supporters_of_one_run_are_compared_on_the_same_user(browser: Any, page_url: str) -> None:
    async with opened(browser, f"{page_url}#{LISTENED}") as page:
        await page.keyboard.press("c")
        await page.wait_for_selector(".lanes.two")
        assert [one.split(": ")[1] for one in await texts(page, ".lanes.two h2")] == ["listening", "asking"]
        await said(page, ".over", "ended by the user leaving")
        await page.click("#turn-b3")
        assert len(await page.query_selector_all(".turn.chosen")) == 2, "the same turn of both is marked"
        await said(page, ".call pre", "Last month.")
        await page.click("#turn-a3")
        await said(page, ".call pre", "Maybe it does.")
        await page.keyboard.press("j")
        await said(page, ".lanes.two h2", "asking")
        await page.keyboard.press("c")
        await page.wait_for_selector(".lanes:not(.two)")
        await page.emulate_media(media="print")
        assert not await page.is_visible("header") and await page.is_visible("#turn-0")


def contrast(one: str, other: str) -> float:
    """Of two colours, as WCAG 2.2 counts it."""
    darker, brighter = sorted(map(luminance, (_six(one), _six(other))))
    return (brighter + 0.05) / (darker + 0.05)


def _six(colour: str) -> str:
    return colour if len(colour) == 7 else "#" + "".join(digit * 2 for digit in colour[1:])


def test_words_stand_out_from_their_ground_in_both_themes() -> None:
    light, dark, preferred = (
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]+)", block))
        for block in re.findall(r":root[^{]*\{([^}]*--paper[^}]*)\}", page_file("view.css"))[:3]
    )
    assert dark == preferred and light.keys() == dark.keys()
    grounds = {"ink": "paper card soft user ask proof", "quiet": "paper card soft user"}
    grounds |= dict.fromkeys(("good", "bad", "mark"), "paper card soft")
    for theme in (light, dark):
        pairs = [(word, ground) for word, some in grounds.items() for ground in some.split()]
        poor = {pair: round(found, 2) for pair in pairs if (found := contrast(*(theme[one] for one in pair))) < 4.5}
        assert not poor
