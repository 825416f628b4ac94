"""A report as tidy CSV: one line per row and measure, with value, interval, n and missing in columns."""

import csv
import io

from cocoon.reports.tables.records import Report, Table, cell_fields, one_line

FIELDS = ["value", "low", "high", "n", "missing", "remark"]
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def escape_csv(text: str) -> str:
    """Return text on one line that a spreadsheet cannot read as a formula."""
    single_line = one_line(text)
    return f"'{single_line}" if single_line.startswith(_FORMULA) else single_line


def render_csv(report: Report) -> dict[str, str]:
    """Return table id -> CSV text (UTF-8, header line, \\n ends). Numbers are unrounded, absent ones empty."""
    return {table.id: _table(table) for table in report.tables}


def _table(table: Table) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*(escape_csv(key.lower().replace(" ", "_")) for key in table.keys), "measure", *FIELDS])
    for row in table.rows:
        labels = [escape_csv(label) for label in row.labels]
        for measure in table.measures:
            fields = cell_fields(row.cells.get(measure))
            values = [escape_csv(value) if isinstance(value, str) else value for value in fields.values()]
            writer.writerow([*labels, escape_csv(measure), *values])
    return text.getvalue()
