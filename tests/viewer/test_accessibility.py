"""Report, trace page and rating page have no serious fault for people who read otherwise, in any of their looks."""

from pathlib import Path
from typing import Any, Literal

import pytest

from cocoon.benchmarks.viewer.trace_pictures import make_run
from cocoon.human.server import served_study
from cocoon.reports.formats.html_page import render_html
from cocoon.tests.browser import in_browser, serious_faults
from cocoon.tests.commands import cocoon
from cocoon.tests.human.human_study_cases import desk, study
from cocoon.tests.reports.report_cases import dialogue, report, scored

LOOKS: list[tuple[int, Literal["light", "dark"], Literal["en", "zh"]]] = [
    (1280, "light", "en"),
    (1280, "dark", "zh"),
    (390, "dark", "en"),
    (390, "light", "zh"),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A judged run."""
    folder = tmp_path_factory.mktemp("axe") / "run"
    make_run(folder)
    return folder


async def opened_at(browser: Any, url: str, width: int, theme: str) -> Any:
    """The page at a width and in a theme, open to the checker alone."""
    size = {"width": width, "height": 844}
    context = await browser.new_context(viewport=size, color_scheme=theme, bypass_csp=True, reduced_motion="reduce")
    page = await context.new_page()
    await page.goto(url)
    return page


@pytest.mark.parametrize(("width", "theme", "language"), LOOKS)
@in_browser
async def test_report_and_trace_page(browser: Any, run: Path, width: int, theme: str, language: str) -> None:
    assert cocoon("report", str(run), "--language", language).code == 0
    page = await opened_at(browser, (run / "report.html").as_uri(), width, theme)
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert not await serious_faults(page)
    page = await opened_at(browser, f"{(run / 'trace' / 'view.html').as_uri()}#?language=en", width, theme)
    await page.wait_for_selector(".turn")
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert not await serious_faults(page)
    for key, shown in (
        ("ArrowDown", ".turn.chosen"),
        ("ArrowDown", ".call pre"),
        ("g", "#drawing svg"),
        ("c", ".lanes.two"),
        ("h", "#charts figcaption"),
    ):
        await page.keyboard.press(key)
        await page.wait_for_selector(shown)
        assert not await serious_faults(page), key


@pytest.mark.parametrize("width", [1280, 390])
@in_browser
async def test_a_report_of_many_groups_fits_its_page(browser: Any, tmp_path: Path, width: int) -> None:
    ratings = [
        scored(f"p{number}", scale, 1 + number % 7, supporter=f"a-supporter-with-a-long-name-{number}", judge=judge)
        for number in range(6)
        for scale in ("basic", "comfort", "rac")
        for judge in ("openai:gpt-5-mini", "http://127.0.0.1:8000/v1#some/model-with-a-name")
    ]
    made = report(dialogues=[dialogue(f"p{number}") for number in range(6)], ratings=ratings)
    (tmp_path / "report.html").write_text(render_html(made), "utf-8")
    page = await opened_at(browser, (tmp_path / "report.html").as_uri(), width, "light")
    assert await page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
@in_browser
async def test_rating_page(browser: Any, tmp_path: Path, width: int, theme: str) -> None:
    made = desk(tmp_path, study(tmp_path, parts="likert", raters=1))
    (token,) = made.store.enrol(made.material.study.names).values()
    async with served_study(made) as url:
        page = await opened_at(browser, f"{url}/r/{token}", width, theme)
        await page.wait_for_selector("#agree")
        assert not await serious_faults(page)
        await page.click("#agree")
        await page.wait_for_selector(".choices")
        assert not await serious_faults(page)
