"""The trace page of a run: its files, written to a folder that opens from disk, or given one by one to a server.

A file of data is a classic script that calls `cocoonData(name, value)`; why, and what is packed how:
docs/decisions/trace-page.md.
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
from cocoon.core.records import Failure, Language, Rating
from cocoon.evaluation.chart_svg import STYLE
from cocoon.evaluation.charts import draw
from cocoon.evaluation.groups import group_ratings
from cocoon.evaluation.report_figures import run_figures
from cocoon.viewer.run_reader import RunReader
from cocoon.viewer.run_summary import file_of

PAGES = (
    "view.html",
    "view.css",
    "view.js",
    "view_words.js",
    "view_parts.js",
    "view_list.js",
    "view_strip.js",
    "view_lanes.js",
    "view_side.js",
    "view_graph.js",
)
FIRST, SLICE = 0.05, 0.3
"""Seconds for which a live page reads dialogues before it answers with what it has: at first, and then."""
Since = tuple[int, int]
_STYLE_ELEMENT = re.compile(r"<style>.*?</style>", re.DOTALL)
_PACKING = 6


class RunPage:
    """A run, and another one to compare it with, as the page's files; `live` pages ask again while the run goes on."""

    def __init__(
        self, run: RunReader, other: RunReader | None = None, language: Language = "en", *, live: bool = False
    ) -> None:
        self.run = run
        self.other = other
        self.language: Language = language
        self.live = live
        self._source = secrets.token_hex(4)

    def index(self) -> str:
        """What the page needs at once: the list of dialogues, as far as it was read, and what the run is."""
        manifest = self.run.manifest()
        told = {
            "name": self.run.name,
            "language": self.language,
            "live": self.live,
            "roles": manifest.roles if manifest else {},
            "hosts": manifest.hosts if manifest else [],
            "other": self.other.name if self.other else None,
        }
        return script("index", told | self._news((0, 0)))

    def _news(self, since: Since) -> dict[str, Any]:
        left = 0
        for reader in filter(None, (self.run, self.other)):
            reader.refresh(trace=False)
            left += reader.advance((SLICE if any(since) else FIRST) if self.live else None)
        return {
            "source": self._source,
            "serials": [self.run.serial, self.other.serial if self.other else 0],
            "state": self.run.state(),
            "left": left,
            "count": len(self.run.listed()),
            "dialogues": self.run.summaries(since[0]),
            "others": [_brief(one) for one in self.other.summaries(since[1])] if self.other else [],
        }

    def charts(self) -> str:
        """The figures of the report, in both languages."""
        self.run.refresh()
        facts = [self.run.facts(name) for name in self.run.names()]
        ratings = [parse_record(line, Rating, "ratings.jsonl") for line in _lines(self.run.ratings)]
        failures = [parse_record(line, Failure, "failures.jsonl") for line in _lines(self.run.failures)]
        groups = group_ratings(ratings, {one.id: one for one in facts}, failures)
        told = {
            language: [
                {"title": one.chart.title, "note": one.chart.note, "svg": draw(one.chart, f"{one.id}-{language}")}
                for one in run_figures(groups, facts, language)
            ]
            for language in ("en", "zh")
        }
        return script("charts", told)

    def data(self, name: str, since: Since = (0, 0)) -> str | None:
        """A data file by its name (`index`, `news`, `charts`, `graphs`, `data/FILE`, `other/FILE`), or none.

        `news` is what came after these serial numbers of the run and the other one; its `source` changes when it
        comes from another server than before.
        """
        if name == "news":
            return script(name, self._news(since))
        if name in ("index", "charts", "graphs"):
            return {"index": self.index, "charts": self.charts, "graphs": graphs}[name]()
        folder, _, file = name.partition("/")
        reader = {"data": self.run, "other": self.other}.get(folder)
        if reader is None:
            return None
        reader.refresh()
        found = next((one for one in reader.listed() if file_of(one) == file), None)
        return None if found is None else dialogue_file(name, reader, found)

    def files(self) -> Iterable[tuple[str, str]]:
        """Every file of a page that opens from disk, as (name, text); dialogues first, for they are read once."""
        for name in PAGES:
            yield f"{name}", page_file(name)
        for folder, reader in (("data", self.run), ("other", self.other)):
            if reader is not None:
                reader.refresh()
                for name in reader.listed():
                    reader.summary(name)
                    file = f"{folder}/{file_of(name)}"
                    yield f"{file}.js", dialogue_file(file, reader, name)
        yield "graphs.js", graphs()
        yield "charts.js", self.charts()
        yield "index.js", self.index()


def _brief(summary: dict[str, Any]) -> dict[str, Any]:
    return {key: summary[key] for key in ("id", "file", "profile", "supporter", "sample", "success", "aff")}


def _lines(index: Any) -> Iterable[Any]:
    return (line for name in index.places for line in index.of(name))


def dialogue_file(file: str, reader: RunReader, name: str) -> str:
    """A dialogue and its calls, each packed, so that the list of messages is unpacked only when one is asked for."""
    calls = reader.calls(name)
    return script(file, {"dialogue": packed(reader.whole(name, calls)), "calls": packed(calls)})


def packed(value: Any) -> str:
    """A value as JSON, deflated, in base64: what repeats itself in the prompts of a dialogue is stored about once."""
    try:
        told = orjson.dumps(value)
    except TypeError:
        # Lone surrogates, which UTF-8 cannot hold and JSON can.
        told = json.dumps(value).encode()
    return base64.b64encode(zlib.compress(told, _PACKING)).decode()


def script(name: str, value: Any) -> str:
    """A file of data: a call with JSON, which is JavaScript as it stands; `<` is escaped for good measure."""
    told = json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return f"cocoonData({json.dumps(name)},{told});\n"


def refusal(name: str, message: str) -> str:
    """In the place of a file of data: why there is none."""
    return f"cocoonRefused({json.dumps(name)},{json.dumps(message)});\n".replace("<", "\\u003c")


def page_file(name: str) -> str:
    """One of PAGES; the style of charts is a part of the page's."""
    text = resources.files("cocoon.viewer").joinpath("pages", name).read_text("utf-8")
    return f"{text}{STYLE}{_chosen_themes()}" if name == "view.css" else text


def _chosen_themes() -> str:
    """The charts' colours once more, for the theme that the reader chose, whatever the system prefers."""
    light, dark = re.findall(r"\.chart \{((?: *--[^;]+;\s*)+)", STYLE)
    chosen = ':root[data-theme="{}"] .chart {{{}}}\n'.format
    return f"{chosen('light', light)}@media screen {{ {chosen('dark', dark)} }}\n"


@cache
def graphs() -> str:
    """The drawings of all graphs that the page may meet, by the name that stands in the trace."""
    return script("graphs", drawings())


def drawings() -> dict[str, str]:
    """SVG by graph, without a style of its own."""
    # LangGraph takes a second to load, and a live page shows its list before that.
    from cocoon.graphs.drawing import GRAPHS, open_graph
    from cocoon.graphs.drawing import draw as draw_graph
    from cocoon.graphs.drawing_svg import to_svg

    made = map(open_graph, GRAPHS)
    return {graph.name: _STYLE_ELEMENT.sub("", to_svg(draw_graph(graph))) for graph in made}


def export_page(page: RunPage, folder: Path) -> int:
    """Write a page to a folder; gives its size in bytes. Raises CocoonError for a folder that holds something else."""
    if folder.is_file() or (folder.exists() and any(folder.iterdir()) and not (folder / "view.html").exists()):
        raise CocoonError(f"{folder} holds other files; give an empty or a new folder")
    written = 0
    try:
        for sub in ("data", "other"):
            (folder / sub).mkdir(parents=True, exist_ok=True)
            for old in (folder / sub).glob("*.js"):
                old.unlink()
        for name, text in page.files():
            body = text.encode("utf-8", "surrogatepass")
            (folder / name).write_bytes(body)
            written += len(body)
    except OSError as error:
        raise NotSavedError(f"{folder}: cannot be written ({error.strerror}); make room and try again") from None
    return written
