"""`cocoon reproduce`: a table of the paper made again, from corpora to figures."""

from pathlib import Path
from typing import Annotated, Any

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
    from cocoon.cli.studies.run_reproduce import run_reproduction
    from cocoon.core.config import resolve_as
    from cocoon.running.frame import forbid_cloud_tracing
    from cocoon.studies.reproduce.config import ReproduceConfig

    flags: dict[str, Any] = {
        "table": table,
        "talking": talking,
        "judge.model": judge,
        "concurrency": concurrency,
        "budget.calls": budget_calls,
    }
    settings = resolve_as(ReproduceConfig, config, options or [], flags).config
    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    run_reproduction(settings, Path(out), [one.strip() for one in stages.split(",")], as_json)
