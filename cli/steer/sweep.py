"""`cocoon steer sweep`: how much asking does to comfort, over a grid of coefficients."""

from typing import Annotated, Literal

import typer

from cocoon.cli.terminal.options import CloudTracing, DryRun, Json, Out
from cocoon.cli.terminal.settings import settings_of
from cocoon.core.config import EMBEDDED, StudyConfig
from cocoon.core.verb_settings import SWEEP, Given


@settings_of(SWEEP, without=["supporter"])
def sweep(
    direction: Annotated[
        list[str],
        typer.Option("--direction", metavar="[NAME=]FILE", help="May be given twice: reply=..., instruction=..."),
    ],
    coefficient: Annotated[list[float], typer.Option(help="Coefficients beside 0; may be given several times.")],
    out: Out,
    given: Given[StudyConfig],
    model: Annotated[str, typer.Option(metavar="SPEC", help="The supporter's base: local:BASE.")] = EMBEDDED,
    users: Annotated[
        str | None, typer.Option(help="Kinds of simulated user (default: guarded,prompted; own for Python code).")
    ] = None,
    placebo: Annotated[bool, typer.Option(help="Random directions at equal norm and equal surprise.")] = True,
    repeng: Annotated[
        float | None,
        typer.Option(help="Dose of repeng's default direction; unless given, that of equal surprise; 0: leave it out."),
    ] = None,
    tokens: Annotated[
        Literal["reply", "replies"], typer.Option(help="replies: steer earlier replies in the history too.")
    ] = "reply",
    at: Annotated[
        Literal["every", "starts"] | None, typer.Option(help="As in +at=; default: as each direction was made.")
    ] = None,
    allow_overlap: Annotated[
        bool, typer.Option("--allow-overlap", help="Go on though profiles stand in the direction's pairs too.")
    ] = False,
    allow_cloud_tracing: CloudTracing = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Simulate and judge every coefficient with every kind of user; the same command goes on where it stopped."""
    from cocoon.cli.steer.run_sweep import SweepOptions, expect_sweep, run_sweep_command
    from cocoon.cli.terminal.results import print_estimate
    from cocoon.running.frame import forbid_cloud_tracing
    from cocoon.running.study import OwnObjects

    resolved = given.resolve()
    settings = resolved.config
    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    own_user = OwnObjects().agent(settings.user.model) is not None
    asked = SweepOptions(model, direction, coefficient, users, placebo, repeng, tokens, allow_overlap, at, own_user)
    asked.check()
    if asked.kinds() == ["prompted"]:
        resolved.refuse(["user.difficulty", "user.appraiser"], "only prompted users talk, who have no trust gate.")
    if dry_run:
        print_estimate(expect_sweep(settings, asked, out), as_json)
        return
    run_sweep_command(settings, asked, out, as_json)
