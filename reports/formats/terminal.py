"""A report on one screen of a terminal: what was compared, the results, the main table, what is missing."""

from collections import Counter
from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Group as Together
from rich.console import RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from cocoon.evaluation.statistics.estimates import Estimate
from cocoon.reports.narrative.abbreviations import meaning, short_names
from cocoon.reports.narrative.translation import translated
from cocoon.reports.tables.records import Cell, Report, Table, cell_lines, one_line

_MOST_ACROSS, _MOST_ROWS, _MOST_WARNINGS, _MOST_REASONS = 4, 12, 3, 3
_HEADLINE = ("SR", "Aff", "Neg")
"""What a wide table shows of many groups."""


def one_screen(report: Report) -> RenderableType:
    """Return the report on one screen. Text from data is text alone."""
    parts: list[RenderableType] = [Text(_words(report.title, report), style="bold"), Text(one_line(report.compared))]
    parts += [Text(f"! {_words(warning, report)}", style="yellow") for warning in report.warnings[:_MOST_WARNINGS]]
    if len(report.warnings) > _MOST_WARNINGS:
        parts.append(Text(f"! + {len(report.warnings) - _MOST_WARNINGS}", style="yellow"))
    if report.findings:
        parts.append(Text(""))
    parts += [Text(f"{number}. {one_line(finding)}") for number, finding in enumerate(report.findings, 1)]
    parts += _main(report)
    reasons = _reasons(report)
    if reasons:
        parts.append(Text(f"{_words('Why values are missing', report)}: {reasons}", style="dim"))
    return Together(*parts)


def _words(text: str, report: Report) -> str:
    return one_line(translated(text, report.language))


def _main(report: Report) -> Iterator[RenderableType]:
    table = next((table for table in report.tables if table.id == "main" and table.rows), None)
    if table is not None:
        yield _across(table, report) if len(table.rows) <= _MOST_ACROSS else _down(table, report)


def _across(table: Table, report: Report) -> RichTable:
    """Return a row for each measure, named in full, and a column for each group."""
    shown = RichTable(box=box.SIMPLE_HEAD, pad_edge=False)
    shown.add_column("")
    for name in _group_names(table):
        shown.add_column(Text(name), justify="right")
    for measure in table.measures:
        cells = [row.cells.get(measure) for row in table.rows]
        if any(cell is not None for cell in cells):
            name = Text.assemble(measure, (f"  {meaning(measure, report.language)}", "dim"))
            shown.add_row(name, *(_value(cell, table, measure, report) for cell in cells))
    shown.add_section()
    counts = [_counts([cell for cell in row.cells.values() if isinstance(cell, Estimate)]) for row in table.rows]
    shown.add_row(Text(f"n, {_words('missing', report)}", style="dim"), *(Text(count, style="dim") for count in counts))
    return shown


def _down(table: Table, report: Report) -> RichTable:
    """Return a row for each of the first groups, with the measures that matter most."""
    measures = [name for name in _HEADLINE if any(row.cells.get(name) is not None for row in table.rows)]
    shown = RichTable(box=box.SIMPLE_HEAD, pad_edge=False)
    shown.add_column("")
    for measure in measures:
        shown.add_column(Text(f"{measure} {meaning(measure, report.language)}"), justify="right")
    for row, name in list(zip(table.rows, _group_names(table), strict=True))[:_MOST_ROWS]:
        shown.add_row(Text(name), *(_value(row.cells.get(measure), table, measure, report) for measure in measures))
    if len(table.rows) > _MOST_ROWS:
        shown.add_row(Text(f"… + {len(table.rows) - _MOST_ROWS}", style="dim"))
    return shown


def _group_names(table: Table) -> list[str]:
    """Return the supporter of each row, with those other labels that differ between rows."""
    names = [short_names(row.labels[index] for row in table.rows) for index in range(len(table.keys))]
    differing = [index for index in range(1, len(names)) if len(names[index]) > 1]
    return [one_line(" · ".join(names[index][row.labels[index]] for index in [0, *differing])) for row in table.rows]


def _value(cell: Cell, table: Table, measure: str, report: Report) -> Text:
    lines = cell_lines(cell, table.digits.get(measure, 2))
    interval = lines[1] if isinstance(cell, Estimate) and cell.value is not None else ""
    return Text.assemble((lines[0], "bold"), f" {_words(interval, report)}" if interval else "")


def _counts(cells: Sequence[Estimate]) -> str:
    return ", ".join(_span(values) for values in ([cell.n for cell in cells], [cell.missing for cell in cells]))


def _span(values: Sequence[int]) -> str:
    low, high = min(values, default=0), max(values, default=0)
    return f"{low}" if low == high else f"{low}–{high}"


def _reasons(report: Report) -> str:
    table = next((table for table in report.tables if table.id == "missing_reasons"), None)
    counts: Counter[str] = Counter()
    for row in table.rows if table else []:
        count = row.cells.get("count")
        counts[row.labels[-1]] += count if isinstance(count, int) else 0
    return ", ".join(f"{_words(reason, report)} × {count}" for reason, count in counts.most_common(_MOST_REASONS))
