"""`cocoon profiles build`: profiles from scenarios and emotions, written and rated by models."""

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
    Out,
    Timeout,
)
from cocoon.cli.terminal.results import finish, print_estimate


def build(
    out: Out,
    limit: Annotated[int | None, typer.Option("-n", "--limit", help="Profiles to try, over all languages.")] = None,
    language: Annotated[str | None, typer.Option(help="zh, en or both.")] = None,
    writer: Annotated[str | None, typer.Option(metavar="SPEC", help="The model that writes.")] = None,
    rater: Annotated[str | None, typer.Option(metavar="SPEC", help="The model that rates difficulty.")] = None,
    taxonomy: Annotated[
        Path | None, typer.Option(help="Scenarios, emotions and seed needs of your own (YAML).")
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
    """Build profiles. The same line again goes on where it stopped; a larger -n adds to what is there."""
    from cocoon.api.building import build_profiles, prepare_profiles

    settings: dict[str, Any] = {
        "out": out,
        "limit": limit,
        "languages": _languages(language),
        "writer": writer,
        "rater": rater,
        "taxonomy": str(taxonomy) if taxonomy else None,
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
        print_estimate(prepare_profiles(**settings).expected, as_json)
        return
    finish(build_profiles(**settings), as_json)


def _languages(name: str | None) -> list[str] | None:
    if name is None:
        return None
    if name not in ("zh", "en", "both"):
        raise typer.BadParameter(f"--language {name!r}: zh, en or both")
    return ["zh", "en"] if name == "both" else [name]
