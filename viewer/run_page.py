"""The trace page of a run: its files, written to a folder that opens from disk, or given one by one to a server."""

import json
import re
import zlib
from collections.abc import Callable, Iterable
from importlib import resources
from pathlib import Path
from typing import Any

from cocoon.core.errors import CocoonError, NotSavedError
from cocoon.core.jsonl import parse_record
from cocoon.core.records import Failure, Language, Rating
from cocoon.evaluation.chart_svg import STYLE
from cocoon.evaluation.charts import draw
from cocoon.evaluation.groups import group_ratings
from cocoon.evaluation.report_figures import run_figures
from cocoon.graphs.drawing import GRAPHS, open_graph
from cocoon.graphs.drawing import draw as draw_graph
from cocoon.graphs.drawing_svg import to_svg
from cocoon.viewer.run_reader import RunReader, file_of

PAGES = (
    "view.html",
    "view.css",
    "view.js",
    "view_words.js",
    "view_parts.js",
    "view_lanes.js",
    "view_side.js",
    "view_graph.js",
)
_STYLE_ELEMENT = re.compile(r"<style>.*?</style>", re.DOTALL)


class RunPage:
    """A run, and another one to compare it with, as the page's files; `live` pages ask again while the run goes on."""

    def __init__(
        self, run: RunReader, other: RunReader | None = None, language: Language = "en", *, live: bool = False
    ) -> None:
        self.run = run
        self.other = other
        self.language: Language = language
        self.live = live

    def index(self) -> str:
        """What the page needs at once: the list of dialogues and the graphs."""
        self.run.refresh()
        dialogues = list(self.run.summaries())
        told: dict[str, Any] = {
            "name": self.run.name,
            "language": self.language,
            "live": self.live,
            "finished": self.run.finished(),
            "roles": self.run.roles(),
            "graphs": graphs_of(self.run),
            "dialogues": dialogues,
            "other": None,
        }
        if self.other is not None:
            self.other.refresh()
            told["other"] = {"name": self.other.name, "dialogues": list(self.other.summaries())}
        told["mark"] = zlib.crc32(json.dumps(dialogues, sort_keys=True).encode())
        return script("index", told)

    def charts(self) -> str:
        """The figures of the report, in both languages."""
        self.run.refresh()
        facts = [self.run.facts(name) for name in self.run.names()]
        ratings = [
            parse_record(line, Rating, str(self.run.ratings.path))
            for name in self.run.ratings.places
            for line in self.run.ratings.of(name)
        ]
        failures = [
            parse_record(line, Failure, str(self.run.failures.path))
            for name in self.run.failures.places
            for line in self.run.failures.of(name)
        ]
        groups = group_ratings(ratings, {one.id: one for one in facts}, failures)
        told = {
            language: [
                {"title": one.chart.title, "note": one.chart.note, "svg": draw(one.chart, f"{one.id}-{language}")}
                for one in run_figures(groups, facts, language)
            ]
            for language in ("en", "zh")
        }
        return script("charts", told)

    def data(self, name: str) -> str | None:
        """A data file by its name (`index`, `charts`, `data/FILE`, `data/FILE.calls`, `other/FILE`), or none."""
        whole: dict[str, Callable[[], str]] = {"index": self.index, "charts": self.charts}
        if name in whole:
            return whole[name]()
        folder, _, file = name.partition("/")
        reader = {"data": self.run, "other": self.other}.get(folder)
        if reader is None:
            return None
        reader.refresh()
        wanted = file.removesuffix(".calls")
        found = next((one for one in reader.names() if file_of(one) == wanted), None)
        if found is None:
            return None
        return script(name, reader.calls(found) if file.endswith(".calls") else reader.whole(found))

    def files(self) -> Iterable[tuple[str, str]]:
        """Every file of a page that opens from disk, as (name, text)."""
        for name in PAGES:
            yield name, page_file(name)
        yield "index.js", self.index()
        yield "charts.js", self.charts()
        for folder, reader in (("data", self.run), ("other", self.other)):
            for name in reader.names() if reader else []:
                assert reader is not None
                file = f"{folder}/{file_of(name)}"
                yield f"{file}.js", script(file, reader.whole(name))
                if folder == "data":
                    yield f"{file}.calls.js", script(f"{file}.calls", reader.calls(name))


def script(name: str, value: Any) -> str:
    """A file of data: a call with JSON, which is JavaScript as it stands; `<` is escaped for good measure."""
    told = json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return f"cocoonData({json.dumps(name)},{told});\n"


def page_file(name: str) -> str:
    """One of PAGES; the style of charts is a part of the page's."""
    text = resources.files("cocoon.viewer").joinpath("pages", name).read_text("utf-8")
    return f"{text}{STYLE}" if name == "view.css" else text


def graphs_of(run: RunReader) -> dict[str, str]:
    """The drawings of all graphs that the page may meet, by the name that stands in the trace."""
    del run
    found: dict[str, str] = {}
    for name in GRAPHS:
        made = open_graph(name)
        found[made.name] = _STYLE_ELEMENT.sub("", to_svg(draw_graph(made)))
    return found


def export_page(page: RunPage, folder: Path) -> int:
    """Write a page to a folder; gives its size in bytes. Raises CocoonError for a folder that holds something else."""
    if folder.exists() and any(folder.iterdir()) and not (folder / "view.html").exists():
        raise CocoonError(f"{folder} holds other files; give an empty or a new folder")
    written = 0
    try:
        for sub in ("data", "other"):
            (folder / sub).mkdir(parents=True, exist_ok=True)
        for name, text in page.files():
            body = text.encode("utf-8", "surrogatepass")
            (folder / name).write_bytes(body)
            written += len(body)
    except OSError as error:
        raise NotSavedError(f"{folder}: cannot be written ({error.strerror}); make room and try again") from None
    return written
