"""One session of work on a run folder: simulate and judge, resume, stop cleanly, leave the files settled."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from cocoon.agents.guarded_user import GuardedUser
from cocoon.core.calls import Caller
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import read_lines
from cocoon.core.manifest import RunManifest
from cocoon.core.records import Dialogue, Language, Profile
from cocoon.core.run_folder import RunFolder, read_run
from cocoon.graphs.form_invariance import measure
from cocoon.graphs.frame import Outcome, Watch, forbid_cloud_tracing, opened_run, prompt_shas, run_session, window_of
from cocoon.graphs.resume import done_dialogues, lacking, refuse_changed_prompts
from cocoon.graphs.runner import Runner
from cocoon.graphs.study import Study, tasks

__all__ = ["Outcome", "Watch", "assess", "forbid_cloud_tracing", "simulate"]


async def simulate(study: Study, profiles: list[Profile], out: Path, watch: Watch | None = None) -> Outcome:
    """Make (and, with a judge, rate) every dialogue of a study; the same call again goes on where it stopped."""
    user, judges = study.user(), study.judges()
    todo = tasks(profiles, study.supporters(), study.config.samples)
    with opened_run(out, study.config.seed) as (folder, manifest):
        folder.agree(study.config)
        runner = _runner(study, folder, user, judges)
        prompts = prompt_shas(_talk_prompts(study), study.folder)
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

        return await _session(study, manifest, runner, work, [task.dialogue for task in todo], watch)


async def assess(study: Study, out: Path, watch: Watch | None = None) -> Outcome:
    """Rate the dialogues of a run folder with the study's judges; only what is lacking is asked."""
    judges = study.judges()
    with opened_run(out, study.config.seed) as (folder, manifest):
        runner = _runner(study, folder, None, judges)
        names = [line["id"] for _, line in read_lines(out / "dialogues.jsonl")]
        unrated = lacking(out, names, runner.wanted, judges)
        manifest.roles = {
            **manifest.roles,
            "judge": sorted({*manifest.roles.get("judge", []), *_roles(study)["judge"]}),
        }

        async def work() -> None:
            await runner.assess(read_run(out, "dialogues.jsonl", Dialogue), unrated)

        return await _session(study, manifest, runner, work, names, watch)


def _runner(study: Study, folder: RunFolder, user: Any, judges: Any) -> Runner:
    config = study.config
    return Runner(
        folder,
        Caller(folder.journal, seed=config.seed),
        window_of(config.concurrency),
        study.models.stop,
        user=user,
        judges=judges,
        votes=config.judge.votes,
        rounds=config.rounds,
    )


async def _session(
    study: Study,
    manifest: RunManifest,
    runner: Runner,
    work: Callable[[], Awaitable[None]],
    order: list[str],
    watch: Watch | None,
) -> Outcome:
    manifest.prompts |= prompt_shas(_judge_prompts(study), study.folder)
    return await run_session(runner, manifest, study.models, work, order, watch)


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
    names = ("success_paper", "success_attributed", "scale", "scale_no_need", "value", "repair")
    return [f"judge/{name}" for name in names] if study.config.judge.model else []
