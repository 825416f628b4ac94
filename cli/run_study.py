"""Runs a study from the command line: says where text will go, shows progress, says where the results are."""

import asyncio
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import typer

from cocoon.cli.local_parts import local_parts
from cocoon.cli.progress import Watcher
from cocoon.core.config import StudyConfig
from cocoon.core.errors import StoppedError
from cocoon.core.jsonl import read_lines
from cocoon.core.profile_files import profile_path
from cocoon.graphs.estimate import estimate
from cocoon.graphs.session import Outcome, assess, forbid_cloud_tracing, simulate
from cocoon.graphs.study import Study, open_models, read_profiles, with_trained_prompts


def say(text: str) -> None:
    """A line for people, on stderr."""
    typer.echo(text, err=True)


def with_profile_files(config: StudyConfig) -> StudyConfig:
    """The settings with every name of profiles, shipped ones too, as the files that it stands for."""
    files = [str(path) for name in config.profiles for path in profile_path(name)]
    return config.model_copy(update={"profiles": files})


def start(
    config: StudyConfig, out: Path, *, allow_cloud_tracing: bool = False, dry_run: bool = False, as_json: bool = False
) -> Outcome | None:
    """Simulate (and judge, where a judge is named) into `out`; exits with the session's code unless it is 0."""
    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    config = with_profile_files(config)
    profiles = read_profiles(config)
    study = Study(config, open_models(config, local_parts()))
    if dry_run:
        dialogues = len(profiles) * len(config.supporters) * config.samples
        print_estimate(estimate(config, dialogues), as_json)
        return None
    say(f"{_count(len(profiles), 'profile')}, {_count(len(config.supporters), 'supporter')}; loading models ...")
    for opened in (study.user, study.judges, study.supporters):
        opened()
    study.config = with_trained_prompts(study)
    _say_hosts(study)
    outcome = _run(simulate(study, profiles, out, Watcher()))
    return finish(outcome, out, study, as_json)


def start_judging(
    config: StudyConfig, out: Path, *, allow_cloud_tracing: bool = False, dry_run: bool = False, as_json: bool = False
) -> Outcome | None:
    """Judge the dialogues of a run folder."""
    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    study = Study(config, open_models(config, local_parts()))
    if dry_run:
        dialogues = sum(1 for _ in read_lines(out / "dialogues.jsonl"))
        print_estimate(estimate(config, dialogues, talking=False), as_json)
        return None
    study.judges()
    _say_hosts(study)
    outcome = _run(assess(study, out, Watcher()))
    return finish(outcome, out, study, as_json)


def _run(session: Coroutine[Any, Any, Outcome]) -> Outcome:
    try:
        return asyncio.run(session)
    except asyncio.CancelledError:
        raise StoppedError("stopped at once; the same command goes on from the last answered call") from None


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _say_hosts(study: Study) -> None:
    hosts = study.models.hosts
    say(f"text goes to: {', '.join(hosts)}" if hosts else "text stays on this machine")


def print_estimate(expected: dict[str, Any], as_json: bool) -> None:
    """Print what a run is expected to take."""
    if as_json:
        typer.echo(json.dumps(expected))
        return
    for name, value in expected.items():
        shown = ", ".join(value) or "none" if isinstance(value, list) else value
        typer.echo(f"{name.replace('_', ' ')}: {'not known' if shown is None else shown}")


def finish(outcome: Outcome, out: Path, study: Study, as_json: bool) -> Outcome:
    """Say how it went, where the results are and what to try next; exit unless all went well."""
    progress, budget = outcome.progress, study.models.budget
    told: dict[str, Any] = {
        "out": str(out),
        "dialogues": progress.done + progress.resumed,
        "failed": outcome.failures,
        "calls": progress.calls,
        "replayed": progress.replayed,
        "tokens_in": budget.tokens_in,
        "tokens_out": budget.tokens_out,
        "cost": round(budget.spent, 4) if study.config.prices else None,
        "stopped": str(outcome.stopped_by) if outcome.stopped_by else None,
    }
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False))
    say(
        f"{told['dialogues']} of {_count(progress.dialogues, 'dialogue')} in {out}/dialogues.jsonl, "
        f"{told['calls']} calls ({told['replayed']} from the journal)"
    )
    if outcome.failures:
        say(f"{outcome.failures} failed, see {out}/failures.jsonl; the same command tries them again")
    if outcome.stopped_by:
        say(f"cocoon: {outcome.stopped_by}")
    elif not study.config.judge.model:
        say(f"next: cocoon judge {out} --judge SPEC")
    else:
        say(f"next: cocoon report {out}")
    if outcome.exit_code:
        raise typer.Exit(outcome.exit_code)
    return outcome
