"""A report as plain data for `--json`."""

from typing import Any

from cocoon.reports.tables.records import Report, Table, cell_fields


def to_json(report: Report) -> dict[str, Any]:
    """Return title, warnings, facts, findings, notes and tables.

    A table is id -> rows {labels, measures}. Numbers are not rounded.
    """
    return {
        "title": report.title,
        "warnings": report.warnings,
        "facts": dict(report.facts),
        "findings": report.findings,
        "tables": {table.id: _table(table) for table in report.tables},
        "notes": report.notes,
    }


def _table(table: Table) -> dict[str, Any]:
    rows = [
        {
            **dict(zip(table.keys, row.labels, strict=True)),
            "measures": {measure: cell_fields(row.cells.get(measure)) for measure in table.measures},
        }
        for row in table.rows
    ]
    return {"title": table.title, "note": table.note, "rows": rows}
