"""`cocoon profiles translate`: the same profiles in the other language."""

from pathlib import Path
from typing import Annotated

import typer

from cocoon.cli.options import BudgetCalls, CloudTracing, Concurrency, Config, Json, Options, Out, Timeout


def translate(
    profiles: Annotated[list[str], typer.Argument(help="Profiles: a JSONL file, or shipped:en, shipped:zh.")],
    to: Annotated[str, typer.Option(help="zh or en.")],
    out: Out,
    model: Annotated[str | None, typer.Option(metavar="SPEC", help="The model that translates.")] = None,
    limit: Annotated[int | None, typer.Option("-n", "--limit", help="Only the first N profiles.")] = None,
    concurrency: Concurrency = None,
    timeout: Timeout = None,
    budget_calls: BudgetCalls = None,
    config: Config = None,
    options: Options = None,
    allow_cloud_tracing: CloudTracing = False,
    as_json: Json = False,
) -> None:
    """Translate piece by piece; each result names its original (translation_of) and is marked as not reviewed."""
    from cocoon.cli.local_parts import local_parts
    from cocoon.cli.run_generation import run_generation
    from cocoon.core.config import resolve_as
    from cocoon.core.generation_config import TranslationConfig
    from cocoon.core.profile_files import profile_path
    from cocoon.graphs.frame import forbid_cloud_tracing
    from cocoon.graphs.study import open_models, profiles_of
    from cocoon.graphs.translation import TranslationGenerator

    flags = {
        "profiles": profiles,
        "to": to,
        "limit": limit,
        "writer.model": model,
        "concurrency": concurrency,
        "timeout": timeout,
        "budget.calls": budget_calls,
    }
    settings = resolve_as(TranslationConfig, config, options or [], flags).config
    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    files = [str(path) for name in settings.profiles for path in profile_path(name)]
    models = open_models(settings, local_parts())
    generator = TranslationGenerator(settings, models, profiles_of(files, settings.limit, None))
    items = generator.items()
    run_generation(generator, items, settings, models, Path(out), f"read {out}/profiles.jsonl", as_json)
