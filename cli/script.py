"""`cocoon script`: profiles in, script-based dialogues out, filtered and annotated."""

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
    from cocoon.cli.local_parts import local_parts
    from cocoon.cli.run_generation import run_generation
    from cocoon.cli.run_study import print_estimate
    from cocoon.core.config import resolve_as
    from cocoon.core.generation_config import ScriptConfig
    from cocoon.core.profile_files import profile_path
    from cocoon.graphs.frame import forbid_cloud_tracing
    from cocoon.graphs.generation_estimate import estimate_scripts
    from cocoon.graphs.script_build import ScriptGenerator
    from cocoon.graphs.study import open_models, profiles_of

    flags: dict[str, Any] = {
        "profiles": profiles,
        "limit": limit,
        "language": language,
        "writer.model": writer,
        "rater.model": rater,
        "rewrite": rewrite,
        **_threshold(threshold),
        "seed": seed,
        "concurrency": concurrency,
        "timeout": timeout,
        "budget.calls": budget_calls,
        "budget.tokens": budget_tokens,
        "budget.money": budget_money,
    }
    settings = resolve_as(ScriptConfig, config, options or [], flags).config
    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    files = [str(path) for name in settings.profiles for path in profile_path(name)]
    chosen = profiles_of(files, settings.limit, settings.language)
    if dry_run:
        print_estimate(estimate_scripts(settings, len(chosen)), as_json)
        return
    models = open_models(settings, local_parts())
    generator = ScriptGenerator(settings, models, chosen)
    run_generation(generator, generator.items(), settings, models, out, f"cocoon judge {out} --judge SPEC", as_json)


def _threshold(given: str | None) -> dict[str, Any]:
    if given is None or given in ("share", "mean"):
        return {"threshold": given}
    try:
        return {"threshold": "mean", "aels_mean": float(given)}
    except ValueError:
        raise typer.BadParameter(f"--threshold {given!r}: share, mean, or a number from 1 to 7") from None
