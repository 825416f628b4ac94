"""A report as Markdown that is readable both raw and rendered. Text from data cannot become markup."""

import re
from collections.abc import Iterable

from cocoon.reports.tables.records import Report, Row, Table, cell_lines, one_line

_SPECIAL = re.compile(r"[\\`*\[\]<>|~$#!&]|(?<![^\W_])_|_(?![^\W_])")


def escape_markdown(text: str) -> str:
    """Return text on one line with every character escaped that Markdown could read as markup."""
    return _SPECIAL.sub(lambda match: "\\" + match.group(), one_line(text))


def render_markdown(report: Report) -> str:
    """Return the whole report. Warnings come before everything else."""
    parts = [f"> **Warning.** {escape_markdown(warning)}\n" for warning in report.warnings]
    parts.append(f"# {escape_markdown(report.title)}\n")
    parts.append(_list(f"{name}: {fact}" for name, fact in report.facts))
    parts += ["## What was found\n", _list(report.findings)] if report.findings else []
    parts += [_table(table) for table in report.tables]
    parts += ["## Notes\n", _list(report.notes)] if report.notes else []
    return "\n".join(parts)


def _list(lines: Iterable[str]) -> str:
    return "".join(f"- {escape_markdown(line)}\n" for line in lines)


def _table(table: Table) -> str:
    lines = [f"## {escape_markdown(table.title)}\n"]
    lines.append(_line([escape_markdown(name) for name in [*table.keys, *table.measures]]))
    lines.append(_line(["---"] * len(table.keys) + ["---:"] * len(table.measures)))
    lines += [_line(_cells(table, row)) for row in table.rows]
    if table.note:
        lines.append(f"\n{escape_markdown(table.note)}")
    return "\n".join(lines) + "\n"


def _cells(table: Table, row: Row) -> list[str]:
    cell_texts = [" ".join(cell_lines(row.cells.get(name), table.digits.get(name, 2))) for name in table.measures]
    return [escape_markdown(text) for text in [*row.labels, *cell_texts]]


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
