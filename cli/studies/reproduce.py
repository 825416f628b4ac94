"""`cocoon reproduce`: a table of the paper made again, from corpora to figures."""

from pathlib import Path
from typing import Annotated

import typer

from cocoon.cli.terminal.options import BudgetCalls, CloudTracing, Concurrency, Json, Options, Out


def reproduce(
    table: Annotated[str, typer.Argument(help="table3, table4, table5, table7 or table9.")],
    out: Out,
    config: Annotated[Path, typer.Option("--config", help="The study's YAML (see examples/reproduce/).")],
    stages: Annotated[
        str, typer.Option(help="Which of import, train, simulate, report; what is done already is passed over.")
    ] = "import,train,simulate,report",
    talking: Annotated[
        int | None, typer.Option("-n", "--talking", help="Only the first N of the people held out talk for now.")
    ] = None,
    judge: Annotated[str | None, typer.Option(metavar="SPEC", help="The judge's model.")] = None,
    concurrency: Concurrency = None,
    budget_calls: BudgetCalls = None,
    options: Options = None,
    allow_cloud_tracing: CloudTracing = False,
    as_json: Json = False,
) -> None:
    """Import corpora, train a supporter on each, simulate, judge, and print the table. The same line goes on."""
    from cocoon.api.studies import reproduce as run
    from cocoon.cli.terminal.results import finish_study, resumable

    with resumable("stopped at once; the same command goes on where it stopped"):
        result = run(
            table,
            out=out,
            config=config,
            stages=stages,
            talking=talking,
            judge=judge,
            concurrency=concurrency,
            budget_calls=budget_calls,
            options=options or (),
            allow_cloud_tracing=allow_cloud_tracing,
        )
    finish_study(result, as_json, f"{out}/{table}.md, {table}.html, tables/; the runs stand in {out}/runs")
