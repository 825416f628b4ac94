"""`cocoon compare`: supporters against each other, paired by profile, between runs or within one."""

from pathlib import Path
from typing import Annotated

import typer

from cocoon.cli.terminal.options import Json, ScaleFiles
from cocoon.cli.terminal.results import print_json


def compare_command(
    runs: Annotated[list[Path], typer.Argument(help="Run folders; one that holds several supporters is enough.")],
    supporter: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only these supporters, in this order. Repeatable.")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(metavar="NAME", help="The one that all others are held against (the first one).")
    ] = None,
    judge: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only ratings by these judges. Repeatable.")
    ] = None,
    prompt: Annotated[
        list[str] | None, typer.Option(metavar="HASH", help="Of several prompts for one scale, these. Repeatable.")
    ] = None,
    allow_different_judges: Annotated[
        bool, typer.Option(help="Compare although judges or prompts differ; the result says so.")
    ] = False,
    scale_file: ScaleFiles = None,
    out: Annotated[Path | None, typer.Option(help="Write compare.md, compare.csv and compare.html there.")] = None,
    as_json: Json = False,
) -> None:
    """Paired differences with intervals, tests and Holm's correction; people that one side lacks are left out."""
    from cocoon.api.reporting import compare as compare_runs
    from cocoon.reports.formats.markdown import render_markdown

    comparisons = compare_runs(
        *runs,
        supporters=supporter or [],
        baseline=baseline,
        judges=judge or [],
        prompts=prompt or [],
        scale_files=scale_file or [],
        allow_different_judges=allow_different_judges,
        out=out,
    )
    report = comparisons.report
    if as_json:
        plain = [comparison.model_dump(mode="json") for comparison in comparisons]
        print_json({"warnings": report.warnings, "comparisons": plain})
    else:
        typer.echo(render_markdown(report))
    if out is not None:
        typer.echo(f"written: {out}/compare.md, compare.csv, compare.html", err=True)
