"""One session of work on a run folder: simulate and judge, resume, stop cleanly, leave the files settled."""

import asyncio
import gc
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cocoon import __version__
from cocoon.agents.guarded_user import GuardedUser
from cocoon.core.calls import Caller
from cocoon.core.environment import TRACING
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import read_lines
from cocoon.core.manifest import (
    RunManifest,
    begin_session,
    end_session,
    new_manifest,
    read_manifest,
    write_manifest,
)
from cocoon.core.models import Models
from cocoon.core.prompts import load_prompt
from cocoon.core.records import Dialogue, Language, Profile
from cocoon.core.run_folder import RunFolder, read_run
from cocoon.graphs.form_invariance import measure
from cocoon.graphs.resume import done_dialogues, lacking, refuse_changed_prompts
from cocoon.graphs.runner import Progress, Runner
from cocoon.graphs.study import Study, tasks

Watch = Callable[[Progress, Models], Awaitable[None]]


@dataclass
class Outcome:
    """How a session went: `stopped_by` is none when everything was tried to the end."""

    progress: Progress
    failures: int
    stopped_by: CocoonError | None = None
    dialogues: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 ok, 1 some failed, or the code of what stopped the run."""
        if self.stopped_by is not None:
            return self.stopped_by.exit_code
        return 1 if self.failures else 0


def forbid_cloud_tracing() -> None:
    """Conversations go to no tracing service, whatever the environment says."""
    for name in TRACING:
        os.environ[name] = "false"


async def simulate(study: Study, profiles: list[Profile], out: Path, watch: Watch | None = None) -> Outcome:
    """Make (and, with a judge, rate) every dialogue of a study; the same call again goes on where it stopped."""
    user, judges = study.user(), study.judges()
    todo = tasks(profiles, study.supporters(), study.config.samples)
    with _opened(out, study) as (folder, manifest):
        folder.agree(study.config)
        runner = _runner(study, folder, user, judges)
        prompts = _prompt_shas(study, _talk_prompts(study))
        if folder.journal.spent():
            refuse_changed_prompts(out, manifest.prompts, prompts)
        done = done_dialogues(out, todo)
        manifest.roles = _roles(study)
        manifest.prompts |= prompts
        unrated = lacking(out, [task.dialogue for task in todo if task.dialogue in done], runner.wanted, judges)

        async def work() -> None:
            await _measure_form(study, runner, manifest, profiles)
            await runner.simulate(todo, done)
            if unrated:
                runner.progress.reopen(len(unrated))
                await runner.assess(read_run(out, "dialogues.jsonl", Dialogue), unrated)

        return await _session(study, folder, manifest, runner, work, [task.dialogue for task in todo], watch)


async def assess(study: Study, out: Path, watch: Watch | None = None) -> Outcome:
    """Rate the dialogues of a run folder with the study's judges; only what is lacking is asked."""
    judges = study.judges()
    with _opened(out, study) as (folder, manifest):
        runner = _runner(study, folder, None, judges)
        names = [line["id"] for _, line in read_lines(out / "dialogues.jsonl")]
        unrated = lacking(out, names, runner.wanted, judges)
        manifest.roles = {
            **manifest.roles,
            "judge": sorted({*manifest.roles.get("judge", []), *_roles(study)["judge"]}),
        }

        async def work() -> None:
            await runner.assess(read_run(out, "dialogues.jsonl", Dialogue), unrated)

        return await _session(study, folder, manifest, runner, work, names, watch)


@contextmanager
def _opened(out: Path, study: Study) -> Iterator[tuple[RunFolder, RunManifest]]:
    folder = RunFolder(out)
    try:
        yield folder, read_manifest(out) or new_manifest(__version__, study.config.seed)
    finally:
        folder.close()


def _runner(study: Study, folder: RunFolder, user: Any, judges: Any) -> Runner:
    config = study.config
    window = max(2 * config.concurrency, 64)
    caller = Caller(folder.journal, seed=config.seed)
    stop = study.models.stop
    return Runner(folder, caller, user, judges, config.judge.votes, config.rounds, window, stop=stop)


async def _session(
    study: Study,
    folder: RunFolder,
    manifest: RunManifest,
    runner: Runner,
    work: Callable[[], Awaitable[None]],
    order: list[str],
    watch: Watch | None,
) -> Outcome:
    models = study.models
    _count_spent(folder, models)
    manifest.models |= {label: model.facts for label, model in models.opened.items()}
    manifest.hosts = sorted({*manifest.hosts, *models.hosts})
    manifest.prompts |= _prompt_shas(study, _judge_prompts(study))
    session = begin_session(manifest)
    write_manifest(folder.path, manifest)
    watching = asyncio.ensure_future(watch(runner.progress, models)) if watch else None
    try:
        with _stop_on_interrupt(models), _collector_spared():
            await work()
            await runner.caller.drain()
    finally:
        runner.caller.abandon()
        if watching:
            watching.cancel()
        await models.aclose()
    folder.settle(order)
    end_session(session, type(runner.stopped_by).__name__ if runner.stopped_by else "finished")
    write_manifest(folder.path, manifest)
    return Outcome(runner.progress, len(folder.failures), runner.stopped_by, order)


async def _measure_form(study: Study, runner: Runner, manifest: RunManifest, profiles: list[Profile]) -> None:
    """Measure the appraiser's form invariance once a run; a run that is stopped meanwhile measures it when resumed."""
    user, pairs = runner.user, study.config.form_pairs
    if manifest.form_invariance is not None or not isinstance(user, GuardedUser) or not pairs:
        return
    languages: list[Language] = sorted({profile.language for profile in profiles})
    try:
        found = await measure(user.appraiser, user.gate.rules, runner.caller, languages, pairs)
    except CocoonError as error:
        runner.end(error)
        return
    manifest.form_invariance = found.model_dump(mode="json")


def _count_spent(folder: RunFolder, models: Models) -> None:
    for label, (calls, tokens_in, tokens_out) in folder.journal.spent().items():
        models.budget.calls_made += calls
        model = models.opened.get(label)
        models.budget.end_call(tokens_in, tokens_out, model.cost(tokens_in, tokens_out) if model else None)


@contextmanager
def _collector_spared() -> Iterator[None]:
    """Keep the garbage collector from walking, again and again, all that was loaded before the work began: it took
    a quarter of the processor time of a replay."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def _stop_on_interrupt(models: Models) -> Iterator[None]:
    """The first Ctrl-C starts no further call and lets those in flight finish; the second stops at once."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()

    def interrupted() -> None:
        loop.add_signal_handler(signal.SIGINT, lambda: task.cancel() if task else None)
        models.stop()

    try:
        loop.add_signal_handler(signal.SIGINT, interrupted)
    except (NotImplementedError, RuntimeError, ValueError):
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)


def _roles(study: Study) -> dict[str, list[str]]:
    config = study.config
    roles = {"supporter": [one.model for one in config.supporters], "user": [config.user.model]}
    if config.user.kind == "guarded":
        roles["appraiser"] = [config.user.appraiser or config.user.model]
    roles["judge"] = [config.judge.model] if config.judge.model else []
    return roles


def _talk_prompts(study: Study) -> list[str]:
    names = ["supporter/opening", *(f"supporter/{one.prompt}" for one in study.config.supporters)]
    return names + (["user/guarded", "user/appraise"] if study.config.user.kind == "guarded" else ["user/prompted"])


def _judge_prompts(study: Study) -> list[str]:
    names = ("success_paper", "success_attributed", "scale", "scale_no_need", "repair")
    return [f"judge/{name}" for name in names] if study.config.judge.model else []


def _prompt_shas(study: Study, names: list[str]) -> dict[str, str]:
    return {
        f"{name}.{language}": load_prompt(name, language, study.folder).sha
        for name in names
        for language in ("zh", "en")
    }
