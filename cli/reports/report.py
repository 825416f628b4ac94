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
    language: Annotated[Language | None, typer.Option(help="Language of the page (default: en).")] = None,
    trace: Annotated[
        bool | None, typer.Option("--trace/--no-trace", help="Write the trace page beside it (default), or not.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write it there instead (a run folder may be read-only).")] = None,
    as_json: Json = False,
) -> None:
    """Write report.html, report.md, trace/, tables/ and figures/ into the run folder, and print the results."""
    from cocoon.api.reporting import report as write
    from cocoon.api.reporting import report_folder
    from cocoon.cli.terminal.results import print_report, print_screen

    report = write(run, scale_files=scale_file or [], language=language, like=like, trace=trace, out=out)
    if as_json or like:
        print_report(report, as_json)
    else:
        print_screen(report)
    target = report_folder(run, out)
    if target is None:
        typer.echo(f"not written: {run} is read-only; give --out FOLDER", err=True)
        return
    if like:
        typer.echo(f"written: {target}/tables/{like}_like_paper.csv, .tex", err=True)
        return
    beside, step = "", f"cocoon view {run}"
    if report.trace:
        beside, step = ", trace/", f"{target}/report.html in a browser: its figures lead to the dialogues"
    typer.echo(f"written: {target}/report.html, report.md, tables/, figures/{beside}", err=True)
    typer.echo(f"next: {step}", err=True)
