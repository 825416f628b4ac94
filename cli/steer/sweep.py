"""`cocoon steer sweep`: how much asking does to comfort, over a grid of coefficients."""

from typing import Annotated, Literal

import typer

from cocoon.cli.terminal.options import CloudTracing, DryRun, Json, Out
from cocoon.cli.terminal.settings import settings_of
from cocoon.core.config import EMBEDDED, StudyConfig
from cocoon.core.verb_settings import SWEEP, Given


@settings_of(SWEEP)
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
    from cocoon.api.steering import prepare_sweep, run_sweep_study
    from cocoon.cli.terminal.results import finish_study, print_estimate

    compared: dict[str, object] = {
        **{"direction": direction, "coefficient": coefficient, "model": model, "users": users, "placebo": placebo},
        **{"repeng": repeng, "tokens": tokens, "at": at, "allow_overlap": allow_overlap},
    }
    study = prepare_sweep(out, given, compared, allow_cloud_tracing=allow_cloud_tracing)
    if dry_run:
        print_estimate(study.estimate(), as_json)
        return
    written = f"{out}/sweep.md, sweep.html, tables/, figures/; the runs stand in {out}/users"
    finish_study(run_sweep_study(study), as_json, written)
