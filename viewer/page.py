"""The trace page of a run as files, for a folder that opens from disk or for a server that answers file by file.

A file of data is a classic script that calls `cocoonData(name, value)`. docs/decisions/trace-page.md says why, and what
is packed in which way.
"""

import base64
import json
import re
import secrets
import zlib
from collections.abc import Iterable
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import orjson

from cocoon.core.errors import CocoonError, NotSavedError
from cocoon.core.jsonl import parse_record
from cocoon.core.progress import with_progress
from cocoon.core.records import Failure, Language, Rating
from cocoon.evaluation.groups import group_ratings
from cocoon.reports.charts.draw import draw_chart
from cocoon.reports.charts.runs import run_figures
from cocoon.reports.charts.svg import NARROW, STYLE, WIDTH
from cocoon.reports.narrative.translation import translations
from cocoon.running.reading.reader import RunReader
from cocoon.running.reading.summary import file_of

PAGES = (
    "view.html",
    "view.css",
    "view.js",
    "view_words.js",
    "view_parts.js",
    "view_list.js",
    "view_strip.js",
    "view_lanes.js",
    "view_tree.js",
    "view_side.js",
    "view_graph.js",
)
FIRST, SLICE = 0.05, 0.3
"""Seconds for which a live page reads dialogues before it answers: for the first answer, and for later ones."""
Since = tuple[int, int]
_STYLE_ELEMENT = re.compile(r"<style>.*?</style>", re.DOTALL)
_PACKING = 6


class RunPage:
    """A run, and possibly another one to compare it with, as the files of the page.

    A `live` page asks again while the run continues.
    """

    def __init__(
        self, run: RunReader, other: RunReader | None = None, language: Language = "en", *, live: bool = False
    ) -> None:
        self.run = run
        self.other = other
        self.language: Language = language
        self.live = live
        self._source = secrets.token_hex(4)

    def index(self) -> str:
        """Return what the page needs at once: the list of dialogues that have been read, and facts about the run."""
        facts = page_facts(self.run, self.language) | {
            "live": self.live,
            "other": self.other.name if self.other else None,
        }
        return data_script("index", facts | self._news((0, 0)))

    def _news(self, since: Since) -> dict[str, Any]:
        unread = 0
        for reader in filter(None, (self.run, self.other)):
            reader.refresh(trace=False)
            unread += reader.advance((SLICE if any(since) else FIRST) if self.live else None)
        return {
            "source": self._source,
            "serials": [self.run.serial, self.other.serial if self.other else 0],
            "state": self.run.state(),
            "left": unread,
            "count": len(self.run.listed()),
            "dialogues": self.run.summaries(since[0]),
            "others": [_brief(summary) for summary in self.other.summaries(since[1])] if self.other else [],
        }

    def charts(self) -> str:
        """Return the figures of the report, in both languages."""
        self.run.refresh()
        facts = [self.run.facts(name) for name in self.run.names()]
        ratings = [parse_record(line, Rating, "ratings.jsonl") for line in _lines(self.run.ratings)]
        failures = [parse_record(line, Failure, "failures.jsonl") for line in _lines(self.run.failures)]
        groups = group_ratings(ratings, {dialogue.id: dialogue for dialogue in facts}, failures)
        figures = {
            language: [
                {
                    "title": figure.chart.title,
                    "note": figure.chart.note,
                    "drawings": [
                        draw_chart(figure.chart, f"{figure.id}-{language}-{width:.0f}", width=width)
                        for width in (WIDTH, NARROW)
                    ],
                }
                for figure in run_figures(groups, facts, language, self.run.scales)
            ]
            + credit_curves(self.run.path)
            for language in ("en", "zh")
        }
        return data_script("charts", figures)

    def words(self, since: int = 0) -> str:
        """Return what was said in the dialogues that came after a serial number, by file, for the search."""
        said = {summary["file"]: self.run.words(summary["id"]) for summary in self.run.summaries(since)}
        return data_script("words", {"serial": self.run.serial, "said": packed(said)})

    def data(self, name: str, since: Since = (0, 0)) -> str | None:
        """Return a data file by its name, or None.

        Names are `index`, `news`, `words`, `charts`, `graphs`, `data/FILE` and `other/FILE`.

        `news` and `words` have what came after these serial numbers of the run and of the other run. The `source` of
        `news` changes when another server answers than before.
        """
        if name == "news":
            return data_script(name, self._news(since))
        if name == "words":
            return self.words(since[0])
        if name in ("index", "charts", "graphs"):
            return {"index": self.index, "charts": self.charts, "graphs": graphs}[name]()
        folder, _, file = name.partition("/")
        reader = {"data": self.run, "other": self.other}.get(folder)
        if reader is None:
            return None
        reader.refresh()
        dialogue = next((listed for listed in reader.listed() if file_of(listed) == file), None)
        return None if dialogue is None else dialogue_file(name, reader, dialogue)

    def files(self) -> Iterable[tuple[str, str]]:
        """Yield every file of a page that opens from disk, as (name, text).

        Dialogues come first, so that each of them is read once.
        """
        for name in PAGES:
            yield f"{name}", page_file(name)
        for folder, reader in (("data", self.run), ("other", self.other)):
            if reader is not None:
                reader.refresh()
                for name in with_progress(reader.listed(), "writing the page of every dialogue"):
                    reader.summary(name)
                    file = f"{folder}/{file_of(name)}"
                    yield f"{file}.js", dialogue_file(file, reader, name)
        yield "words.js", self.words()
        yield "graphs.js", graphs()
        yield "charts.js", self.charts()
        yield "index.js", self.index()


def credit_curves(run: Path) -> list[dict[str, Any]]:
    """Return the curves that the report of branches has drawn, none for another run."""
    files = sorted((run / "figures").glob("credit_*.svg")) if run.is_dir() else []
    return [{"title": file.stem.replace("_", " "), "note": "", "drawings": [file.read_text("utf-8")]} for file in files]


def page_facts(run: RunReader, language: Language) -> dict[str, Any]:
    """Return what every page says about its run."""
    manifest = run.manifest()
    return {
        "name": run.name,
        "language": language,
        "roles": manifest.roles if manifest else {},
        "hosts": manifest.hosts if manifest else [],
        "recorded": manifest is not None and manifest.recorded is not None,
        "reasons": translations(),
    }


def _brief(summary: dict[str, Any]) -> dict[str, Any]:
    return {key: summary[key] for key in ("id", "file", "profile", "supporter", "sample", "success", "aff")}


def _lines(index: Any) -> Iterable[Any]:
    return (line for name in index.places for line in index.of(name))


def dialogue_file(file: str, reader: RunReader, name: str) -> str:
    """Return a dialogue and its calls, each packed, so that the messages are unpacked only when they are needed."""
    calls = reader.calls(name)
    return data_script(file, {"dialogue": packed(reader.whole(name, calls)), "calls": packed(calls)})


def packed(value: Any) -> str:
    """Return a value as JSON, deflated, in base64.

    Text that repeats in the prompts of a dialogue is stored about once.
    """
    try:
        data = orjson.dumps(value)
    except TypeError:
        # The value has lone surrogates, which JSON can express and UTF-8 cannot.
        data = json.dumps(value).encode()
    return base64.b64encode(zlib.compress(data, _PACKING)).decode()


def data_script(name: str, value: Any) -> str:
    """Return a file of data: a call with JSON, which is valid JavaScript. `<` is escaped for safety."""
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return f"cocoonData({json.dumps(name)},{data});\n"


def refusal(name: str, message: str) -> str:
    """Return the file that replaces a file of data and says why there is none."""
    return f"cocoonRefused({json.dumps(name)},{json.dumps(message)});\n".replace("<", "\\u003c")


def page_file(name: str) -> str:
    """Return one of PAGES. The style of charts is a part of the page's style."""
    text = resources.files("cocoon.viewer").joinpath("pages", name).read_text("utf-8")
    return f"{text}{STYLE}{_chosen_themes()}" if name == "view.css" else text


def _chosen_themes() -> str:
    """Return the charts' colours again, for the theme that the reader chose, whatever the system prefers."""
    light, dark = re.findall(r"\.chart \{((?: *--[^;]+;\s*)+)", STYLE)
    theme_rule = ':root[data-theme="{}"] .chart {{{}}}\n'.format
    return f"{theme_rule('light', light)}@media screen {{ {theme_rule('dark', dark)} }}\n"


@cache
def graphs() -> str:
    """Return the drawings of all graphs that the page may meet, by the name that stands in the trace."""
    return data_script("graphs", drawings())


def drawings() -> dict[str, str]:
    """Return the SVG of each graph, without a style of its own."""
    # LangGraph takes a second to load, and a live page should show its list before that.
    from cocoon.graphs.drawing.draw import GRAPHS, draw_graph, open_graph
    from cocoon.graphs.drawing.svg import to_svg

    opened_graphs = map(open_graph, GRAPHS)
    return {graph.name: _STYLE_ELEMENT.sub("", to_svg(draw_graph(graph))) for graph in opened_graphs}


def export_page(page: RunPage, folder: Path) -> int:
    """Write a page to a folder and return its size in bytes.

    Raises CocoonError for a folder that has other files.
    """
    if folder.is_file() or (folder.exists() and any(folder.iterdir()) and not (folder / "view.html").exists()):
        raise CocoonError(f"{folder} has other files; give an empty or a new folder")
    size = 0
    try:
        for sub in ("data", "other"):
            (folder / sub).mkdir(parents=True, exist_ok=True)
            for old in (folder / sub).glob("*.js"):
                old.unlink()
        for name, text in page.files():
            body = text.encode("utf-8", "surrogatepass")
            (folder / name).write_bytes(body)
            size += len(body)
    except OSError as error:
        raise NotSavedError.at(folder, error) from None
    return size
