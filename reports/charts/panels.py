"""Lines with bands, and points with intervals over a measured x, as parts of an SVG drawing."""

import math
from collections.abc import Iterable

from cocoon.reports.charts.bars import MISSING, Drawing, legend
from cocoon.reports.charts.records import Mark, Panel, PanelChart, Range, Series
from cocoon.reports.charts.svg import COLOURS, NARROW, WIDTH, Axis, element, labels, line, number, shape, text

_HEIGHT = 230.0
_PANEL = _HEIGHT + 88
_GAP = 34.0
_LEFT = 50.0
_DASHES = ("", "7 4", "2 4", "9 3 2 3")
_MOST_CLOUD = 600


def panel_parts(chart: PanelChart, width: float = WIDTH) -> Drawing:
    """Return panels under one legend, side by side or, where there is little width, below each other.

    The drawing is empty where no mark has a value.
    """
    if not any(_known(series.marks) for panel in chart.panels for series in panel.series):
        return [], 0
    names = list(dict.fromkeys(series.name for panel in chart.panels for series in panel.series))
    keys, top = legend(names, width=width)
    columns = 1 if width <= NARROW else len(chart.panels)
    room = (width - _GAP * (columns - 1)) / columns
    parts = list(keys)
    for index, panel in enumerate(chart.panels):
        row, column = divmod(index, columns)
        parts += _panel(chart, panel, names, column * (room + _GAP), top + row * _PANEL, room)
    return parts, top + _PANEL * math.ceil(len(chart.panels) / columns)


def _panel(chart: PanelChart, panel: Panel, names: list[str], left: float, top: float, width: float) -> list[str]:
    y0, y1 = top + 46, top + 46 + _HEIGHT
    across = Axis(*_range_x(panel), left + _LEFT, left + width - 12)
    up = Axis(*_range_y(panel), y1, y0)
    parts = [text(left, top + 14, panel.title, "c-panel", room=width), *_grid(panel, across, up, chart.lines)]
    if not any(_known(series.marks) for series in panel.series):
        return [
            *parts,
            text((across.start + across.end) / 2, (y0 + y1) / 2, MISSING[chart.language], "c-none", "middle"),
        ]
    for series in panel.series:
        kind = names.index(series.name)
        parts += _cloud(series, kind, across, up)
    for series in panel.series:
        kind = names.index(series.name)
        parts += _line(series, kind, across, up) if chart.lines else _points(series, kind, across, up)
    return parts


def _grid(panel: Panel, across: Axis, up: Axis, whole_ticks: bool) -> list[str]:
    rows, columns = up.ticks(7), across.ticks(13 if whole_ticks else 6, whole_ticks)
    parts = [line(across.start, up.at(tick), across.end, up.at(tick), "c-grid") for tick in rows]
    parts += [
        text(across.start - 7, up.at(tick) + 4, label, "c-tick", "end")
        for tick, label in zip(rows, labels(rows), strict=True)
    ]
    parts += [
        text(across.at(tick), up.start + 16, label, "c-tick", "middle")
        for tick, label in zip(columns, labels(columns), strict=True)
    ]
    parts += [line(across.at(tick), up.start, across.at(tick), up.start + 4, "c-axis") for tick in columns]
    return [
        *parts,
        line(across.start, up.start, across.end, up.start, "c-axis"),
        text((across.start + across.end) / 2, up.start + 35, panel.x_axis, "c-soft", "middle"),
        text(across.start - _LEFT, up.end - 14, panel.y_axis, "c-tick", room=across.end - across.start),
    ]


def _known(marks: Iterable[Mark]) -> list[Mark]:
    return [mark for mark in marks if mark.x is not None and mark.y is not None]


def _range_x(panel: Panel) -> Range:
    if panel.x_range:
        return panel.x_range
    marks = [mark for series in panel.series for mark in _known(series.marks)]
    return _padded([value for mark in marks for value in (mark.x, mark.x_low, mark.x_high) if value is not None])


def _range_y(panel: Panel) -> Range:
    if panel.y_range:
        return panel.y_range
    marks = [mark for series in panel.series for mark in _known(series.marks)]
    return _padded([value for mark in marks for value in (mark.y, mark.low, mark.high) if value is not None])


def _padded(values: list[float]) -> Range:
    if not values:
        return 0, 1
    low, high = min(values), max(values)
    pad = 0.06 * (high - low) or 0.5
    return low - pad, high + pad


def _cloud(series: Series, kind: int, across: Axis, up: Axis) -> list[str]:
    """Return single observations. Where there are very many, only every k-th is drawn."""
    step = max(1, math.ceil(len(series.cloud) / _MOST_CLOUD))
    return [
        element("circle", cx=across.at(x), cy=up.at(y), r=2.6, class_=f"p{kind % COLOURS} c-cloud")
        for x, y in series.cloud[::step]
        if math.isfinite(x) and math.isfinite(y)
    ]


def _line(series: Series, kind: int, across: Axis, up: Axis) -> list[str]:
    """Return a line that breaks where a value is missing, its band, and a mark at every value."""
    parts = list[str]()
    for piece in _pieces(series.marks):
        parts += _band(piece, kind, across, up)
        path = " ".join(f"{number(across.at(mark.x or 0))},{number(up.at(mark.y or 0))}" for mark in piece)
        dash = {"stroke_dasharray": _DASHES[kind % len(_DASHES)]} if kind % len(_DASHES) else {}
        parts.append(element("polyline", points=path, class_=f"s{kind % COLOURS} c-line", **dash))
    for mark in _known(series.marks):
        hint = f"{series.name}, {told_mark(mark)}"
        parts.append(shape(across.at(mark.x or 0), up.at(mark.y or 0), kind, 3.5, hint))
    return parts


def _pieces(marks: list[Mark]) -> list[list[Mark]]:
    """Return runs of marks that have a value, so that no line crosses a missing value."""
    pieces: list[list[Mark]] = [[]]
    for mark in marks:
        if mark.x is None or mark.y is None:
            pieces.append([])
        else:
            pieces[-1].append(mark)
    return [piece for piece in pieces if piece]


def _band(piece: list[Mark], kind: int, across: Axis, up: Axis) -> list[str]:
    bounds = [(mark.x, mark.low, mark.high) for mark in piece]
    known = [(x, low, high) for x, low, high in bounds if x is not None and low is not None and high is not None]
    if len(known) < 2:
        return []
    upper = [f"{number(across.at(x))},{number(up.at(high))}" for x, _, high in known]
    lower = [f"{number(across.at(x))},{number(up.at(low))}" for x, low, _ in reversed(known)]
    return [element("polygon", points=" ".join([*upper, *lower]), class_=f"p{kind % COLOURS} c-band")]


def _points(series: Series, kind: int, across: Axis, up: Axis) -> list[str]:
    parts = list[str]()
    for mark in _known(series.marks):
        x, y = across.at(mark.x or 0), up.at(mark.y or 0)
        look = f"s{kind % COLOURS} c-error"
        if mark.low is not None and mark.high is not None:
            parts.append(line(x, up.at(mark.low), x, up.at(mark.high), look))
        if mark.x_low is not None and mark.x_high is not None:
            parts.append(line(across.at(mark.x_low), y, across.at(mark.x_high), y, look))
        parts.append(shape(x, y, kind, 5, f"{series.name}, {told_mark(mark)}"))
    return parts


def told_mark(mark: Mark) -> str:
    """Return a mark in words: x, y, interval, n."""
    between = "" if mark.low is None or mark.high is None else f" [{mark.low:z.2f}, {mark.high:z.2f}]"
    behind = "" if mark.n is None else f", n {mark.n}"
    y_text = "–" if mark.y is None else f"{mark.y:z.2f}"
    return f"{'–' if mark.x is None else f'{mark.x:.3g}'}: {y_text}{between}{behind}"


def told_panels(chart: PanelChart) -> str:
    """Return the chart in words."""
    descriptions = []
    for panel in chart.panels:
        for series in panel.series:
            marks = "; ".join(told_mark(mark) for mark in series.marks)
            descriptions.append(f"{panel.title}, {series.name}: {marks or MISSING[chart.language]}")
    return ". ".join(descriptions)
