"""`cocoon judge`: ratings of dialogues that are there, on scales and by success."""

from pathlib import Path
from typing import Annotated

import typer

from cocoon.cli.options import (
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


def judge(
    run: Annotated[
        list[Path],
        typer.Argument(metavar="RUN|FILE...", help="A run folder, or files of dialogues (then --out names the run)."),
    ],
    judge: Annotated[str | None, typer.Option(metavar="SPEC", help="The judge's model.")] = None,
    judges: Annotated[
        str | None, typer.Option(metavar="SPEC,SPEC", help="Several judges, one after the other; see docs/judging.md.")
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
    from cocoon.cli.run_study import start_judging
    from cocoon.core.config import resolve

    flags = {
        "judge.scales": scales.split(",") if scales else None,
        "judge.votes": votes,
        "judge.permute": permute or None,
        "scale_files": [str(path) for path in scale_file] if scale_file else None,
        "concurrency": concurrency,
        "timeout": timeout,
        "budget.calls": budget_calls,
        "budget.tokens": budget_tokens,
        "budget.money": budget_money,
    }
    specs = _specs(judge, judges)
    folder = _folder(run, out, sample, seed)
    some_failed = False
    for spec in specs:
        settings = resolve(config, options or [], {**flags, "judge.model": spec}).config
        try:
            start_judging(settings, folder, allow_cloud_tracing=allow_cloud_tracing, dry_run=dry_run, as_json=as_json)
        except typer.Exit as ended:
            # What one judge failed at is no reason to keep the next one from rating.
            if ended.exit_code != 1:
                raise
            some_failed = True
    if some_failed:
        raise typer.Exit(1)


def _folder(given: list[Path], out: Path | None, sample: int | None, seed: int) -> Path:
    """The run folder to judge: the one given, or one made from files."""
    from cocoon.core.run_folder import adopt_dialogues, existing_run
    from cocoon.core.sample import adopt_sample

    folders = [path for path in given if not path.is_file()]
    if not folders:
        whole = sample is None and len(given) == 1
        return adopt_dialogues(given[0], out) if whole else adopt_sample(given, out, sample, seed)
    if len(given) > 1 or sample is not None:
        raise typer.BadParameter(f"{folders[0]} is no file of dialogues; several paths and --sample are for files")
    return existing_run(given[0])


def _specs(judge: str | None, judges: str | None) -> list[str]:
    """The judges' specs, each once, in the order given."""
    named = [*([judge] if judge else []), *(judges.split(",") if judges else [])]
    specs = list(dict.fromkeys(spec.strip() for spec in named if spec.strip()))
    if not specs:
        raise typer.BadParameter("name a judge: --judge SPEC, or --judges SPEC,SPEC")
    return specs
