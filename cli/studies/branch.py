"""`cocoon branch`: futures of the talks of a run, from one of their turns on."""

from pathlib import Path
from typing import Annotated

import typer

from cocoon.cli.terminal.options import CloudTracing, DryRun, Json, Out
from cocoon.cli.terminal.settings import COMPARED, settings_of
from cocoon.core.config import StudyConfig
from cocoon.core.verb_settings import BRANCH, Given
from cocoon.studies.branches.config import BRANCHED, MovesConfig


@settings_of(BRANCH)
@settings_of(BRANCHED, into=COMPARED, sources=False)
def branch(
    run: Annotated[Path, typer.Argument(help="A run folder with the talks to branch.")],
    out: Out,
    given: Given[StudyConfig],
    compared: Given[MovesConfig],
    turn: Annotated[
        list[str] | None,
        typer.Option(metavar="ROUND", help="Before the supporter's reply of this round, counted from 1; or every."),
    ] = None,
    allow_cloud_tracing: CloudTracing = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Let talks go on anew from one of their turns. What was said before is neither spoken nor paid for again."""
    from cocoon.api.blocking import wait_for
    from cocoon.api.studies import branch_as, prepare_branches
    from cocoon.cli.terminal.results import finish_study, print_estimate

    branched = (given, turn or [], compared.keywords)
    if dry_run:
        branching = prepare_branches(run, out, *branched, allow_cloud_tracing=allow_cloud_tracing)
        print_estimate(branching.estimate(), as_json)
        return
    result = wait_for(branch_as(run, out, *branched, allow_cloud_tracing=allow_cloud_tracing))
    finish_study(result, as_json, f"{out}/branches.md, branches.html, tables/; the branches are a run of their own")
