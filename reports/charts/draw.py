"""Charts as SVG text, without a drawing library. The reasons are in docs/decisions/charts.md.

Use `draw(chart, name)` for a page that has `chart_svg.STYLE`, and `draw(chart, name, standalone=True)` or `draw_sheet`
for a separate file. A chart without data shows its `empty` text.
"""

from collections.abc import Sequence

from cocoon.reports.charts.bars import bar_parts, histogram_parts, stack_parts, told_bars, told_histogram, told_stack
from cocoon.reports.charts.panels import panel_parts, told_panels
from cocoon.reports.charts.records import AnyChart, BarChart, HistogramChart, StackChart
from cocoon.reports.charts.svg import NARROW, WIDTH, document, element, text, wrap

_TITLE = 38.0
_NOTE_LINE = 15.0
_EMPTY = 40.0
_PAD = 18.0
_GAP = 26.0

Drawn = tuple[list[str], float, str]
"""Parts, their height, and a description in words."""


def draw_chart(chart: AnyChart, name: str, standalone: bool = False, width: float = WIDTH) -> str:
    """Return the chart as one SVG element. `name` begins the ids in it, so that a page may have several charts.

    With `standalone` its title and note are in the drawing, which then has its own background, size and style.
    """
    if standalone:
        return draw_sheet([chart], name, chart.title)
    parts, height, description = _draw_or_empty(chart, width)
    return document(name, height, chart.title, description, parts, standalone=False, width=width)


def draw_both(chart: AnyChart, name: str) -> str:
    """Return the chart twice, for a page and for a phone. The style of the page shows one of them."""
    return draw_chart(chart, name) + draw_chart(chart, f"{name}-narrow", width=NARROW)


def draw_sheet(charts: Sequence[AnyChart], name: str, title: str) -> str:
    """Return several charts below each other in one standalone drawing, each with its title and note."""
    parts, heights, descriptions = list[str](), _PAD, list[str]()
    for chart in charts:
        block, height, words = _block(chart)
        parts.append(element("g", *block, transform=f"translate({_PAD:g} {heights:g})"))
        heights += height + _GAP
        descriptions.append(f"{chart.title}: {words}")
    return document(name, heights - _GAP + _PAD, title, " ".join(descriptions), parts, standalone=True, margin=_PAD)


def _block(chart: AnyChart) -> Drawn:
    """Return a chart with its title above and its note below."""
    parts, height, description = _draw_or_empty(chart, WIDTH)
    notes = wrap(chart.note, WIDTH)
    foot = [
        text(0, _TITLE + height + 14 + _NOTE_LINE * index, note_line, "c-note") for index, note_line in enumerate(notes)
    ]
    head = text(0, 16, chart.title, "c-title", room=WIDTH * 0.8)
    body = element("g", *parts, transform=f"translate(0 {_TITLE:g})")
    return [head, body, *foot], _TITLE + height + _NOTE_LINE * len(notes) + (4 if notes else 0), description


def _draw_or_empty(chart: AnyChart, width: float) -> Drawn:
    parts, height, description = _draw_by_kind(chart, width)
    if parts:
        return parts, height, description
    return [text(0, 20, chart.empty, "c-none", room=width)], _EMPTY, chart.empty


def _draw_by_kind(chart: AnyChart, width: float) -> Drawn:
    if isinstance(chart, BarChart):
        return *bar_parts(chart, width), told_bars(chart)
    if isinstance(chart, StackChart):
        return *stack_parts(chart, width), told_stack(chart)
    if isinstance(chart, HistogramChart):
        return *histogram_parts(chart, width), told_histogram(chart)
    return *panel_parts(chart, width), told_panels(chart)
