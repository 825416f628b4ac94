"""Charts as SVG text, without a drawing library; why: docs/decisions/charts.md.

`draw(chart, name)` for a page that holds `chart_svg.STYLE`; `draw(chart, name, standalone=True)` and `draw_sheet` for a
file of its own. A chart without data shows its `empty` text.
"""

from collections.abc import Sequence

from cocoon.evaluation.chart_bars import bar_parts, histogram_parts, stack_parts, told_bars, told_histogram, told_stack
from cocoon.evaluation.chart_panels import panel_parts, told_panels
from cocoon.evaluation.chart_records import AnyChart, BarChart, HistogramChart, StackChart
from cocoon.evaluation.chart_svg import WIDTH, document, element, text, wrap

_TITLE = 38.0
_NOTE_LINE = 15.0
_EMPTY = 40.0
_PAD = 18.0
_GAP = 26.0

Drawn = tuple[list[str], float, str]
"""Parts, their height, and what they say in words."""


def draw(chart: AnyChart, name: str, standalone: bool = False) -> str:
    """The chart as one SVG element. `name` begins the ids in it, so that several may stand on one page.

    With `standalone` its title and note stand in the drawing, which then has a ground, size and style of its own.
    """
    if standalone:
        return draw_sheet([chart], name, chart.title)
    parts, height, told = _drawn(chart)
    return document(name, height, chart.title, told, parts, standalone=False)


def draw_sheet(charts: Sequence[AnyChart], name: str, title: str) -> str:
    """Several charts below each other in one drawing of its own, each with its title and note."""
    parts, heights, told = list[str](), _PAD, list[str]()
    for chart in charts:
        block, height, words = _block(chart)
        parts.append(element("g", *block, transform=f"translate({_PAD:g} {heights:g})"))
        heights += height + _GAP
        told.append(f"{chart.title}: {words}")
    return document(name, heights - _GAP + _PAD, title, " ".join(told), parts, standalone=True, margin=_PAD)


def _block(chart: AnyChart) -> Drawn:
    """A chart with its title above and its note below."""
    parts, height, told = _drawn(chart)
    notes = wrap(chart.note, WIDTH)
    foot = [text(0, _TITLE + height + 14 + _NOTE_LINE * place, one, "c-note") for place, one in enumerate(notes)]
    head = text(0, 16, chart.title, "c-title", room=WIDTH * 0.8)
    body = element("g", *parts, transform=f"translate(0 {_TITLE:g})")
    return [head, body, *foot], _TITLE + height + _NOTE_LINE * len(notes) + (4 if notes else 0), told


def _drawn(chart: AnyChart) -> Drawn:
    parts, height, told = _shown(chart)
    return (parts, height, told) if parts else ([text(0, 20, chart.empty, "c-none")], _EMPTY, chart.empty)


def _shown(chart: AnyChart) -> Drawn:
    if isinstance(chart, BarChart):
        return *bar_parts(chart), told_bars(chart)
    if isinstance(chart, StackChart):
        return *stack_parts(chart), told_stack(chart)
    if isinstance(chart, HistogramChart):
        return *histogram_parts(chart), told_histogram(chart)
    return *panel_parts(chart), told_panels(chart)
