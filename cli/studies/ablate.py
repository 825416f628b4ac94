"""`cocoon ablate`: what parts of a profile and the kind of user do to the simulated user (paper RQ5, Figure 5)."""

from typing import Annotated

import typer

from cocoon.cli.terminal.options import BudgetCalls, CloudTracing, Concurrency, Config, Json, Options, Out, Timeout


def ablate(
    out: Out,
    judge: Annotated[str, typer.Option(metavar="SPEC", help="The judge that compares the dialogues in pairs.")],
    profiles: Annotated[
        list[str] | None, typer.Option(help="Profiles: a JSONL file, or shipped:en, shipped:zh, shipped. Repeatable.")
    ] = None,
    limit: Annotated[int | None, typer.Option("-n", "--limit", help="Only the first N profiles.")] = None,
    conditions: Annotated[
        str, typer.Option(help="full, no-memory, no-memory-need; each may name @prompted, @guarded, @guarded-hard.")
    ] = "full,no-memory,no-memory-need",
    every_pair: Annotated[bool, typer.Option("--every-pair", help="Compare every pair, not neighbours alone.")] = False,
    compare_only: Annotated[
        bool, typer.Option("--compare-only", help="Simulate nothing: compare the dialogues in OUT/conditions.")
    ] = False,
    votes: Annotated[int, typer.Option(help="Answers to each question and order (needs temperature > 0).")] = 1,
    rounds: Annotated[int | None, typer.Option(help="Replies of the supporter after its opening.")] = None,
    supporter: Annotated[str | None, typer.Option(metavar="SPEC", help="The supporter's model.")] = None,
    user: Annotated[str | None, typer.Option(metavar="SPEC", help="The simulated user's model.")] = None,
    user_kind: Annotated[str | None, typer.Option(help="guarded or prompted, where a condition names none.")] = None,
    appraiser: Annotated[str | None, typer.Option(metavar="SPEC", help="Appraising model, or rule.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of every draw.")] = None,
    concurrency: Concurrency = None,
    timeout: Timeout = None,
    budget_calls: BudgetCalls = None,
    config: Config = None,
    options: Options = None,
    allow_cloud_tracing: CloudTracing = False,
    as_json: Json = False,
) -> None:
    """Simulate every condition, have a judge compare them in both orders, and report. The same line resumes."""
    from cocoon.api.studies import ablate as run
    from cocoon.cli.terminal.results import finish_study

    result = run(
        out=out,
        judge=judge,
        profiles=profiles,
        limit=limit,
        conditions=conditions,
        every_pair=every_pair,
        compare_only=compare_only,
        votes=votes,
        rounds=rounds,
        supporter=supporter,
        user=user,
        user_kind=user_kind,
        appraiser=appraiser,
        seed=seed,
        concurrency=concurrency,
        timeout=timeout,
        budget_calls=budget_calls,
        config=config,
        options=options or (),
        allow_cloud_tracing=allow_cloud_tracing,
    )
    finish_study(result, as_json, f"{out}/ablation.md, ablation.html, tables/; the dialogues stand in {out}/conditions")
