"""`cocoon reproduce`: a table of the paper made again, from corpora to figures."""

from typing import Annotated

import typer

from cocoon.cli.terminal.options import CloudTracing, Json, Out
from cocoon.cli.terminal.settings import settings_of
from cocoon.core.verb_settings import Given
from cocoon.studies.reproduce.config import REPRODUCE, ReproduceConfig

SHOWN = ("table", "talking", "judge", "concurrency", "timeout", "budget_calls", "budget_tokens", "budget_money")


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
    from cocoon.cli.studies.run_reproduce import run_reproduction
    from cocoon.reports.paper.tables import load_paper_table
    from cocoon.running.frame import forbid_cloud_tracing

    resolved = given.resolve()
    if load_paper_table(resolved.config.table).data == "people":
        resolved.refuse(["judge"], f"people rate {resolved.config.table}, and no judge does. Leave it out.")
    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    run_reproduction(resolved.config, out, [one.strip() for one in stages.split(",")], as_json)
