"""Runs the building of data from the command line: hosts first, progress, what was kept and why the rest was not."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from cocoon.cli.progress import Watcher
from cocoon.cli.run_study import say
from cocoon.core.config import RunConfig
from cocoon.core.errors import StoppedError
from cocoon.core.models import Models
from cocoon.graphs.generation import Generated, Generator, Item, generate, reasons_line


def run_generation(
    generator: Generator,
    items: Sequence[Item],
    config: RunConfig,
    models: Models,
    out: Path,
    next_step: str,
    as_json: bool,
) -> Generated:
    """Build into `out`; exits with the session's code unless it is 0."""
    for spec in {spec for specs in generator.roles().values() for spec in specs}:
        models.open(spec)
    say(f"text goes to: {', '.join(models.hosts)}" if models.hosts else "text stays on this machine")
    try:
        outcome = asyncio.run(generate(generator, items, config, models, out, Watcher()))
    except asyncio.CancelledError:
        raise StoppedError("stopped at once; the same command goes on from the last answered call") from None
    _tell(outcome, generator, models, out, next_step, as_json)
    if outcome.exit_code:
        raise typer.Exit(outcome.exit_code)
    return outcome


def _tell(outcome: Generated, generator: Generator, models: Models, out: Path, next_step: str, as_json: bool) -> None:
    progress, budget = outcome.progress, models.budget
    dropped = sum(outcome.reasons.values())
    if as_json:
        told: dict[str, Any] = {
            "out": str(out),
            "kept": outcome.kept,
            "dropped": dict(outcome.reasons),
            "notes": outcome.notes,
            "failed": outcome.failures,
            "calls": progress.calls,
            "replayed": progress.replayed,
            "tokens_in": budget.tokens_in,
            "tokens_out": budget.tokens_out,
            "stopped": str(outcome.stopped_by) if outcome.stopped_by else None,
        }
        typer.echo(json.dumps(told, ensure_ascii=False))
    say(
        f"{outcome.kept} of {progress.dialogues} in {out}/{generator.kept}, "
        f"{progress.calls} calls ({progress.replayed} from the journal)"
    )
    for note in outcome.notes:
        say(note)
    if dropped:
        say(f"{dropped} dropped, see {out}/dropped.jsonl: {reasons_line(outcome.reasons)}")
    if outcome.failures:
        say(f"{outcome.failures} failed, see {out}/failures.jsonl; the same command tries them again")
    if outcome.stopped_by:
        say(f"cocoon: {outcome.stopped_by}")
    elif outcome.kept:
        say(f"next: {next_step}")
