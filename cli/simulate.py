"""`cocoon simulate`: conversations between supporters and the resistant user, judged as they are made if wanted."""

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
    Preset,
    Scales,
    Timeout,
    Votes,
)


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
    from cocoon.cli.run_study import start
    from cocoon.core.config import resolve

    flags: dict[str, Any] = {
        "profiles": profiles,
        "limit": limit,
        "rounds": rounds,
        "supporters": _supporters(supporter, supporter_prompt),
        "user.model": user,
        "user.kind": user_kind,
        "user.difficulty": difficulty,
        "user.rules": rules,
        "user.appraiser": appraiser,
        "samples": samples,
        "language": language,
        "judge.model": judge,
        "judge.scales": scales.split(",") if scales else None,
        "judge.votes": votes,
        "seed": seed,
        "concurrency": concurrency,
        "timeout": timeout,
        "budget.calls": budget_calls,
        "budget.tokens": budget_tokens,
        "budget.money": budget_money,
    }
    resolved = resolve(config, options or [], flags, preset=preset)
    start(resolved.config, Path(out), allow_cloud_tracing=allow_cloud_tracing, dry_run=dry_run, as_json=as_json)


def _supporters(given: list[str] | None, prompt: str | None) -> list[dict[str, str]] | None:
    if not given:
        return [{"prompt": prompt}] if prompt else None
    return [_supporter(text) | ({"prompt": prompt} if prompt else {}) for text in given]


def _supporter(text: str) -> dict[str, str]:
    name, equals, spec = text.partition("=")
    # An address may hold an equals sign of its own; a name holds neither colon nor slash.
    if equals and not set(name) & set(":/#"):
        return {"name": name, "model": spec}
    return {"model": text}
