"""A headless Chromium for the tests of pages; where none is installed, the tests are skipped with a message."""

import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.async_api import Browser

CHROMIUM = os.environ.get("CHROMIUM_PATH") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@asynccontextmanager
async def chromium() -> "AsyncIterator[Browser]":
    """The browser, closed at the end."""
    api = pytest.importorskip("playwright.async_api", reason="needs playwright (extra 'dev')")
    if CHROMIUM is None or not Path(CHROMIUM).exists():
        pytest.skip("needs Chromium (Debian: apt-get install chromium), or CHROMIUM_PATH")
    async with api.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


async def serious_faults(page: Any) -> list[str]:
    """What axe finds on a page that people with a disability cannot get past: the rule and the first place of it.

    The page's context needs `bypass_csp=True`, because no policy of ours lets a script in.
    """
    package = pytest.importorskip("axe_playwright_python", reason="needs axe-playwright-python (extra 'dev')")
    await page.evaluate((Path(package.__file__).parent / "axe.min.js").read_text("utf-8"))
    found = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']} ({len(one['nodes'])}): {one['nodes'][0]['target']} {one['nodes'][0]['failureSummary']}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]


def in_browser(test: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a test that asks for the fixture `browser`: it runs in the event loop that the browser was opened in."""
    return pytest.mark.browser(pytest.mark.asyncio(loop_scope="session")(test))
