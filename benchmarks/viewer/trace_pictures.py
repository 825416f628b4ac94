"""The pictures of the trace page in docs/images, from a run of this project's own words.

    python -m cocoon.benchmarks.viewer.trace_pictures [--out docs/images]

The real graphs are walked, and scripted chat models answer with the lines below. A listening and an asking supporter
meet the same guarded user; the page is exported and photographed in headless Chromium.
"""

import argparse
import asyncio
import json
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cocoon.api.blocking import wait_for
from cocoon.api.simulation import prepare_simulation, start
from cocoon.core.verb_settings import SIMULATE, Given, Options
from cocoon.models.scripted import Script, ScriptedChat
from cocoon.running.reading.reader import RunReader
from cocoon.tests.browser import chromium
from cocoon.viewer.page import RunPage, export_page

if TYPE_CHECKING:
    from playwright.async_api import ViewportSize

LISTENING = [
    ("keep to what can be seen", "Waiting like this can make every hour feel as if it were marked, too."),
    (
        "the thesis stands for more",
        "It sounds as if those pages carry more than a grade, as if a choice of yours hung on them.",
    ),
    (
        "go one step below the choice",
        "Changing your subject was a step off a path that others had drawn, and now the result seems to decide "
        "whether you were right.",
    ),
    (
        "name what lies beneath",
        "Perhaps what you long for is to be able to trust that you can steer your own life, whatever two reviewers "
        "write.",
    ),
    (
        "one small step that serves the need",
        "Then one thing might help: write down one decision of this year that was wholly yours, however it turned out.",
    ),
]
ASKING = [
    ("collect facts", "When did you hand it in? Who reviews it?"),
    ("press for the cause", "Why are you so afraid of it? Did somebody say that it was bad? Who has not worried once?"),
]
THOUGHTS = {
    "listening": [
        "Only the mood is known. A plain remark leaves room.",
        "They check the page every hour: more than a mark seems to hang on it.",
        "They spoke of a change of subject. Whether that choice was right may be the question under the worry.",
        "They ask others even about lunch. The wish may be to rely on their own judgement.",
        "They have said it themselves. Now one step that is small and theirs.",
    ],
    "asking": ["I know too little and ask for the facts.", "The answer was short; the cause is still unknown."],
}
NEED = "I want to trust that I am able to run my own life."
REPLIES = {
    "listening": [
        "I suppose so. I refresh the page every hour, and it says 'under review' every time.",
        "Maybe it does. It is the first big thing that I finished after I changed subjects.",
        "Yes. If it fails, my uncle gets to say that he told me so. I did choose it myself.",
        "I chose it, and I keep asking everybody whether it was right. Even for lunch I ask somebody.",
        f"That is it. {NEED} I never said that out loud.",
        "Signing up for the archive course. Nobody told me to. I could write that one down.",
    ],
    "asking": [
        "I suppose so. I refresh the page every hour, and it says 'under review' every time.",
        "Last month. Two people whose names I am not told.",
        "I do not know. I would rather not go through all of that now. I should get back.",
    ],
}
# How the user takes the opening and each line: accuracy, pressure, the node of the chain that was touched.
APPRAISALS = {
    "listening": [
        ("none", 0, None),
        ("none", 0, None),
        ("near", 0, 1),
        ("accurate", 0, 1),
        ("accurate", 0, 2),
        ("none", 0, None),
    ],
    "asking": [("none", 0, None), ("none", 1, None), ("none", 2, None)],
}
NAMED = {
    "listening": {
        "named_by": "user",
        "how": "after_reflection",
        "turn": None,
        "quote": "I want to trust that I am able to run my own life.",
    },
    "asking": {"named_by": "nobody", "how": None, "turn": None, "quote": REPLIES["asking"][2]},
}
REASONS = {
    "listening": "The user says in their own words that they want to trust themselves to run their life.",
    "asking": "The talk stays with dates and reviewers; the wish beneath the worry is never put into words.",
}
# What the judge answers: to the first five items, to the others, and one item of comfort that it cannot tell.
SCORES = {"listening": (6, 2), "asking": (3, 5)}
UNTOLD = "9"
WIDE, HIGH, SHRUNK = 1400, 840, 0.8
SHOTS: list[tuple[str, Literal["light", "dark"], list[str]]] = [
    ("trace-page", "light", ["Enter", *["ArrowDown"] * 9, "Escape"]),
    ("trace-page-graph", "dark", ["Enter", *["ArrowDown"] * 7, "g"]),
    ("trace-page-compare", "light", ["c"]),
]

Line = Callable[[str, str, int | None], str]
"""What a model says, by its name, all that it is sent, and the seed of the call."""


def answer(model: str, prompt: str, seed: int | None = None) -> str:
    """The line that is due: how far they are stands in what the model is sent."""
    del seed
    kind = "asking" if ASKING[0][1] in prompt or model == "asking" else "listening"
    lines = ASKING if kind == "asking" else LISTENING
    spoken = sum(line in prompt for _, line in lines)
    if model == kind:
        strategy, line = lines[min(spoken, len(lines) - 1)]
        thought = THOUGHTS[kind][min(spoken, len(lines) - 1)]
        return f"<analysis>{thought}</analysis><strategy>{strategy}</strategy>{line}"
    if model == "user":
        return REPLIES[kind][min(spoken, len(REPLIES[kind]) - 1)]
    if model == "appraiser":
        accuracy, pressure, touched = APPRAISALS[kind][min(spoken, len(APPRAISALS[kind]) - 1)]
        asked = "?" in lines[max(spoken - 1, 0)][1] and spoken > 0
        return json.dumps({"accuracy": accuracy, "pressure": pressure, "touched": touched, "asked": asked})
    return json.dumps(judged(prompt, kind))


def judged(prompt: str, kind: str) -> dict[str, Any]:
    """A judge's answer to the prompt of a success mode or of a scale."""
    if '"named_by"' in prompt:
        return NAMED[kind]
    if '"reason"' in prompt:
        return {"reason": REASONS[kind], "named": kind == "listening"}
    high, low = SCORES[kind]
    items = re.findall(r'"(\d+)": <integer', prompt)
    return {
        "items": {
            item: None if item == UNTOLD and len(items) == 10 else high if int(item) < 6 else low for item in items
        }
    }


def make_run(out: Path, people: int = 1, line: Line = answer, options: Options = ()) -> None:
    """Two supporters and the same users, judged. `options` are further settings of `cocoon simulate`."""
    settings: dict[str, object] = {"profiles": "shipped:en", "limit": people, "rounds": 5, "form_pairs": 0}
    settings["rules"] = "naming"
    roles = {role: f"scripted:{role}" for role in ("user", "appraiser", "judge")}
    supporters = {name: f"scripted:{name}" for name in ("listening", "asking")}
    given = Given(SIMULATE, {**settings, **roles, "supporter": supporters}, options=options)
    simulation = prepare_simulation(out, given)
    for label in (*roles.values(), *supporters.values()):
        simulation.study.models.wrap(label, ScriptedChat(script=_script(label.removeprefix("scripted:"), line)))
    wait_for(start(simulation, progress=False))


def _script(model: str, line: Line) -> Script:
    return lambda messages, asked: line(model, "\n".join(str(each.content) for each in messages), asked.get("seed"))


async def photograph(page_folder: Path, out: Path) -> None:
    """The page at a turn, the graph on dark ground, two dialogues compared; keys alone are pressed."""
    async with chromium() as browser:
        for name, theme, keys in SHOTS:
            size: ViewportSize = {"width": WIDE, "height": HIGH}
            context = await browser.new_context(viewport=size, device_scale_factor=SHRUNK, color_scheme=theme)
            page = await context.new_page()
            await page.goto((page_folder / "view.html").as_uri())
            await page.wait_for_selector(".turn")
            for key in keys:
                await page.keyboard.press(key)
                await page.wait_for_timeout(150)
            await page.screenshot(path=out / f"{name}.png")
            await context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent.parent.parent / "docs" / "images")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        make_run(Path(place) / "thesis")
        export_page(RunPage(RunReader(Path(place) / "thesis")), Path(place) / "page")
        asyncio.run(photograph(Path(place) / "page", out))
    for name, *_ in SHOTS:
        print(f"{out / name}.png: {(out / f'{name}.png').stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
