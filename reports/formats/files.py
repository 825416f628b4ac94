"""The files of a report: Markdown and HTML pages, a CSV (and LaTeX) file for each table, an SVG for each figure."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

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
) -> None:
    """Write a report into a folder: STEM.md, STEM.html, and its tables under `tables/`.

    Files of tables begin with `prefix` (default: `STEM_`). With `latex` each table is written as LaTeX too. Figures go
    into the folder `figures`, and are written nowhere if it is None. Beside the tables they have the same prefix.
    """
    beginning = f"{stem}_" if prefix is None else prefix
    write_pages(report, folder, stem)
    write_tables(report, folder / TABLES, beginning, latex=latex)
    if figures is not None:
        start = beginning if figures == TABLES else ""
        drawn = {
            f"{start}{figure.id}.svg": draw_chart(figure.chart, figure.id, standalone=True) for figure in report.figures
        }
        write_texts(folder / figures, drawn)


def write_pages(report: Report, folder: Path, stem: str) -> None:
    """Write a report as Markdown and as an HTML page."""
    write_texts(folder, {f"{stem}.md": render_markdown(report), f"{stem}.html": render_html(report)})


def write_tables(report: Report, folder: Path, prefix: str = "", *, latex: bool = False) -> None:
    """Write each table of a report as PREFIXid.csv, and with `latex` as PREFIXid.tex too."""
    files = {f"{prefix}{name}.csv": text for name, text in render_csv(report).items()}
    if latex:
        files |= {f"{prefix}{name}.tex": text for name, text in render_latex(report).items()}
    write_texts(folder, files)


def write_texts(folder: Path, files: Mapping[str, str]) -> None:
    """Write texts by file name into a folder, which is made if it does not exist."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        write_whole(folder / name, [text.encode()])
