"""`cocoon ablate`: what parts of a profile and the kind of user do to the simulated user (paper RQ5, Figure 5)."""

from typing import Annotated

import typer

from cocoon.cli.terminal.options import CloudTracing, Json, Out
from cocoon.cli.terminal.settings import settings_of
from cocoon.core.config import StudyConfig
from cocoon.core.verb_settings import ABLATE, Given

# Settings of the dialogues, which are there already where they are only compared.
TALKING = ("profiles", "limit", "language", "rounds", "samples", "supporters", "user", "form_pairs")


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
    from cocoon.cli.studies.run_ablation import run_ablation
    from cocoon.running.frame import forbid_cloud_tracing

    resolved = given.resolve()
    if compare_only:
        resolved.refuse(TALKING, "--compare-only simulates nothing. Leave one of them out.")
    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    run_ablation(resolved.config, conditions, every_pair, out, as_json, compare_only=compare_only)
