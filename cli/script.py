"""`cocoon script`: profiles in, script-based dialogues out, filtered and annotated."""

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
    Out,
    Timeout,
)
from cocoon.cli.terminal.results import finish, print_estimate


def script(
    out: Out,
    profiles: Annotated[
        list[str] | None, typer.Option(help="Profiles: a JSONL file, or shipped:en, shipped:zh, shipped. Repeatable.")
    ] = None,
    limit: Annotated[int | None, typer.Option("-n", "--limit", help="Only the first N profiles.")] = None,
    language: Annotated[str | None, typer.Option(help="Only profiles in zh or en.")] = None,
    writer: Annotated[str | None, typer.Option(metavar="SPEC", help="The model that writes both roles.")] = None,
    rater: Annotated[str | None, typer.Option(metavar="SPEC", help="The model that checks, rates, annotates.")] = None,
    rewrite: Annotated[
        str | None,
        typer.Option(help="Questions that become statements: closed (rhetorical and choice too), all, none."),
    ] = None,
    threshold: Annotated[
        str | None, typer.Option(help="AELS filter: share (the lowest 12.5%), mean, or a number from 1 to 7.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of every draw.")] = None,
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
    """Write dialogues as scripts. The same line again goes on where it stopped."""
    from cocoon.api.building import prepare_script
    from cocoon.api.building import script as write

    settings: dict[str, Any] = {
        "out": out,
        "profiles": profiles,
        "limit": limit,
        "language": language,
        "writer": writer,
        "rater": rater,
        "rewrite": rewrite,
        "threshold": _threshold(threshold),
        "seed": seed,
        "concurrency": concurrency,
        "timeout": timeout,
        "budget_calls": budget_calls,
        "budget_tokens": budget_tokens,
        "budget_money": budget_money,
        "config": config,
        "options": options or (),
        "allow_cloud_tracing": allow_cloud_tracing,
    }
    if dry_run:
        print_estimate(prepare_script(**settings).expected, as_json)
        return
    finish(write(**settings), as_json)


def _threshold(text: str | None) -> str | float | None:
    if text is None or text in ("share", "mean"):
        return text
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"--threshold {text!r}: share, mean, or a number from 1 to 7") from None
