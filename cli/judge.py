"""`cocoon judge`: ratings of dialogues that are there, on scales and by success."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cocoon.cli.terminal.options import (
    BudgetCalls,
    BudgetMoney,
    BudgetTokens,
    CloudTracing,
    Concurrency,
    Config,
    DryRun,
    Json,
    Options,
    Scales,
    Timeout,
    Votes,
)
from cocoon.cli.terminal.results import finish, print_estimate


def judge(
    run: Annotated[
        list[Path],
        typer.Argument(metavar="RUN|FILE...", help="A run folder, or files of dialogues (then --out names the run)."),
    ],
    judge: Annotated[str | None, typer.Option(metavar="SPEC", help="The judge's model.")] = None,
    judges: Annotated[
        str | None,
        typer.Option(metavar="SPEC,SPEC", help="Several judges, one after the other; see docs/guide/judging.md."),
    ] = None,
    scales: Scales = None,
    votes: Votes = None,
    permute: Annotated[
        bool, typer.Option("--permute", help="Ask the items of later votes in another order (any temperature).")
    ] = False,
    scale_file: Annotated[
        list[Path] | None, typer.Option(help="A scale of your own, such as one with licensed wording. Repeatable.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where ratings of plain dialogues files go.")] = None,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Of each file, judge N dialogues drawn at random (default: all).")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the sample.")] = 0,
    concurrency: Concurrency = None,
    timeout: Timeout = None,
    budget_calls: BudgetCalls = None,
    budget_tokens: BudgetTokens = None,
    budget_money: BudgetMoney = None,
    config: Config = None,
    options: Options = None,
    allow_cloud_tracing: CloudTracing = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Judge a run. Ratings that are there, by the same judge and prompts, are kept and not asked again."""
    from cocoon.api.talking import estimate_judging, judged_folder, prepare_judging
    from cocoon.api.talking import judge as rate

    settings: dict[str, Any] = {
        "scales": scales,
        "votes": votes,
        "permute": permute or None,
        "scale_files": scale_file or (),
        "concurrency": concurrency,
        "timeout": timeout,
        "budget_calls": budget_calls,
        "budget_tokens": budget_tokens,
        "budget_money": budget_money,
        "config": config,
        "options": options or (),
        "allow_cloud_tracing": allow_cloud_tracing,
    }
    specs = _specs(judge, judges)
    folder = judged_folder(run, out, sample, seed)
    some_failed = False
    for spec in specs:
        if dry_run:
            print_estimate(estimate_judging(prepare_judging(folder, judge=spec, **settings), folder), as_json)
            continue
        try:
            finish(rate(folder, spec, **settings), as_json)
        except typer.Exit as ended:
            # What one judge failed at is no reason to keep the next one from rating.
            if ended.exit_code != 1:
                raise
            some_failed = True
    if some_failed:
        raise typer.Exit(1)


def _specs(judge: str | None, judges: str | None) -> list[str]:
    """Return the judges' specs, each once, in the order given."""
    named = [*([judge] if judge else []), *(judges.split(",") if judges else [])]
    specs = list(dict.fromkeys(spec.strip() for spec in named if spec.strip()))
    if not specs:
        raise typer.BadParameter("name a judge: --judge SPEC, or --judges SPEC,SPEC")
    return specs
