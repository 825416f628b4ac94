"""The pictures of a report in docs/images, from a run of this project's own words.

    python -m cocoon.benchmarks.viewer.report_pictures [--out docs/images]

Ten users meet the listening and the asking supporter of `trace_pictures`. The judge, a script too, votes three times,
and its votes differ as those of a model do. The report, which says first that it is scripted, is photographed in
headless Chromium: wide and narrow, light and dark, English and Chinese (for which the machine needs a Chinese font).
"""

import argparse
import asyncio
import json
import tempfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cocoon.benchmarks.viewer.trace_pictures import answer, make_run
from cocoon.tests.browser import chromium
from cocoon.tests.commands import cocoon

if TYPE_CHECKING:
    from playwright.async_api import ViewportSize

SHOTS: list[tuple[str, Literal["en", "zh"], int, int, Literal["light", "dark"]]] = [
    ("report", "en", 1280, 960, "light"),
    ("report-dark-zh", "zh", 1280, 960, "dark"),
    ("report-phone", "en", 390, 960, "light"),
    ("report-phone-dark-zh", "zh", 390, 960, "dark"),
]
SHRUNK = 0.7


def varied(model: str, prompt: str, seed: int | None) -> str:
    """The line that is due. A judge's answer depends on the whole prompt and the vote, as if it were drawn."""
    text = answer(model, prompt)
    if model != "judge":
        return text
    content: dict[str, Any] = json.loads(text)
    draw = zlib.crc32(json.dumps([prompt, seed]).encode())
    if "items" in content:
        content["items"] = {item: _shifted(value, draw >> int(item)) for item, value in content["items"].items()}
    elif "named" in content and draw % 4 == 0:
        content["named"] = not content["named"]
    elif "named_by" in content and draw % 6 == 0:
        content["quote"] = "words that nobody said"
    return json.dumps(content)


def _shifted(value: int | None, draw: int) -> int | None:
    """A value up to one point away. What cannot be told is told most of the time."""
    return None if value is None and draw % 16 == 0 else max(1, min(7, (value or 4) + draw % 3 - 1))


async def photograph(run: Path, out: Path) -> None:
    """The head of the report in every look."""
    async with chromium() as browser:
        for name, language, width, height, theme in SHOTS:
            done = cocoon("report", str(run), "--language", language)
            if done.code:
                raise SystemExit(done.err)
            size: ViewportSize = {"width": width, "height": height}
            context = await browser.new_context(viewport=size, device_scale_factor=SHRUNK, color_scheme=theme)
            page = await context.new_page()
            await page.goto((run / "report.html").as_uri())
            await page.screenshot(path=out / f"{name}.png")
            await context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent.parent.parent / "docs" / "images")
    out = parser.parse_args().out
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "listening-or-asking"
        make_run(run, 10, varied, {"judge.votes": 3, "judge.temperature": 0.7})
        asyncio.run(photograph(run, out))
    for name, *_ in SHOTS:
        print(f"{out / name}.png: {(out / f'{name}.png').stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
