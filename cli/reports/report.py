"""`cocoon report`: the tables of a run, in every format."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from cocoon.cli.terminal.options import Json

LanguageChoice = Literal["zh", "en"]


def report_command(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    scale_file: Annotated[list[Path] | None, typer.Option(help="A scale of your own, for its variants.")] = None,
    like: Annotated[
        str | None, typer.Option(metavar="TABLE", help="table1 to table10: a table of the paper, with its figures.")
    ] = None,
    language: Annotated[LanguageChoice | None, typer.Option(help="Language of the figures (default: en).")] = None,
    out: Annotated[Path | None, typer.Option(help="Write it there instead (a run folder may be read-only).")] = None,
    as_json: Json = False,
) -> None:
    """Write report.md, report.html, tables/ and figures/ into the run folder, and print the report."""
    from cocoon.api.reporting import report as write
    from cocoon.api.reporting import report_folder
    from cocoon.cli.terminal.results import print_report

    print_report(write(run, scale_files=scale_file or [], language=language, like=like, out=out), as_json)
    target = report_folder(run, out)
    if target is None:
        typer.echo(f"not written: {run} is read-only; give --out FOLDER", err=True)
        return
    written = f"tables/{like}_like_paper.csv, .tex" if like else "report.md, report.html, tables/, figures/"
    typer.echo(f"written: {target}/{written}", err=True)
