"""`cocoon compare`: supporters against each other, paired by profile, between runs or within one."""

from pathlib import Path
from typing import Annotated

import typer

from cocoon.cli.options import Json


def compare(
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
    scale_file: Annotated[list[Path] | None, typer.Option(help="A scale of your own, for its directions.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write compare.md, compare.csv and compare.html there.")] = None,
    as_json: Json = False,
) -> None:
    """Paired differences with intervals, tests and Holm's correction; people that one side lacks are left out."""
    import json

    from cocoon.cli.compare_runs import Choice, compare_runs, write_comparison
    from cocoon.evaluation.report_markdown import render_markdown

    choice = Choice(supporter or [], baseline, judge or [], prompt or [], scale_file or [])
    made, report = compare_runs(runs, choice, allow_different_judges)
    if as_json:
        told = {"warnings": report.warnings, "comparisons": [one.model_dump(mode="json") for one in made]}
        typer.echo(json.dumps(told, ensure_ascii=False))
    else:
        typer.echo(render_markdown(report))
    if out is not None:
        write_comparison(made, report, out)
        typer.echo(f"written: {out}/compare.md, compare.csv, compare.html", err=True)
