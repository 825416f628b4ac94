"""`cocoon ablate`: what parts of a profile and the kind of user do to the simulated user (paper RQ5, Figure 5)."""

from typing import Annotated

import typer

from cocoon.cli.terminal.options import CloudTracing, Json, Out
from cocoon.cli.terminal.settings import settings_of
from cocoon.core.config import StudyConfig
from cocoon.core.verb_settings import ABLATE, Given


@settings_of(ABLATE, required=["judge"])
def ablate(
    out: Out,
    given: Given[StudyConfig],
    conditions: Annotated[
        str, typer.Option(help="full, no-memory, no-memory-need; each may name @prompted, @guarded, @guarded-hard.")
    ] = "full,no-memory,no-memory-need",
    every_pair: Annotated[bool, typer.Option("--every-pair", help="Compare every pair, not neighbours alone.")] = False,
    compare_only: Annotated[
        bool, typer.Option("--compare-only", help="Simulate nothing: compare the dialogues in OUT/conditions.")
    ] = False,
    allow_cloud_tracing: CloudTracing = False,
    as_json: Json = False,
) -> None:
    """Simulate every condition, have a judge compare them in both orders, and report. The same line resumes."""
    from cocoon.api.blocking import wait_for
    from cocoon.api.reporter import Reporter
    from cocoon.api.studies import prepare_ablation
    from cocoon.cli.terminal.results import finish_study

    study = prepare_ablation(
        out,
        given,
        conditions=conditions,
        every_pair=every_pair,
        compare_only=compare_only,
        allow_cloud_tracing=allow_cloud_tracing,
    )
    result = wait_for(study.run(Reporter()))
    finish_study(result, as_json, f"{out}/ablation.md, ablation.html, tables/; the dialogues stand in {out}/conditions")
