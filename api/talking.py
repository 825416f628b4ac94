"""`simulate` and `judge`: conversations between supporters and the simulated user, and their ratings."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cocoon.api.reporter import Reporter, count
from cocoon.api.run import Run
from cocoon.api.running import blocking
from cocoon.api.settings import (
    Options,
    Profiles,
    Sources,
    Supporters,
    flags_of,
    profile_files,
    scale_names,
    spec_of,
    supporters_of,
    with_profile_files,
)
from cocoon.core.config import StudyConfig
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import read_lines
from cocoon.core.records import Profile
from cocoon.running import session
from cocoon.running.estimate import estimate
from cocoon.running.folder import adopt_dialogues, existing_run
from cocoon.running.frame import Outcome, forbid_cloud_tracing
from cocoon.running.local_parts import local_parts
from cocoon.running.reading.scales import kept_files
from cocoon.running.sample import adopt_sample
from cocoon.running.study import OwnObjects, Study, open_models, read_profiles, with_trained_prompts


@dataclass
class Simulation:
    """A run of conversations that is ready to start: its folder, study and profiles. No model is opened yet."""

    out: Path
    study: Study
    profiles: list[Profile]

    def estimate(self) -> dict[str, Any]:
        """Return what it will take: calls, tokens and cost (estimated), hosts."""
        config = self.study.config
        return estimate(config, len(self.profiles) * len(config.supporters) * config.samples)


def prepare_simulation(
    *,
    out: str | Path,
    profiles: Profiles | None = None,
    supporter: Supporters = None,
    supporter_prompt: str | None = None,
    user: object = None,
    judge: object = None,
    scales: str | Sequence[str] | None = None,
    config: str | Path | None = None,
    preset: str | None = None,
    options: Options = (),
    allow_cloud_tracing: bool = False,
    **settings: Any,
) -> Simulation:
    """Return a run that is ready to start, for whoever wants to know first what it takes. See `simulate`."""
    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    own, out = OwnObjects(), Path(out)
    flags = flags_of(settings) | {
        "profiles": profile_files(profiles, out) if profiles is not None else None,
        "supporters": supporters_of(supporter, supporter_prompt, own),
        "user.model": spec_of(user, own) if user is not None else None,
        "judge.model": spec_of(judge, own) if judge is not None else None,
        "judge.scales": scale_names(scales),
    }
    resolved = with_profile_files(Sources(config, preset, options).resolve(StudyConfig, flags))
    return Simulation(out, Study(resolved, open_models(resolved, local_parts()), own), read_profiles(resolved))


async def simulate_async(*, progress: bool | Reporter = True, **settings: Any) -> Run:
    """Simulate conversations between supporters and a resistant user, and return the run.

    `out` is the run's folder. The same call again goes on where it stopped, and nothing answered is asked twice.
    `profiles` is a file, `shipped:en`, a list of them, or records. `supporter` and `user` are specs such as
    `openai:gpt-5-mini`, or agents of your own (see `cocoon.agents.adapters`). Several supporters are a list or a
    mapping of names. With `judge` (and `scales`) every dialogue is rated as soon as it is made. Further settings have
    the names of the flags of `cocoon simulate` (`rounds`, `samples`, `seed`, `difficulty`, ...). `options` takes any
    setting by its dotted key, `config` a YAML file.

    Raises CocoonError for what cannot be done. A budget that is spent ends the run early: see `Run.stopped_by`.
    """
    reporter = Reporter.of(progress)
    simulation = prepare_simulation(**settings)
    study, out = simulation.study, simulation.out
    supporters = count(len(study.config.supporters), "supporter")
    reporter.say(f"{count(len(simulation.profiles), 'profile')}, {supporters}; loading models ...")
    for opened in (study.user, study.judges, study.supporters):
        opened()
    study.config = with_trained_prompts(study)
    reporter.hosts(study.models)
    outcome = await session.simulate(study, simulation.profiles, out, reporter.watch())
    return _finished(outcome, out, study, reporter)


def judged_folder(
    run: str | Path | Sequence[str | Path], out: str | Path | None = None, sample: int | None = None, seed: int = 0
) -> Path:
    """Return the run folder to judge: the one given, or one made at `out` from files of dialogues.

    `sample`: of each file, so many dialogues drawn at random. Raises CocoonError where the two are mixed.
    """
    paths = [Path(path) for path in ([run] if isinstance(run, str | Path) else run)]
    target = Path(out) if out is not None else None
    folders = [path for path in paths if not path.is_file()]
    if not folders:
        whole = sample is None and len(paths) == 1
        return adopt_dialogues(paths[0], target) if whole else adopt_sample(paths, target, sample, seed)
    if len(paths) > 1 or sample is not None:
        raise CocoonError(f"{folders[0]} is no file of dialogues. Several paths and a sample are for files.")
    if target is not None:
        raise CocoonError(f"{folders[0]} is a run folder, and its ratings go into it. Leave {target} out.")
    return existing_run(paths[0])


def prepare_judging(
    run: Path,
    *,
    judge: object = None,
    scales: str | Sequence[str] | None = None,
    scale_files: Sequence[str | Path] = (),
    config: str | Path | None = None,
    options: Options = (),
    allow_cloud_tracing: bool = False,
    **settings: Any,
) -> Study:
    """Return a study of a judge alone, which knows the scales that the run keeps. See `judge`."""
    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    own = OwnObjects()
    flags = flags_of(settings) | {
        "judge.model": spec_of(judge, own) if judge is not None else None,
        "judge.scales": scale_names(scales),
        "scale_files": [str(file) for file in (*kept_files(run), *scale_files)] or None,
    }
    resolved = Sources(config, None, options).resolve(StudyConfig, flags)
    if resolved.judge.model is None:
        raise CocoonError("No judge is named. Give one, such as --judge openai:gpt-5.")
    return Study(resolved, open_models(resolved, local_parts()), own)


def estimate_judging(study: Study, folder: Path) -> dict[str, Any]:
    """Return what judging a folder will take: calls, tokens and cost (estimated), hosts."""
    return estimate(study.config, sum(1 for _ in read_lines(folder / "dialogues.jsonl")), talking=False)


async def judge_async(
    run: "str | Path | Run | Sequence[str | Path]",
    judge: object = None,
    scales: str | Sequence[str] | None = None,
    *,
    out: str | Path | None = None,
    sample: int | None = None,
    seed: int = 0,
    progress: bool | Reporter = True,
    **settings: Any,
) -> Run:
    """Rate the dialogues of a run on scales and by success, and return the run.

    `run` is a run folder, or files of dialogues whose ratings go to `out`. `judge` is a spec or a judge of your own.
    Ratings that are there, by the same judge and prompts, are kept and not asked again. `scale_files` are scales of
    your own, which the run folder keeps from then on. Further settings have the names of the flags of `cocoon judge`.
    """
    reporter = Reporter.of(progress)
    folder = judged_folder(run.path if isinstance(run, Run) else run, out, sample, seed)
    study = prepare_judging(folder, judge=judge, scales=scales, **settings)
    study.judges()
    reporter.hosts(study.models)
    outcome = await session.assess(study, folder, reporter.watch())
    return _finished(outcome, folder, study, reporter)


def _finished(outcome: Outcome, out: Path, study: Study, reporter: Reporter) -> Run:
    run = Run(out, outcome, study.models.budget, study.config)
    reporter.talked(outcome, out, run.summary(), judged=bool(study.config.judge.model))
    return run


simulate = blocking(simulate_async)
judge = blocking(judge_async)
