"""`cocoon steer sweep`: how much asking does to comfort, over a grid of coefficients."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cocoon.cli.terminal.options import (
    BudgetCalls,
    CloudTracing,
    Concurrency,
    Config,
    DryRun,
    Json,
    Options,
    Out,
    Scales,
    Timeout,
)


def sweep(
    direction: Annotated[
        list[str],
        typer.Option("--direction", metavar="[NAME=]FILE", help="May be given twice: reply=..., instruction=..."),
    ],
    coefficient: Annotated[list[float], typer.Option(help="Coefficients beside 0; may be given several times.")],
    out: Out,
    model: Annotated[str, typer.Option(metavar="SPEC", help="The supporter's base: local:BASE.")] = "local:smollm2",
    profiles: Annotated[list[str] | None, typer.Option(help="Profiles: a JSONL file, shipped:en, shipped:zh.")] = None,
    limit: Annotated[int | None, typer.Option("-n", "--limit", help="Only the first N profiles.")] = None,
    rounds: Annotated[int | None, typer.Option(help="Rounds of each dialogue.")] = None,
    samples: Annotated[int | None, typer.Option(help="Dialogues of each profile and coefficient.")] = None,
    users: Annotated[
        str | None, typer.Option(help="Kinds of simulated user (default: guarded,prompted; own for Python code).")
    ] = None,
    user: Annotated[str | None, typer.Option(metavar="SPEC", help="The simulated user's model.")] = None,
    appraiser: Annotated[str | None, typer.Option(metavar="SPEC", help="A model, or rule.")] = None,
    judge: Annotated[str | None, typer.Option(metavar="SPEC", help="The judge's model.")] = None,
    scales: Scales = None,
    placebo: Annotated[bool, typer.Option(help="Random directions at equal norm and equal surprise.")] = True,
    repeng: Annotated[
        float | None,
        typer.Option(help="Dose of repeng's default direction; unless given, that of equal surprise; 0: leave it out."),
    ] = None,
    tokens: Annotated[str, typer.Option(help="reply, or replies: steer earlier replies in the history too.")] = "reply",
    at: Annotated[
        str | None, typer.Option(help="every or starts, as in +at=; default: as each direction was made.")
    ] = None,
    allow_overlap: Annotated[
        bool, typer.Option("--allow-overlap", help="Go on though profiles stand in the direction's pairs too.")
    ] = False,
    concurrency: Concurrency = None,
    timeout: Timeout = None,
    budget_calls: BudgetCalls = None,
    config: Config = None,
    options: Options = None,
    allow_cloud_tracing: CloudTracing = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Simulate and judge every coefficient with every kind of user; the same command goes on where it stopped."""
    from cocoon.cli.steer.run_sweep import SweepOptions, expect_sweep, run_sweep_command
    from cocoon.cli.terminal.results import print_estimate
    from cocoon.core.config import resolve
    from cocoon.running.frame import forbid_cloud_tracing
    from cocoon.running.study import OwnObjects

    flags = {
        "profiles": profiles,
        "limit": limit,
        "rounds": rounds,
        "samples": samples,
        "user.model": user,
        "user.appraiser": appraiser,
        "judge.model": judge,
        "judge.scales": scales.split(",") if scales else None,
        "concurrency": concurrency,
        "timeout": timeout,
        "budget.calls": budget_calls,
    }
    settings = resolve(config, options or [], flags).config
    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    how: Any = tokens
    place: Any = at
    own_user = OwnObjects().agent(settings.user.model) is not None
    given = SweepOptions(model, direction, coefficient, users, placebo, repeng, how, allow_overlap, place, own_user)
    given.check()
    if dry_run:
        print_estimate(expect_sweep(settings, given, Path(out)), as_json)
        return
    run_sweep_command(settings, given, Path(out), as_json)
