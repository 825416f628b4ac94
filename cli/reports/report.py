"""`cocoon report`: the tables of a run, in every format."""

from pathlib import Path
from typing import Annotated

import typer

from cocoon.cli.terminal.options import Json, ScaleFiles
from cocoon.core.records import Language


def report_command(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    scale_file: ScaleFiles = None,
    like: Annotated[
        str | None, typer.Option(metavar="TABLE", help="table1 to table10: a table of the paper, with its figures.")
    ] = None,
    language: Annotated[Language | None, typer.Option(help="Language of the figures (default: en).")] = None,
    as_json: Json = False,
) -> None:
    """Write report.md, report.html, tables/ and figures/ into the run folder, and print the report."""
    from cocoon.api.reporting import report as write
    from cocoon.cli.terminal.results import print_report

    print_report(write(run, scale_files=scale_file or [], language=language, like=like), as_json)
    written = f"tables/{like}_like_paper.csv, .tex" if like else "report.md, report.html, tables/, figures/"
    typer.echo(f"written: {run}/{written}", err=True)
