"""A trace page in a real browser, for the tests of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def opened(browser: Any, url: str, wait: str = ".turn", **options: Any) -> AsyncIterator[Any]:
    """The page, loaded; fails for an error in it, and for any address asked for that is not of this machine."""
    asked: list[str] = []
    problems: list[str] = []
    async with await browser.new_context(viewport={"width": 1500, "height": 900}, **options) as context:
        page = await context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
        await page.goto(url)
        await page.wait_for_selector(wait)
        yield page
        assert not problems, problems
        assert asked and all(one.startswith(("file:", "http://127.0.0.1:", "data:")) for one in asked), asked


async def said(page: Any, selector: str, text: str) -> None:
    """Waits until an element holds a text; the page's policy lets no test evaluate code in it."""
    found = ""
    for _ in range(200):
        element = await page.query_selector(selector)
        found = await element.inner_text() if element is not None else ""
        if text in found:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{selector} does not say {text!r} but {found!r}")


async def texts(page: Any, selector: str) -> list[str]:
    """What the elements say, in the order of the page."""
    return [await one.inner_text() for one in await page.query_selector_all(selector)]
