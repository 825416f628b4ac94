"""Charts as data, which builders of figures make and `draw.py` draws. Texts are plain and in one language."""

import math
from typing import Annotated

from pydantic import BeforeValidator, Field

from cocoon.core.records import Language, Record


def _finite(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


Number = Annotated[float | None, BeforeValidator(_finite)]
"""A number, or None where it is missing. Infinity and NaN count as missing."""

Range = tuple[float, float]


class Chart(Record):
    """Base of all charts. `note` is printed below. `empty` is the text of a chart without data ('0 of 12 judged')."""

    title: str
    note: str = ""
    empty: str
    language: Language = "en"


class Bar(Record):
    """One bar with its interval. `remark` (n, missing) is printed to its right."""

    name: str
    value: Number = None
    low: Number = None
    high: Number = None
    remark: str = ""


class BarChart(Chart):
    """Horizontal bars from the low end of `range`.

    Bars are pale with a mark at the value. With `counted` they are solid, without a mark.
    """

    bars: list[Bar]
    axis: str
    range: Range = (0, 1)
    digits: int = Field(default=2, ge=0, le=4)
    percent: bool = False
    counted: bool = False


class StackRow(Record):
    """One bar of parts, in the order of the chart's `parts`. `remark` is printed to its right."""

    name: str
    values: list[Number]
    remark: str = ""


class StackChart(Chart):
    """Bars of parts laid end to end. `percent`: values are shares of 1, shown as percentages.

    `quiet`: index of a part that is drawn pale, as the remainder. `full`: the axis runs to 1 for any values. `ordered`:
    the parts are steps of one thing, drawn as shades of one colour.
    """

    parts: list[str]
    rows: list[StackRow]
    axis: str
    percent: bool = True
    full: bool = False
    quiet: int | None = None
    ordered: bool = False


class HistogramRow(Record):
    """Counts by whole number, such as dialogues by their turns."""

    name: str
    counts: dict[int, int]


class HistogramChart(Chart):
    """One strip per row, all on one axis. The height is the share of the row's observations."""

    rows: list[HistogramRow]
    axis: str


class Mark(Record):
    """A value at x with its interval, and n observations behind it.

    Where x is measured too, it also has the interval of x.
    """

    x: Number
    y: Number = None
    low: Number = None
    high: Number = None
    x_low: Number = None
    x_high: Number = None
    n: int | None = None


class Series(Record):
    """Marks of one name. `cloud` holds single observations (x, y), drawn faintly behind the marks."""

    name: str
    marks: list[Mark]
    cloud: list[tuple[float, float]] = []


class Panel(Record):
    """One coordinate system. A range of None is taken from the data."""

    title: str
    x_axis: str
    y_axis: str
    x_range: Range | None = None
    y_range: Range | None = None
    series: list[Series]


class PanelChart(Chart):
    """Panels side by side with one legend.

    `lines`: marks are joined, and intervals are bands. Otherwise marks are points with interval bars.
    """

    panels: list[Panel] = Field(min_length=1, max_length=3)
    lines: bool = False


AnyChart = BarChart | StackChart | HistogramChart | PanelChart


class Figure(Record):
    """A chart with the id that names its file."""

    id: str = Field(pattern=r"^[a-z_]+$")
    chart: AnyChart
