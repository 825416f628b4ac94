"""One session of work on a run folder: simulate and judge, resume, stop cleanly, leave the files settled."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from cocoon.agents.protocols import Judge, SimulatedUser, steps_of
from cocoon.agents.writers.moves import Mover
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import read_objects
from cocoon.core.records import AgentFacts, Dialogue, Language, Profile
from cocoon.graphs.forks import Fork
from cocoon.graphs.moves import MoveTurns, move_calls
from cocoon.models.batches.queue import BatchQueue, batches_of, refuse_open_batches
from cocoon.models.calls import Caller
from cocoon.running.checks.form_invariance import appraisal_of, measure_form_invariance, measured_calls
from cocoon.running.estimate import expected_ledger
from cocoon.running.folder import BATCHES, RunFolder, read_run
from cocoon.running.frame import Outcome, Watch, forbid_cloud_tracing, opened_run, run_session, window_of
from cocoon.running.manifest import RunManifest
from cocoon.running.reading.scales import keep_scales, kept_files
from cocoon.running.resume import done_dialogues, lacking, refuse_changed_agents, refuse_changed_prompts
from cocoon.running.runner import DialogueListener, Runner
from cocoon.running.shards.shard import Shard, keep_shard, read_shard
from cocoon.running.study import Study, branch_tasks, tasks

__all__ = ["DialogueListener", "Outcome", "Watch", "assess", "forbid_cloud_tracing", "simulate"]


async def simulate(
    study: Study,
    profiles: list[Profile],
    out: Path,
    watch: Watch | None = None,
    listener: DialogueListener | None = None,
    beside: Sequence[Path] = (),
    forks: Sequence[Fork] | None = None,
    movers: Sequence[Mover] = (),
) -> Outcome:
    """Make (and, with a judge, rate) every dialogue of a study, or of its shard. The same call again goes on.

    `profiles` are those of the whole study, of which a shard takes its part.
    `beside` are run folders of the same study, whose appraisers need not be measured again. With `forks` the dialogues
    are branches that leave others there, and `profiles` are those of the others. `movers` write their moves.
    """
    shard = Shard.of(study.config.shard)
    study = study.for_run({profile.language for profile in profiles}, kept_files(out))
    supporters, user, judges = study.supporters(), study.user(), study.judges()
    if forks is None:
        todo = tasks(profiles, supporters, study.config.samples)
    else:
        todo = branch_tasks(forks, supporters, study.config.samples)
    order = [task.dialogue for task in todo]
    if shard is not None:
        todo = shard.part_of(todo, lambda task: task.profile.id)
    agents = {"supporter": [supporter.facts() for supporter in supporters], "user": [facts_with_steps(user)]}
    if movers:
        agents["move"] = [mover.facts() for mover in movers]
    prompts = prompts_of(agents)
    with opened_run(out, study.config.seed) as (folder, manifest):
        folder.agree(study.config)
        people = (profile.model_dump_json() for profile in profiles)
        keep_shard(out, shard, order, [task.dialogue for task in todo], people, languages=_languages(profiles))
        keep_scales(out, map(Path, study.config.scale_files), [judge.name for judge in judges])
        refuse_open_batches(folder.journal)
        runner = _runner(study, folder, user, judges)
        runner.listener = listener
        if forks and movers:
            runner.caller.take_over(move_calls(beside, forks))
            runner.moves = MoveTurns(runner.caller, movers)
        if not folder.journal.is_empty():
            refuse_changed_prompts(out, manifest.prompts, prompts)
            for role, facts in agents.items():
                refuse_changed_agents(out, manifest.agents.get(role, []), facts)
        done = done_dialogues(out, todo)
        note_agents(manifest, agents | {"judge": [judge.facts() for judge in judges]})
        unrated = lacking(out, [task.dialogue for task in todo if task.dialogue in done], runner.wanted, judges)

        # The first shard measures for all of them.
        measures = manifest.form_invariance is None and (shard is None or shard.leads)
        measured_in = _languages(profiles) if measures else []
        runner.progress.expected = _expected_calls(study, len(todo) - len(done), languages=measured_in)

        async def work() -> None:
            await runner.simulate(todo, done)
            if unrated:
                runner.progress.reopen(len(unrated))
                await runner.assess(read_run(out, "dialogues.jsonl", Dialogue), unrated)
            await _measure_form(study, runner, manifest, measured_in, beside)

        return await run_session(runner, manifest, study.models, work, [task.dialogue for task in todo], watch)


async def assess(study: Study, out: Path, watch: Watch | None = None) -> Outcome:
    """Rate the dialogues of a run folder with the study's judges. Only what is missing is asked."""
    lines = [line for _, line in read_objects(out / "dialogues.jsonl", "id", "language")]
    plan = read_shard(out)
    languages = {line["language"] for line in lines} if plan is None else plan.languages
    study = study.for_run(languages, kept_files(out))
    judges = study.judges()
    with opened_run(out, study.config.seed) as (folder, manifest):
        keep_scales(out, map(Path, study.config.scale_files), [judge.name for judge in judges])
        batches = batches_of(study.config, folder.journal, study.models, out / BATCHES)
        runner = _runner(study, folder, None, judges, batches)
        names = [line["id"] for line in lines]
        note_agents(manifest, {"judge": [judge.facts() for judge in judges]})
        runner.progress.expected = _expected_calls(
            study, len(lacking(out, names, runner.wanted, judges)), talking=False
        )

        async def rate() -> None:
            unrated = lacking(out, names, runner.wanted, judges)
            await runner.assess(read_run(out, "dialogues.jsonl", Dialogue), unrated)

        return await run_session(runner, manifest, study.models, lambda: runner.in_batches(batches, rate), names, watch)


def facts_with_steps(user: SimulatedUser) -> AgentFacts:
    """Return what a simulated user says of itself, with the steps that it publishes."""
    return user.facts().model_copy(update={"steps": {step.name: step.about for step in steps_of(user)}})


def prompts_of(agents: Mapping[str, Iterable[AgentFacts]]) -> dict[str, str]:
    """Return the hashes of all prompts that some agents use, by `NAME.LANGUAGE`."""
    return {name: sha for role in agents.values() for facts in role for name, sha in facts.prompts.items()}


def note_agents(manifest: RunManifest, agents: Mapping[str, list[AgentFacts]]) -> None:
    """Put what agents say of themselves into the manifest. Judges of earlier sessions stay."""
    earlier = [facts for facts in manifest.agents.get("judge", []) if facts not in agents.get("judge", [])]
    manifest.agents = {**manifest.agents, **agents, "judge": [*earlier, *agents.get("judge", [])]}
    manifest.prompts |= prompts_of(agents)
    models: dict[str, list[str]] = {role: [] for role in agents}
    for role in agents.values():
        for facts in role:
            for part, label in facts.models.items():
                models.setdefault(part.partition(".")[0], []).append(label)
    judged = {*manifest.roles.get("judge", []), *models.get("judge", [])}
    manifest.roles |= {part: list(dict.fromkeys(labels)) for part, labels in models.items()}
    manifest.roles["judge"] = sorted(judged)


def _runner(
    study: Study,
    folder: RunFolder,
    user: SimulatedUser | None,
    judges: Sequence[Judge],
    batches: BatchQueue | None = None,
) -> Runner:
    config = study.config
    return Runner(
        folder,
        Caller(folder.journal, seed=config.seed, models=study.models, batches=batches),
        window_of(config.concurrency),
        study.models.stop,
        user=user,
        judges=judges,
        votes=config.judge.votes,
        rounds=config.rounds,
    )


def _expected_calls(
    study: Study, dialogues: int, *, talking: bool = True, languages: Sequence[Language] = ()
) -> int | None:
    """Return about how many calls some dialogues take, None where agents of the user's own decide that."""
    if study.own.by_spec:
        return None
    return expected_ledger(study.config, dialogues, talking=talking, languages=languages).calls


def _languages(profiles: Iterable[Profile]) -> list[Language]:
    return sorted({profile.language for profile in profiles})


async def _measure_form(
    study: Study, runner: Runner, manifest: RunManifest, languages: Sequence[Language], beside: Sequence[Path]
) -> None:
    """Measure the appraiser's form invariance in `languages`, once in a run, when a budget has gone to dialogues first.

    A run that is stopped measures it when resumed.
    """
    appraisal, pairs = appraisal_of(runner.user), study.config.form_pairs
    if not languages or appraisal is None or not pairs or runner.stopped_by:
        return
    runner.caller.take_over(measured_calls(beside))
    try:
        measured = await measure_form_invariance(appraisal, runner.caller, languages, pairs)
    except CocoonError as error:
        runner.end(error)
        return
    manifest.form_invariance = measured.model_dump(mode="json")
