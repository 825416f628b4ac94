"""`cocoon simulate`: conversations between supporters and the resistant user, judged as they are made if wanted."""

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
    Preset,
    Scales,
    Timeout,
    Votes,
)
from cocoon.cli.terminal.results import finish, print_estimate


def simulate(
    out: Out,
    profiles: Annotated[
        list[str] | None, typer.Option(help="Profiles: a JSONL file, or shipped:en, shipped:zh, shipped. Repeatable.")
    ] = None,
    limit: Annotated[int | None, typer.Option("-n", "--limit", help="Only the first N profiles.")] = None,
    rounds: Annotated[int | None, typer.Option(help="Replies of the supporter after its opening.")] = None,
    supporter: Annotated[
        list[str] | None, typer.Option(metavar="[NAME=]SPEC", help="The supporter's model. Repeatable.")
    ] = None,
    supporter_prompt: Annotated[str | None, typer.Option(help="Its prompt: listen, plain, brief, or your own.")] = None,
    user: Annotated[str | None, typer.Option(metavar="SPEC", help="The simulated user's model.")] = None,
    user_kind: Annotated[str | None, typer.Option(help="guarded (trust gate) or prompted (the paper's).")] = None,
    difficulty: Annotated[str | None, typer.Option(help="easy, normal or hard (guarded user).")] = None,
    rules: Annotated[str | None, typer.Option(help="Trust rules: neutral or listening.")] = None,
    appraiser: Annotated[str | None, typer.Option(metavar="SPEC", help="Appraising model, or rule.")] = None,
    samples: Annotated[int | None, typer.Option(help="Dialogues per profile and supporter.")] = None,
    language: Annotated[str | None, typer.Option(help="Only profiles in zh or en.")] = None,
    judge: Annotated[
        str | None, typer.Option(metavar="SPEC", help="Judge each dialogue as soon as it is made, with this model.")
    ] = None,
    scales: Scales = None,
    votes: Votes = None,
    seed: Annotated[int | None, typer.Option(help="Seed of every draw.")] = None,
    concurrency: Concurrency = None,
    timeout: Timeout = None,
    budget_calls: BudgetCalls = None,
    budget_tokens: BudgetTokens = None,
    budget_money: BudgetMoney = None,
    preset: Preset = None,
    config: Config = None,
    options: Options = None,
    allow_cloud_tracing: CloudTracing = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Simulate conversations. The same line again goes on where it stopped; nothing answered is asked twice."""
    from cocoon.api.talking import prepare_simulation
    from cocoon.api.talking import simulate as run

    settings: dict[str, Any] = {
        "out": out,
        "profiles": profiles,
        "limit": limit,
        "rounds": rounds,
        "supporter": supporter,
        "supporter_prompt": supporter_prompt,
        "user": user,
        "user_kind": user_kind,
        "difficulty": difficulty,
        "rules": rules,
        "appraiser": appraiser,
        "samples": samples,
        "language": language,
        "judge": judge,
        "scales": scales,
        "votes": votes,
        "seed": seed,
        "concurrency": concurrency,
        "timeout": timeout,
        "budget_calls": budget_calls,
        "budget_tokens": budget_tokens,
        "budget_money": budget_money,
        "preset": preset,
        "config": config,
        "options": options or (),
        "allow_cloud_tracing": allow_cloud_tracing,
    }
    if dry_run:
        print_estimate(prepare_simulation(**settings).estimate(), as_json)
        return
    finish(run(**settings), as_json)
