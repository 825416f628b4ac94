"""`cocoon profiles translate`: the same profiles in the other language."""

from typing import Annotated

import typer

from cocoon.cli.terminal.options import BudgetCalls, CloudTracing, Concurrency, Config, Json, Options, Out, Timeout
from cocoon.cli.terminal.results import finish


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
    from cocoon.api.building import translate_profiles

    made = translate_profiles(
        profiles=profiles,
        to=to,
        out=out,
        writer=model,
        limit=limit,
        concurrency=concurrency,
        timeout=timeout,
        budget_calls=budget_calls,
        config=config,
        options=options or (),
        allow_cloud_tracing=allow_cloud_tracing,
    )
    finish(made, as_json)
