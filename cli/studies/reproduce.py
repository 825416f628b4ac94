"""`cocoon reproduce`: a table of the paper made again, from corpora to figures."""

from typing import Annotated

import typer

from cocoon.cli.terminal.options import CloudTracing, Json, Out
from cocoon.cli.terminal.settings import settings_of
from cocoon.core.verb_settings import Given
from cocoon.studies.reproduce.config import REPRODUCE, ReproduceConfig

SHOWN = (
    *("table", "talking", "judge", "served", "concurrency", "timeout"),
    *("budget_calls", "budget_tokens", "budget_money", "engine", "replicas"),
)


@settings_of(REPRODUCE, only=SHOWN, arguments=["table"], required=["config"])
def reproduce(
    out: Out,
    given: Given[ReproduceConfig],
    stages: Annotated[
        str, typer.Option(help="Which of import, train, simulate, report; what is done already is passed over.")
    ] = "import,train,simulate,report",
    allow_cloud_tracing: CloudTracing = False,
    as_json: Json = False,
) -> None:
    """Import corpora, train a supporter on each, simulate, judge, and print the table. The same line goes on."""
    from cocoon.api.studies import prepare_reproduction, run_reproduction
    from cocoon.cli.terminal.results import finish_study, resumable

    study = prepare_reproduction(out, given, stages, allow_cloud_tracing=allow_cloud_tracing)
    with resumable("stopped at once; the same command goes on where it stopped"):
        result = run_reproduction(study)
    table = study.config.table
    finish_study(result, as_json, f"{out}/{table}.md, {table}.html, tables/; the runs stand in {out}/runs")
