"""Tables as data: the builders of a report make them, and its renderers read them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import Field

from cocoon.core.records import Language, Record
from cocoon.evaluation.statistics.estimates import Bounds, Estimate, Spread
from cocoon.reports.charts.records import Figure
from cocoon.reports.narrative.records import Excerpt

Cell = Estimate | Bounds | Spread | int | float | str | None
"""A text cell is a remark such as 'not applicable'. None is a cell for which nothing was measured."""

NOTHING = "–"
_LONGEST = 2_000


class Row(Record):
    """One line: a text per key of the table, and a cell per measure (an absent measure is an empty cell)."""

    labels: list[str]
    cells: dict[str, Cell] = Field(default_factory=dict)


class Table(Record):
    """A table. `keys` head the label columns, `measures` the others. `digits`: decimals by measure (2 otherwise)."""

    id: str = Field(pattern=r"^[a-z_]+$")
    title: str
    keys: list[str]
    measures: list[str]
    rows: list[Row]
    digits: dict[str, int] = Field(default_factory=dict)
    note: str = ""


def table_of(
    name: str, title: str, keys: Sequence[str], rows: Iterable[tuple[Sequence[str], Mapping[str, Cell]]], note: str = ""
) -> Table:
    """Return a table of (labels, cells) pairs, whose measures are those of the first of them."""
    lines = [Row(labels=list(labels), cells=dict(cells)) for labels, cells in rows]
    measures = list(lines[0].cells) if lines else []
    return Table(id=name, title=title, keys=list(keys), measures=measures, rows=lines, note=note)


class Report(Record):
    """A report before it is formatted: warnings first, then facts of the run, tables and figures.

    `language` is that of its page, its figures and sentences. `compared` says what was compared, `findings` the
    results, and `methods` is a paragraph for a paper. `provenance` is what else the manifest says. `trace` is the
    address of the trace page beside the report, empty where there is none.
    """

    title: str
    language: Language = "en"
    compared: str = ""
    findings: list[str] = Field(default_factory=list)
    excerpts: list[Excerpt] = Field(default_factory=list)
    methods: str = ""
    provenance: list[tuple[str, str]] = Field(default_factory=list)
    trace: str = ""
    warnings: list[str] = Field(default_factory=list)
    facts: list[tuple[str, str]] = Field(default_factory=list)
    tables: list[Table] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)
    figures: list[Figure] = Field(default_factory=list)


def one_line(text: str) -> str:
    """Return text from data on one line, with control and direction-changing characters replaced by �.

    Direction marks are replaced because they can make a cell read as something that it does not say.
    """
    cleaned = "".join("\ufffd" if _misleads(character) else character for character in " ".join(text.split()))
    return cleaned if len(cleaned) <= _LONGEST else cleaned[: _LONGEST - 1] + "…"


def _misleads(character: str) -> bool:
    code = ord(character)
    return code < 0x20 or 0x7F <= code < 0xA0 or 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069


def cell_lines(cell: Cell, digits: int = 2) -> list[str]:
    """Return a cell as one to three short lines: the value, its interval or range, n with what is missing."""
    if isinstance(cell, Estimate):
        return _estimate_lines(cell, digits)
    if isinstance(cell, Bounds):
        return [f"{cell.low:z.{digits}f} to {cell.high:z.{digits}f}"]
    if isinstance(cell, Spread):
        return _spread_lines(cell)
    if cell is None:
        return [NOTHING]
    return [f"{cell:z.{digits}f}" if isinstance(cell, float) else one_line(str(cell))]


def _estimate_lines(cell: Estimate, digits: int) -> list[str]:
    counts = f"n {cell.n}, missing {cell.missing}"
    if cell.value is None:
        return [NOTHING, counts]
    if cell.low is None or cell.high is None:
        return [f"{cell.value:z.{digits}f}", "[no interval]", counts]
    return [f"{cell.value:z.{digits}f}", f"[{cell.low:z.{digits}f}, {cell.high:z.{digits}f}]", counts]


def _spread_lines(cell: Spread) -> list[str]:
    if cell.median is None:
        return [NOTHING, "n 0"]
    return [f"{cell.median:g}", f"[{cell.low:g}, {cell.high:g}]", f"n {cell.n}"]


def cell_fields(cell: Cell) -> dict[str, Any]:
    """Return a cell as fields of a tidy row: value, low, high, n, missing, remark.

    A field that does not apply is None.
    """
    if isinstance(cell, Estimate):
        return {**cell.model_dump(), "remark": None}
    empty: dict[str, Any] = dict.fromkeys(["value", "low", "high", "n", "missing", "remark"])
    if isinstance(cell, Bounds):
        return {**empty, "low": cell.low, "high": cell.high}
    if isinstance(cell, Spread):
        return {**empty, "value": cell.median, "low": cell.low, "high": cell.high, "n": cell.n}
    return {**empty, "remark" if isinstance(cell, str) else "value": cell}
