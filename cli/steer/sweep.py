"""`cocoon steer sweep`: how much asking does to comfort, over a grid of coefficients."""

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
    from cocoon.api.steering import prepare_sweep
    from cocoon.api.steering import sweep as run
    from cocoon.cli.terminal.results import finish_study, print_estimate

    settings: dict[str, Any] = {
        "direction": direction,
        "coefficient": coefficient,
        "out": out,
        "model": model,
        "profiles": profiles,
        "limit": limit,
        "rounds": rounds,
        "samples": samples,
        "users": users,
        "user": user,
        "appraiser": appraiser,
        "judge": judge,
        "scales": scales or None,
        "placebo": placebo,
        "repeng": repeng,
        "tokens": tokens,
        "at": at,
        "allow_overlap": allow_overlap,
        "concurrency": concurrency,
        "timeout": timeout,
        "budget_calls": budget_calls,
        "config": config,
        "options": options or (),
        "allow_cloud_tracing": allow_cloud_tracing,
    }
    if dry_run:
        print_estimate(prepare_sweep(**settings).estimate(), as_json)
        return
    written = f"{out}/sweep.md, sweep.html, tables/, figures/; the runs stand in {out}/users"
    finish_study(run(**settings), as_json, written)
