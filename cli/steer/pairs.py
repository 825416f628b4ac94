"""`cocoon steer pairs`: contrastive pairs written by a model, sieved, ready for extraction."""

from typing import Annotated

import typer

from cocoon.cli.terminal.options import BudgetCalls, CloudTracing, Concurrency, Config, Json, Options, Out, Timeout
from cocoon.cli.terminal.results import finish


def pairs(
    situations: Annotated[
        list[str], typer.Argument(help="JSONL of situations, profiles or dialogues, or shipped:en:SET.")
    ],
    out: Out,
    model: Annotated[str | None, typer.Option(metavar="SPEC", help="The model that writes.")] = None,
    limit: Annotated[int | None, typer.Option("-n", "--limit", help="Only N situations, one a source.")] = None,
    each: Annotated[int | None, typer.Option(help="Pairs of each situation.")] = None,
    concurrency: Concurrency = None,
    timeout: Timeout = None,
    budget_calls: BudgetCalls = None,
    config: Config = None,
    options: Options = None,
    allow_cloud_tracing: CloudTracing = False,
    as_json: Json = False,
) -> None:
    """Write each reply as a question and as a statement; what differs in more than that is refused with its reason."""
    from cocoon.api.steering import write_pairs

    pairs = write_pairs(
        out=out,
        situations=situations,
        limit=limit,
        each=each,
        writer=model,
        concurrency=concurrency,
        timeout=timeout,
        budget_calls=budget_calls,
        config=config,
        options=options or (),
        allow_cloud_tracing=allow_cloud_tracing,
    )
    finish(pairs, as_json)
