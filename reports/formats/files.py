"""The files of a report: Markdown and HTML pages, a CSV (and LaTeX) file for each table, an SVG for each figure."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from cocoon.core.errors import NotSavedError
from cocoon.core.jsonl import write_whole
from cocoon.reports.charts.draw import draw_chart
from cocoon.reports.formats.csv_lines import render_csv
from cocoon.reports.formats.html_page import render_html
from cocoon.reports.formats.latex import render_latex
from cocoon.reports.formats.markdown import render_markdown
from cocoon.reports.tables.records import Report

TABLES = "tables"
FigureFolder = Literal["figures", "tables"]


def write_report_files(
    report: Report,
    folder: Path,
    stem: str,
    *,
    prefix: str | None = None,
    latex: bool = False,
    figures: FigureFolder | None = None,
) -> list[Path]:
    """Write a report into a folder: STEM.md, STEM.html, and its tables under `tables/`. Returns the files.

    Files of tables begin with `prefix` (default: `STEM_`). With `latex` each table is written as LaTeX too. Figures go
    into the folder `figures`, and are written nowhere if it is None. Beside the tables they have the same prefix.
    """
    beginning = f"{stem}_" if prefix is None else prefix
    written = write_pages(report, folder, stem) + write_tables(report, folder / TABLES, beginning, latex=latex)
    if figures is not None:
        start = beginning if figures == TABLES else ""
        drawn = {
            f"{start}{figure.id}.svg": draw_chart(figure.chart, figure.id, standalone=True) for figure in report.figures
        }
        written += write_texts(folder / figures, drawn)
    return written


def write_pages(report: Report, folder: Path, stem: str) -> list[Path]:
    """Write a report as Markdown and as an HTML page, and return the files."""
    return write_texts(folder, {f"{stem}.md": render_markdown(report), f"{stem}.html": render_html(report)})


def write_tables(report: Report, folder: Path, prefix: str = "", *, latex: bool = False) -> list[Path]:
    """Write each table of a report as PREFIXid.csv, and with `latex` as PREFIXid.tex too. Returns the files."""
    files = {f"{prefix}{name}.csv": text for name, text in render_csv(report).items()}
    if latex:
        files |= {f"{prefix}{name}.tex": text for name, text in render_latex(report).items()}
    return write_texts(folder, files)


def write_texts(folder: Path, files: Mapping[str, str]) -> list[Path]:
    """Write texts by file name into a folder, which is made if it does not exist. Returns the files.

    Raises NotSavedError where nothing can be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotSavedError(f"{folder}: cannot be made ({error.strerror}); choose another folder") from None
    for name, text in files.items():
        write_whole(folder / name, [text.encode()])
    return [folder / name for name in files]
