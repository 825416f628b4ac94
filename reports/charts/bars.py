"""Bars with intervals, stacked bars and histograms as parts of an SVG drawing."""

import math
from dataclasses import dataclass

from cocoon.reports.charts.records import Bar, BarChart, HistogramChart, HistogramRow, StackChart, StackRow
from cocoon.reports.charts.svg import (
    COLOURS,
    NARROW,
    WIDTH,
    Axis,
    box,
    labels,
    line,
    shape,
    text,
    width_of,
)

Drawing = tuple[list[str], float]
"""Parts and the height that they take."""

_ROW, _TALL_ROW = 30.0, 46.0
_BAR = 16.0
_STRIP, _HEAD = 76.0, 22.0
_MOST_BINS = 40
_PALE = 3
"""So many shades of an ordered chart, from the palest, on which dark text reads better than light text."""

MISSING = {"en": "missing", "zh": "缺失"}
_BETWEEN = {"en": "interval", "zh": "区间"}


def _name_room(names: list[str]) -> float:
    return min(max(map(width_of, names), default=0) + 14, 270.0)


def _remark_room(remarks: list[str]) -> float:
    return min(max(map(width_of, remarks), default=0) + 20, 230.0)


@dataclass(frozen=True)
class _Rows:
    """Where the rows of a chart stand: `start` to `end` is for the bars, `height` for each row.

    Names stand at the left of a bar and remarks at its right, and both above it where there is little width.
    """

    width: float
    start: float
    end: float
    height: float
    above: bool

    def labelled(self, top: float, name: str, remark: str) -> tuple[list[str], float]:
        """Return the name and the remark of a row, and the middle of its bar."""
        if self.above:
            half = self.width / 2
            parts = [
                text(0, top + 12, name, room=half),
                text(self.width, top + 12, remark, "c-soft", "end", room=half - 6),
            ]
            return parts, top + 28
        middle = top + self.height / 2
        return [
            text(self.start - 12, middle + 4, name, "", "end", room=self.start - 12),
            text(self.width, middle + 4, remark, "c-soft", "end", room=self.width - self.end - 10),
        ], middle


def _rows(names: list[str], remarks: list[str], width: float) -> _Rows:
    if width <= NARROW:
        return _Rows(width, 10, width - 14, _TALL_ROW, above=True)
    return _Rows(width, _name_room(names), width - _remark_room(remarks), _ROW, above=False)


def _axis_title(axis: Axis, y: float, title: str, width: float) -> str:
    """Return the title in the middle of an axis, or of the chart where the axis is too short for it."""
    middle = (axis.start + axis.end) / 2
    fits = width_of(title) / 2 <= min(middle, width - middle)
    return text(middle if fits else width / 2, y, title, "c-soft", "middle", room=width)


def _axis_grid(
    axis: Axis, top: float, bottom: float, title: str, percent: bool, width: float, whole_ticks: bool = False
) -> list[str]:
    """Return the grid, the tick labels and the title of a horizontal axis at the bottom."""
    ticks = axis.ticks(whole=whole_ticks)
    grid = [line(axis.at(tick), top, axis.at(tick), bottom, "c-grid") for tick in ticks]
    tick_labels = labels(ticks, percent)
    marks = [
        text(axis.at(tick), bottom + 15, label, "c-tick", "middle")
        for tick, label in zip(ticks, tick_labels, strict=True)
    ]
    return [*grid, *marks, _axis_title(axis, bottom + 33, title, width)]


def bar_parts(chart: BarChart, width: float = WIDTH) -> Drawing:
    """Return bars from the low end of the range, each with its interval and remark.

    The drawing is empty where no bar has a value.
    """
    if all(bar.value is None for bar in chart.bars):
        return [], 0
    rows = _rows([bar.name for bar in chart.bars], [bar.remark for bar in chart.bars], width)
    axis = Axis(*chart.range, rows.start, rows.end)
    bottom = rows.height * len(chart.bars) + 4
    parts = _axis_grid(axis, 2, bottom, chart.axis, chart.percent, width)
    for index, bar in enumerate(chart.bars):
        labelled, middle = rows.labelled(rows.height * index + 4, bar.name, bar.remark)
        parts += [*labelled, *_bar(chart, bar, axis, middle)]
    return [*parts, line(axis.start, 2, axis.start, bottom, "c-axis")], bottom + 42


def _bar(chart: BarChart, bar: Bar, axis: Axis, middle: float) -> list[str]:
    if bar.value is None:
        return [text(axis.start + 8, middle + 4, MISSING[chart.language], "c-none")]
    end, hint = axis.at(bar.value), told_bar(chart, bar)
    if chart.counted:
        return [box(axis.start, middle - _BAR / 2, end - axis.start, _BAR, "p0", hint)]
    return [
        box(axis.start, middle - _BAR / 2, end - axis.start, _BAR, "p0 c-tint", hint),
        *_whisker(axis, bar, middle),
        shape(end, middle, 0, 5, hint),
    ]


def _whisker(axis: Axis, bar: Bar, middle: float) -> list[str]:
    if bar.low is None or bar.high is None:
        return []
    low, high = axis.at(bar.low), axis.at(bar.high)
    ends = [line(x, middle - 4, x, middle + 4, "c-whisker") for x in (low, high)]
    return [line(low, middle, high, middle, "c-whisker"), *ends]


def told_bar(chart: BarChart, bar: Bar) -> str:
    """Return a bar in words."""
    if bar.value is None:
        return f"{bar.name}: {MISSING[chart.language]} {bar.remark}".strip()
    between = ""
    if bar.low is not None and bar.high is not None:
        between = f", {_BETWEEN[chart.language]} {bar.low:z.{chart.digits}f} – {bar.high:z.{chart.digits}f}"
    return f"{bar.name}: {bar.value:z.{chart.digits}f}{between}{f'; {bar.remark}' if bar.remark else ''}"


def told_bars(chart: BarChart) -> str:
    """Return the chart in words."""
    return "; ".join(told_bar(chart, bar) for bar in chart.bars)


def stack_parts(chart: StackChart, width: float = WIDTH) -> Drawing:
    """Return parts end to end under a legend. A row without a value says so."""
    if all(value is None for row in chart.rows for value in row.values):
        return [], 0
    keys, top = legend(chart.parts, [_fill(chart, kind) for kind in range(len(chart.parts))], width)
    rows = _rows([row.name for row in chart.rows], [row.remark for row in chart.rows], width)
    widest = max((_total(row) for row in chart.rows), default=0)
    axis = Axis(0, 1 if chart.full else _head_room(widest), rows.start, rows.end)
    bottom = top + rows.height * len(chart.rows) + 4
    parts = [*keys, *_axis_grid(axis, top + 2, bottom, chart.axis, chart.percent, width, whole_ticks=not chart.percent)]
    for index, row in enumerate(chart.rows):
        labelled, middle = rows.labelled(top + rows.height * index + 4, row.name, row.remark)
        parts += [*labelled, *_stack(chart, row, axis, middle)]
    return [*parts, line(axis.start, top + 2, axis.start, bottom, "c-axis")], bottom + 42


def _total(row: StackRow) -> float:
    return math.fsum(value for value in row.values if value is not None)


def _head_room(widest: float) -> float:
    """Return an end of the axis a little beyond the longest bar."""
    return widest * 1.04 if widest > 0 else 1.0


def _stack(chart: StackChart, row: StackRow, axis: Axis, middle: float) -> list[str]:
    if all(value is None for value in row.values):
        return [text(axis.start + 8, middle + 4, MISSING[chart.language], "c-none")]
    parts = list[str]()
    if chart.ordered:
        parts.append(box(axis.start, middle - 9, axis.at(_total(row)) - axis.start, 18, "c-page"))
    reached = 0.0
    for kind, value in enumerate(row.values):
        if not value:
            continue
        start, end = axis.at(reached), axis.at(reached + value)
        reached += value
        amount = _amount(value, chart.percent)
        hint = f"{row.name}, {chart.parts[kind]}: {amount}"
        parts.append(box(start, middle - 9, end - start, 18, f"{_fill(chart, kind)} c-edge", hint))
        if end - start > width_of(amount, 11) + 8:
            look = "c-on" if kind == chart.quiet or (chart.ordered and kind < _PALE) else "c-in"
            parts.append(text((start + end) / 2, middle + 4, amount, look, "middle"))
    return parts


def _fill(chart: StackChart, kind: int) -> str:
    """Return the class of a part: pale, a shade, or its colour.

    A pale first part does not use up a colour of the others.
    """
    if kind == chart.quiet:
        return "c-quiet"
    if chart.ordered:
        return f"o{min(kind, 4)}"
    return f"p{(kind - (chart.quiet is not None and chart.quiet < kind)) % COLOURS}"


def _amount(value: float, percent: bool) -> str:
    if not percent:
        return f"{value:g}"
    return f"{100 * value:.0f}%" if value >= 0.1 else f"{100 * value:.1f}%"


def told_stack(chart: StackChart) -> str:
    """Return the chart in words."""
    return "; ".join(
        f"{row.name}: {_row_text(chart, row)}{f' ({row.remark})' if row.remark else ''}" for row in chart.rows
    )


def _row_text(chart: StackChart, row: StackRow) -> str:
    if all(value is None for value in row.values):
        return MISSING[chart.language]
    pairs = zip(chart.parts, row.values, strict=False)
    return ", ".join(f"{part} {_amount(value or 0, chart.percent)}" for part, value in pairs)


def legend(names: list[str], fills: list[str] | None = None, width: float = WIDTH) -> Drawing:
    """Return names behind their marks, as many in a line as fit, and nothing for one name.

    Marks are squares of `fills` where these are given.
    """
    if len(names) < 2:
        return [], 0
    parts, x, y = list[str](), 0.0, 14.0
    for kind, name in enumerate(names):
        room = min(width_of(name), 200.0)
        if x + room + 34 > width and x > 0:
            x, y = 0.0, y + 20
        mark = box(x, y - 9, 11, 11, fills[kind]) if fills else shape(x + 6, y - 4, kind, 5)
        parts += [mark, text(x + 17, y, name, room=room + 2)]
        x += room + 38
    return parts, y + 14


def histogram_parts(chart: HistogramChart, width: float = WIDTH) -> Drawing:
    """Return one strip per row: bars of equal width over a common axis.

    The highest bar of each row fills its strip.
    """
    rows = [row for row in chart.rows if row.counts]
    if not rows:
        return [], 0
    low = min(min(row.counts) for row in rows)
    high = max(max(row.counts) for row in rows)
    bin_width = _bin_width(high - low + 1)
    shares = [_bin_shares(row, low, bin_width) for row in rows]
    bins = (high - low) // bin_width + 1
    room = max(0, 8 - bins) / 2 * bin_width
    names = 0 if width <= NARROW else _name_room([row.name for row in rows])
    axis = Axis(low - bin_width / 2 - room, low + (bins - 0.5) * bin_width + room, names, width - 46)
    parts = list[str]()
    for index, (row, row_shares) in enumerate(zip(rows, shares, strict=True)):
        parts += _strip_label(row, names, _STRIP * (index + 1), axis)
        parts += _strip(row, row_shares, axis, _STRIP * (index + 1), low, bin_width)
    bottom = _STRIP * len(rows)
    ticks = [tick for tick in axis.ticks(10, whole=True) if low <= tick <= high] or [float(low)]
    parts += [text(axis.at(tick), bottom + 16, f"{tick:g}", "c-tick", "middle") for tick in ticks]
    parts.append(_axis_title(axis, bottom + 34, chart.axis, width))
    return parts, bottom + 42


def _bin_width(values: int) -> int:
    """Return 1, 2, 5, 10, ... so that there are at most 40 bins."""
    width = 1
    for step in (2, 5, 10, 20, 50, 100, 200, 500, 1_000, 10_000, 100_000):
        if values <= _MOST_BINS * width:
            break
        width = step
    return max(width, math.ceil(values / _MOST_BINS) if values > _MOST_BINS * width else width)


def _bin_shares(row: HistogramRow, low: int, width: int) -> dict[int, float]:
    """Return bin -> share of the row's observations."""
    total = sum(row.counts.values())
    shares: dict[int, float] = {}
    for value, count in row.counts.items():
        bin_index = (value - low) // width
        shares[bin_index] = shares.get(bin_index, 0) + count / total
    return shares


def _strip_label(row: HistogramRow, names: float, bottom: float, axis: Axis) -> list[str]:
    """Return the name of a strip and its n: at its left, or in its head where there is little width."""
    count = f"n {sum(row.counts.values()):,}"
    if not names:
        head = bottom - _STRIP + _HEAD - 6
        return [text(0, head, f"{row.name}, {count}", room=axis.end)]
    middle = bottom - (_STRIP - _HEAD) / 2
    return [
        text(names - 12, middle - 3, row.name, "", "end", room=names - 12),
        text(names - 12, middle + 13, count, "c-tick", "end"),
    ]


def _strip(row: HistogramRow, shares: dict[int, float], axis: Axis, bottom: float, low: int, width: int) -> list[str]:
    tall, highest = _STRIP - _HEAD, max(shares.values())
    parts = [
        line(axis.start, bottom - tall, axis.end, bottom - tall, "c-grid"),
        text(axis.end + 6, bottom - tall + 4, _amount(highest, percent=True), "c-tick"),
    ]
    for bin_index, share in sorted(shares.items()):
        left, right = axis.at(low + (bin_index - 0.5) * width), axis.at(low + (bin_index + 0.5) * width)
        gap = min(2.0, (right - left) * 0.15)
        high = tall * share / highest
        first = low + bin_index * width
        span = f"{first}" if width == 1 else f"{first}–{first + width - 1}"
        hint = f"{row.name}, {span}: {_amount(share, percent=True)}"
        parts.append(box(left + gap / 2, bottom - high, right - left - gap, high, "p0", hint))
    return [*parts, line(axis.start, bottom, axis.end, bottom, "c-axis")]


def told_histogram(chart: HistogramChart) -> str:
    """Return the chart in words: n, range and the most frequent value of each row."""
    descriptions = []
    for row in chart.rows:
        if row.counts:
            most = max(row.counts, key=lambda value: (row.counts[value], -value))
            descriptions.append(
                f"{row.name}: n {sum(row.counts.values())}, {min(row.counts)}–{max(row.counts)}, {most}"
            )
    return "; ".join(descriptions)
