"""`simulate` and `judge`: conversations between supporters and the simulated user, and their ratings."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from cocoon.api.blocking import blocking
from cocoon.api.reporter import Reporter, count
from cocoon.api.run import Run
from cocoon.api.settings import Profiles, Supporters, out_folder, takes, with_own, with_profile_files
from cocoon.api.shards.workers import run_divided, shard_of, sharing_of
from cocoon.core.config import Resolved, StudyConfig, refuse_gate_of_prompted
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import read_lines
from cocoon.core.records import Language, Profile
from cocoon.core.verb_settings import JUDGE, SIMULATE, Given, Options
from cocoon.evaluation.scales.files import load_scale
from cocoon.evaluation.statistics.power import smallest_mean_difference, smallest_rate_difference
from cocoon.running import session
from cocoon.running.estimate import estimate
from cocoon.running.folder import adopt_dialogues, dialogues_file, existing_run
from cocoon.running.frame import Outcome, forbid_cloud_tracing
from cocoon.running.local_parts import local_parts
from cocoon.running.reading.former import with_rules_of
from cocoon.running.reading.scales import kept_files
from cocoon.running.sample import adopt_sample
from cocoon.running.shards.shard import Shard, read_shard
from cocoon.running.study import OwnObjects, Study, open_models, read_profiles, with_trained_prompts


@dataclass
class Simulation:
    """A run of conversations that is ready to start: its folder, study and profiles. No model is opened yet."""

    out: Path
    study: Study
    profiles: list[Profile]

    def estimate(self) -> dict[str, Any]:
        """Return whom it will meet, what so many people can show, and what it will take (estimated)."""
        config, shard = self.study.config, Shard.of(self.study.config.shard)
        people = shard.part_of(self.profiles, lambda profile: profile.id) if shard else self.profiles
        measures = shard is None or shard.index in (None, 1)
        languages: list[Language] = sorted({profile.language for profile in self.profiles}) if measures else []
        expected = estimate(config, len(people) * len(config.supporters) * config.samples, languages=languages)
        limit = {} if config.limit is None else {"profiles_wanted": config.limit}
        return {"profiles": len(self.profiles), **limit, "can_show": can_show(len(self.profiles)), **expected}


def can_show(profiles: int) -> str:
    """Return in a sentence which differences between two supporters so many people can show."""
    mean, rate = smallest_mean_difference(profiles), smallest_rate_difference(profiles)
    people = count(profiles, "profile")
    if mean is None:
        return f"no difference between two supporters: {people} are too few for any test"
    scales = f"two supporters who differ by {mean:.2f} standard deviations on a scale"
    if rate is None:
        return f"{scales} (power 0.8), and no difference in success rates: {people} are too few for that"
    return f"{scales}, or by {rate:.2f} in their success rates (less if both succeed with the same people), power 0.8"


def prepare_simulation(out: str | Path, given: Given[StudyConfig], *, allow_cloud_tracing: bool = False) -> Simulation:
    """Return a run that is ready to start, for whoever wants to know first what it takes. See `simulate`."""
    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    own, out = OwnObjects(), out_folder(out)
    resolved = with_rules_of(_with_own_scales(with_own(given, own, out).resolve()), out)
    _refuse_idle(resolved)
    config = with_profile_files(resolved.config)
    return Simulation(out, Study(config, open_models(config, local_parts()), own), read_profiles(config))


def _refuse_idle(resolved: Resolved[StudyConfig]) -> None:
    """Raise CocoonError for settings that were given, and that nobody in this run would look at."""
    if resolved.config.judge.model is None:
        resolved.refuse(["judge", "scale_files"], "nobody judges. Name a judge, such as --judge SPEC, or leave it out.")
    refuse_gate_of_prompted(resolved)


def _with_own_scales(resolved: Resolved[StudyConfig]) -> Resolved[StudyConfig]:
    """Return the settings with the scales of the user's own files as those to judge, where none are named.

    Raises CocoonError for a file that was given, and whose scale is not among those that are named.
    """
    judge, files = resolved.config.judge, resolved.config.scale_files
    own = [load_scale(Path(file)).id for file in files]
    if own and "judge.scales" not in resolved.origins:
        config = resolved.config.model_copy(update={"judge": judge.model_copy(update={"scales": own})})
        return replace(resolved, config=config)
    for file, name in zip(files, own, strict=True):
        if name not in judge.scales:
            resolved.refuse(
                ["scale_files"], f"{file} holds the scale {name!r}. Name it among --scales, or leave it out."
            )
    return resolved


@takes(SIMULATE)
async def simulate_async(
    *,
    out: str | Path,
    profiles: Profiles | None = None,
    supporter: Supporters = None,
    user: object = None,
    judge: object = None,
    config: str | Path | None = None,
    preset: str | None = None,
    options: Options = (),
    allow_cloud_tracing: bool = False,
    progress: bool | Reporter = True,
    **settings: object,
) -> Run:
    """Simulate conversations between supporters and a resistant user, and return the run.

    `out` is the run's folder. The same call again goes on where it stopped, and nothing answered is asked twice.
    `profiles` is a file, `shipped:en`, a list of them, or records. `supporter` and `user` are specs such as
    `openai:gpt-5-mini`, or agents of your own (see `cocoon.agents.adapters`). Several supporters are a list or a
    mapping of names. With `judge` (and `scales`) every dialogue is rated as soon as it is made. `options` takes any
    setting by its dotted key, `config` a YAML file.

    Raises CocoonError for what cannot be done. A budget that is spent ends the run early: see `Run.stopped_by`.
    """
    roles = {"profiles": profiles, "supporter": supporter, "user": user, "judge": judge}
    given = Given(SIMULATE, settings | roles, config, preset, options)
    return await simulate_as(out, given, allow_cloud_tracing=allow_cloud_tracing, progress=progress)


async def simulate_as(
    out: str | Path,
    given: Given[StudyConfig],
    *,
    allow_cloud_tracing: bool = False,
    progress: bool | Reporter = True,
) -> Run:
    """Simulate as a verb was given it: the run, a shard of it, or shard after shard. See `simulate`."""
    reporter, folder = Reporter.of(progress), out_folder(out)

    async def make(path: Path, settings: Given[StudyConfig], reporter: Reporter) -> Run:
        return await start(prepare_simulation(path, settings, allow_cloud_tracing=allow_cloud_tracing), reporter)

    return await run_divided(folder, given, make, _outcome, partial(_merged, folder), reporter)


def _merged(folder: Path, outcome: Outcome) -> Run:
    """Return the run of several processes, with what they took as far as this one knows it."""
    ledger = outcome.progress.ledger
    return Run(folder, outcome, ledger if ledger.accounts or ledger.replayed else None)


def _outcome(run: Run) -> Outcome:
    """Return how the session of a run that was just made went."""
    if run.outcome is None:
        raise CocoonError(f"{run.path}: no session has worked on this run")
    return run.outcome


async def start(
    simulation: Simulation, progress: bool | Reporter = True, listener: session.DialogueListener | None = None
) -> Run:
    """Start a run that is ready, or go on with it, and return it. `listener` hears the turns as they are spoken."""
    reporter = Reporter.of(progress)
    study, out = simulation.study, simulation.out
    supporters = count(len(study.config.supporters), "supporter")
    languages = Counter(profile.language for profile in simulation.profiles)
    parts = ", ".join(f"{number} {language}" for language, number in sorted(languages.items()))
    people = count(len(simulation.profiles), "profile")
    limit = study.config.limit or 0
    share = f"{people} of the {limit} wanted" if len(simulation.profiles) < limit else people
    reporter.say(f"{share} ({parts}), {supporters}; loading models ...")
    reporter.unnamed(study.config)
    for opened in (study.user, study.judges, study.supporters):
        opened()
    study.config = with_trained_prompts(study)
    reporter.hosts(study.models)
    outcome = await session.simulate(study, simulation.profiles, out, reporter.watch(), listener)
    return _finished(outcome, out, study, reporter)


def judged_folder(
    run: str | Path | Sequence[str | Path],
    out: str | Path | None = None,
    sample: int | None = None,
    seed: int | None = None,
    shard: Shard | None = None,
) -> Path:
    """Return the run folder to judge: the one given, or one made at `out` from files of dialogues.

    `sample`: of each file, so many dialogues drawn at random. Of a `shard` only the dialogues of its people are
    taken. Raises CocoonError where folders and files are mixed.
    """
    paths = _paths(run)
    target = out_folder(out) if out is not None else None
    if seed is not None and sample is None:
        raise CocoonError(
            f"seed {seed} chooses a sample, and all dialogues are judged. Leave it out, or give a sample."
        )
    folders = [path for path in paths if not path.is_file()]
    if not folders:
        if sample is None and len(paths) == 1:
            return adopt_dialogues(paths[0], target, shard)
        return adopt_sample(paths, target, sample, seed or 0, shard)
    if len(paths) > 1 or sample is not None:
        raise CocoonError(f"{folders[0]} is no file of dialogues. Several paths and a sample are for files.")
    if target is not None:
        raise CocoonError(f"{folders[0]} is a run folder, and its ratings go into it. Leave {target} out.")
    _refuse_undecided(paths[0])
    return existing_run(paths[0])


def _paths(run: str | Path | Sequence[str | Path]) -> list[Path]:
    return [Path(path) for path in ([run] if isinstance(run, str | Path) else run)]


def _refuse_undecided(run: Path) -> None:
    plan = read_shard(run)
    if plan is not None and plan.undecided:
        raise CocoonError(f"{run} is a shard whose dialogues are decided on when it is merged. Judge the merged run.")


def prepare_judging(run: Path, given: Given[StudyConfig], *, allow_cloud_tracing: bool = False) -> Study:
    """Return a study of a judge alone, which knows the scales that the run keeps. See `judge`."""
    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    own = OwnObjects()
    config = _with_own_scales(with_own(given, own, Path()).resolve()).config
    if config.judge.model is None:
        raise CocoonError("No judge is named. Give one, such as --judge openai:gpt-5.")
    # Of two scales with one id the later counts, so that a file of today beats what the run keeps.
    files = [*map(str, kept_files(run)), *config.scale_files]
    config = config.model_copy(update={"scale_files": files})
    return Study(config, open_models(config, local_parts()), own)


def estimate_judging(study: Study, folder: Path) -> dict[str, Any]:
    """Return what judging a folder will take: calls, tokens and cost (estimated), hosts."""
    return estimate(study.config, sum(1 for _ in read_lines(folder / "dialogues.jsonl")), talking=False)


@takes(JUDGE)
async def judge_async(
    run: "str | Path | Run | Sequence[str | Path]",
    judge: object = None,
    scales: str | Sequence[str] | None = None,
    *,
    out: str | Path | None = None,
    sample: int | None = None,
    seed: int | None = None,
    config: str | Path | None = None,
    options: Options = (),
    allow_cloud_tracing: bool = False,
    progress: bool | Reporter = True,
    **settings: object,
) -> Run:
    """Rate the dialogues of a run on scales and by success, and return the run.

    `run` is a run folder, or files of dialogues whose ratings go to `out`. `judge` is a spec or a judge of your own.
    Ratings that are there, by the same judge and prompts, are kept and not asked again. Without `scales`, the scales of
    `scale_files` are those that are rated, and the run folder keeps them. `sample` dialogues of each file are chosen by
    `seed`.
    """
    given = Given(JUDGE, settings | {"judge": judge, "scales": scales}, config, None, options)
    source = run.path if isinstance(run, Run) else run
    tracing, reporter = allow_cloud_tracing, Reporter.of(progress)
    return await judge_as(source, given, out, sample, seed, allow_cloud_tracing=tracing, progress=reporter)


async def judge_as(
    run: str | Path | Sequence[str | Path],
    given: Given[StudyConfig],
    out: str | Path | None = None,
    sample: int | None = None,
    seed: int | None = None,
    *,
    allow_cloud_tracing: bool = False,
    progress: bool | Reporter = True,
) -> Run:
    """Rate as a verb was given it: the dialogues, a shard of them, or shard after shard. See `judge`."""
    reporter, sharing = Reporter.of(progress), sharing_of(given)
    in_shards = sharing.shard is not None or sharing.is_shared
    if in_shards and out is None:
        raise CocoonError("a shard of dialogues is rated in a folder of its own; name it with --out")

    async def make(path: Path, settings: Given[StudyConfig], reporter: Reporter) -> Run:
        files = [dialogues_file(Path(name)) for name in _paths(run)] if in_shards else run
        folder = judged_folder(files, path if out is not None else None, sample, seed, shard_of(settings))
        return await rate(prepare_judging(folder, settings, allow_cloud_tracing=allow_cloud_tracing), folder, reporter)

    folder = out_folder(out) if out is not None else Path()
    return await run_divided(folder, given, make, _outcome, partial(_merged, folder), reporter)


async def rate(study: Study, folder: Path, progress: bool | Reporter = True) -> Run:
    """Rate the dialogues of a folder with the judges of a study, and return the run."""
    reporter = Reporter.of(progress)
    study.judges()
    reporter.hosts(study.models)
    outcome = await session.assess(study, folder, reporter.watch())
    return _finished(outcome, folder, study, reporter)


def _finished(outcome: Outcome, out: Path, study: Study, reporter: Reporter) -> Run:
    run = Run(out, outcome, study.models.ledger, study.config)
    judged, shard = bool(study.config.judge.model), study.config.shard
    reporter.talked(outcome, out, run.summary(), judged=judged, shard=shard)
    return run


simulate = blocking(simulate_async)
judge = blocking(judge_async)
