"""`report`, `compare` and `verify`: what runs show, as tables, and written into files, and whether it is as made."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import parse_record
from cocoon.core.progress import working
from cocoon.core.records import Failure, Language
from cocoon.evaluation.comparison.records import Comparison
from cocoon.exports.material import materials
from cocoon.exports.tables.columns import TABLES
from cocoon.exports.tables.rows import failure_row, rows_of
from cocoon.reports.comparisons import ComparisonChoice, compare_runs, write_comparison
from cocoon.reports.formats.html_page import render_html
from cocoon.reports.runs import build_run_report, report_folder, write_like, write_report
from cocoon.reports.tables.records import Report
from cocoon.running.folder import existing_run
from cocoon.running.integrity.records import Verification
from cocoon.running.integrity.verify import verify_run
from cocoon.running.reading.reader import RunReader
from cocoon.viewer.page import RunPage, export_page

if TYPE_CHECKING:
    from cocoon.api.run import Run

TRACE = "trace"
"""The folder of the trace page beside a report."""

__all__ = ["Comparisons", "build_run_report", "compare", "report", "report_folder", "tidy_table", "verify"]


class Comparisons(list[Comparison]):
    """Paired comparisons of supporters, with the report that shows them, in a notebook too."""

    def __init__(self, comparisons: Sequence[Comparison], report: Report) -> None:
        super().__init__(comparisons)
        self.report = report

    def _repr_html_(self) -> str:
        return render_html(self.report)


def report(
    run: "str | Path | Run",
    *,
    scale_files: Sequence[str | Path] = (),
    language: Language | None = None,
    like: str | None = None,
    trace: bool | None = None,
    out: str | Path | None = None,
) -> Report:
    """Write the report of a run into its folder, or into `out`, and return it.

    A run folder that is read-only is reported on, and nothing is written unless `out` is given.

    `like` is `table1` to `table10`: a table of the paper with its figures beside ours. It has no use for the others.
    `language` is that of page, figures and sentences, English unless given. The trace page is written beside the report
    (`trace/`), and its figures lead there. `trace=False` leaves it out.
    """
    path, target = _path(run), Path(out) if out is not None else None
    files = [Path(file) for file in scale_files]
    if like is not None:
        if scale_files or language is not None or trace is not None:
            raise CocoonError(
                f"{like} of the paper has no figures and no other scales. Leave scale files, language and trace out."
            )
        return write_like(path, like, target)
    folder = report_folder(path, target)
    with working(f"counting {path} and its intervals"):
        if trace is False or folder is None:
            return write_report(path, files, language or "en", target)
        existing_run(path)
        export_page(RunPage(RunReader(path, files), language=language or "en"), folder / TRACE)
        return write_report(path, files, language or "en", target, trace=f"{TRACE}/view.html")


def verify(run: "str | Path | Run") -> Verification:
    """Return what is not as it was made in a run folder: edits, lost calls, stale ratings, a report of before.

    `ok` is whether nothing is wrong. Nothing is written.
    """
    return verify_run(_path(run))


def compare(
    *runs: "str | Path | Run",
    supporters: Sequence[str] = (),
    baseline: str | None = None,
    judges: Sequence[str] = (),
    prompts: Sequence[str] = (),
    scale_files: Sequence[str | Path] = (),
    allow_different_judges: bool = False,
    out: str | Path | None = None,
) -> Comparisons:
    """Return paired differences between supporters with intervals, tests and Holm's correction.

    Runs are paired by profile, and people that one side lacks are left out. One run that holds several supporters is
    enough. `out` is a folder for compare.md, compare.csv and compare.html.
    """
    files = [Path(file) for file in scale_files]
    choice = ComparisonChoice(list(supporters), baseline, list(judges), list(prompts), files)
    with working("comparing supporters, with intervals and tests"):
        comparisons, report = compare_runs([_path(run) for run in runs], choice, allow_different_judges)
    if out is not None:
        write_comparison(comparisons, report, Path(out))
    return Comparisons(comparisons, report)


def tidy_table(run: Path, name: str) -> list[dict[str, Any]]:
    """Return a tidy table of a run: dialogues, turns, ratings, items, calls or failures."""
    if name not in TABLES:
        raise CocoonError(f"There is no tidy table {name!r}. There are {', '.join(TABLES)}.")
    reader = RunReader(run)
    reader.refresh()
    rows = [
        row
        for material in materials(reader)
        for table, row in rows_of(material, reader.scales, journal=reader.journal is not None)
        if table == name
    ]
    return rows + (_lost(reader) if name == "failures" else [])


def _lost(reader: RunReader) -> list[dict[str, Any]]:
    """Return the failures of dialogues that were never made."""
    return [
        failure_row(parse_record(line, Failure, f"{reader.failures.path}: {name!r}"))
        for name in reader.failures.places
        if name not in reader.dialogues.places
        for line in reader.failures.of(name)
    ]


def _path(run: "str | Path | Run") -> Path:
    return run if isinstance(run, Path) else Path(run if isinstance(run, str) else run.path)
