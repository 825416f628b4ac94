"""`cocoon asking`: what a question does within a talk that a statement of the same content does not."""

from pathlib import Path
from typing import Annotated

import typer

from cocoon.cli.terminal.options import CloudTracing, DryRun, Json, Out
from cocoon.cli.terminal.settings import COMPARED, settings_of
from cocoon.core.config import StudyConfig
from cocoon.core.verb_settings import Given
from cocoon.studies.asking.config import ASKED, ASKING, AskingConfig


@settings_of(ASKING)
@settings_of(ASKED, into=COMPARED, sources=False)
def asking(
    run: Annotated[Path, typer.Argument(help="A run folder with the talks in which replies are asked or said.")],
    out: Out,
    given: Given[StudyConfig],
    compared: Given[AskingConfig],
    allow_cloud_tracing: CloudTracing = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Ask or say the same at turns drawn from talks, and compare the next turn and the end under every rule set."""
    from cocoon.api.blocking import wait_for
    from cocoon.api.reporter import Reporter
    from cocoon.api.studies import prepare_asking
    from cocoon.cli.terminal.results import finish_study, print_estimate

    study = prepare_asking(run, out, given, dict(compared.keywords), allow_cloud_tracing=allow_cloud_tracing)
    if dry_run:
        print_estimate(study.estimate(), as_json)
        return
    result = wait_for(study.make(Reporter()))
    finish_study(result, as_json, f"{out}/asking.md, asking.html, tables/; the futures stand in {out}/rules")
