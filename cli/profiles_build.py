"""`cocoon profiles build`: profiles from scenarios and emotions, written and rated by models."""

from pathlib import Path
from typing import Annotated, Any

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
    Out,
    Timeout,
)


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
    from cocoon.cli.local_parts import local_parts
    from cocoon.cli.run_generation import run_generation
    from cocoon.cli.run_study import print_estimate
    from cocoon.core.config import resolve_as
    from cocoon.core.generation_config import ProfileBuildConfig
    from cocoon.graphs.frame import forbid_cloud_tracing
    from cocoon.graphs.generation_estimate import estimate_profiles
    from cocoon.graphs.profile_build import ProfileGenerator
    from cocoon.graphs.study import open_models

    flags: dict[str, Any] = {
        "limit": limit,
        "languages": _languages(language),
        "writer.model": writer,
        "rater.model": rater,
        "taxonomy": str(taxonomy) if taxonomy else None,
        "seed": seed,
        "concurrency": concurrency,
        "timeout": timeout,
        "budget.calls": budget_calls,
        "budget.tokens": budget_tokens,
        "budget.money": budget_money,
    }
    settings = resolve_as(ProfileBuildConfig, config, options or [], flags).config
    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    models = open_models(settings, local_parts())
    generator = ProfileGenerator(settings, models)
    items = generator.items()
    if dry_run:
        print_estimate(estimate_profiles(settings, len(items)), as_json)
        return
    next_step = f"cocoon simulate --profiles {out}/profiles.jsonl --out runs/NAME"
    run_generation(generator, items, settings, models, out, next_step, as_json)


def _languages(name: str | None) -> list[str] | None:
    if name is None:
        return None
    if name not in ("zh", "en", "both"):
        raise typer.BadParameter(f"--language {name!r}: zh, en or both")
    return ["zh", "en"] if name == "both" else [name]
