"""The report of an ablation: which condition the judge prefers, and how often it takes the first."""

from collections.abc import Sequence
from pathlib import Path

from cocoon.reports.charts.preference import preference_figures
from cocoon.reports.formats.files import write_report_files
from cocoon.reports.origin import origin_warnings
from cocoon.reports.tables.preference import preference_tables
from cocoon.reports.tables.records import Report
from cocoon.studies.ablation.compare import choices_of
from cocoon.studies.ablation.config import CONDITIONS

NOTES = [
    "The judge sees the mood and the feeling, not the need or the memories, so that it cannot favour the condition "
    "that holds them for what it was told.",
    "Judging simulated users by a model of the same family as theirs favours its manner; people decide otherwise at "
    "times (cocoon human).",
]


def ablation_report(out: Path, conditions: Sequence[str], judge: str | None) -> Report:
    """Return the report of an ablation's folder."""
    tables = preference_tables(choices_of(out), list(conditions))
    return Report(
        title=f"Ablation of the simulated user: {out.name}",
        warnings=origin_warnings([out, *(out / CONDITIONS).glob("*")]),
        facts=[("Conditions", ", ".join(conditions)), ("Judge", judge or "none")],
        tables=tables,
        notes=NOTES,
        figures=[figure for table in tables if table.id == "wins" for figure in preference_figures(table)],
    )


def write_ablation_report(out: Path, conditions: Sequence[str], judge: str | None) -> Report:
    """Write the report into the folder as ablation.md, ablation.html and tables/, and return it."""
    report = ablation_report(out, conditions, judge)
    write_report_files(report, out, "ablation", figures="tables")
    return report
