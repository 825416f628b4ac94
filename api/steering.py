"""The steering study from Python, as `cocoon.steer`: pairs, a direction, its coefficient, and the sweep.

cocoon.steer.write_pairs(situations=["shipped:en:choose"], writer="openai:gpt-5", out="runs/pairs")
cocoon.steer.extract(model="local:smollm2", pairs="runs/pairs/pairs.jsonl", out="asking.safetensors")
found = cocoon.steer.calibrate(model="local:smollm2", direction="asking.safetensors", ratio=0.3)
cocoon.steer.sweep(direction="asking.safetensors", ratio=[0.1, 0.3, 0.5], out="runs/sweep", ...)
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from cocoon.api.blocking import blocking, wait_for
from cocoon.api.building import Building, Built, ready
from cocoon.api.reporter import Reporter
from cocoon.api.settings import Profiles, out_folder, takes, with_own, with_profile_files
from cocoon.api.shards.workers import divide_study, sharing_of
from cocoon.api.vectors import export_vector, fold, import_vector
from cocoon.core.config import StudyConfig
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import dump_line, write_whole
from cocoon.core.model_spec import read_local_spec
from cocoon.core.settings import read_settings
from cocoon.core.verb_settings import SWEEP, Given, Options
from cocoon.running.building.config import STEER_PAIRS, PairsConfig
from cocoon.running.building.pairs import PairsGenerator, SituationPairs, all_pairs
from cocoon.running.checks.coherence import CoherenceReader, situation_reader
from cocoon.running.folder import read_run
from cocoon.running.frame import forbid_cloud_tracing
from cocoon.running.local_parts import opened_weights
from cocoon.running.reading.former import with_rules_of
from cocoon.running.shards.leases import Leases
from cocoon.running.shards.workers import SHARDS
from cocoon.running.study import OwnObjects, read_profiles
from cocoon.steering.calibration.on_situations import CALIBRATE, CalibrateConfig, Calibrated, CalibrationTask
from cocoon.steering.directions.from_pairs import EXTRACT, ExtractConfig, Extracted, ExtractionTask
from cocoon.steering.pairs.situations import read_situations, spread_situations
from cocoon.studies.result import StudyResult
from cocoon.studies.sweep.config import SweepConfig
from cocoon.studies.sweep.plan import PLAN, USERS, read_plan, write_plan
from cocoon.studies.sweep.run import Sweep
from cocoon.studies.sweep.talks import with_talks

__all__ = [
    "calibrate",
    "export_vector",
    "extract",
    "fold",
    "import_vector",
    "sweep",
    "sweep_async",
    "write_pairs",
    "write_pairs_async",
]

Directions = str | Path | Sequence[str | Path] | Mapping[str, str | Path]
"""A file of a direction, a list of files (`NAME=FILE` names one), or a mapping of names to files."""


async def build_pairs(
    out: str | Path,
    given: Given[PairsConfig],
    *,
    allow_cloud_tracing: bool = False,
    progress: bool | Reporter = True,
) -> Built:
    """Write the pairs of settings as a verb was given them. See `write_pairs`."""
    out, resolved, models = ready(out, given, allow_cloud_tracing)
    config = resolved.config
    situations = [situation for name in config.situations for situation in read_situations(name)]
    chosen = spread_situations(situations, config.limit or len(situations), config.seed)
    generator = PairsGenerator(config, models, chosen)
    next_step = f"cocoon steer extract --pairs {out}/pairs.jsonl --kind reply"
    try:
        return await Building(out, generator, generator.items(), config, models, next_step, {}).build(progress)
    finally:
        if (out / generator.kept).exists():
            pairs = all_pairs(list(read_run(out, generator.kept, SituationPairs)))
            write_whole(out / "pairs.jsonl", map(dump_line, pairs))


@takes(STEER_PAIRS)
async def write_pairs_async(
    *,
    out: str | Path,
    config: str | Path | None = None,
    options: Options = (),
    allow_cloud_tracing: bool = False,
    progress: bool | Reporter = True,
    **settings: object,
) -> Built:
    """Write each reply as a question and as a statement, into `out`/pairs.jsonl. See `cocoon steer pairs`."""
    given = Given(STEER_PAIRS, settings, config, None, options)
    return await build_pairs(out, given, allow_cloud_tracing=allow_cloud_tracing, progress=progress)


@takes(EXTRACT)
def extract(*, model: str, out: str | Path, progress: bool | Reporter = True, **settings: object) -> Extracted:
    """Read a direction from pairs, choose the layers that it works in, and save it to the file `out`.

    `model` is `local:BASE[+adapter=PATH]`.
    """
    reporter = Reporter.of(progress)
    task = ExtractionTask.of(read_settings(ExtractConfig, settings))
    if task.remark:
        reporter.say(task.remark)
    with opened_weights(model, task.recipe.steers) as weights:
        adapter = read_local_spec(model.removeprefix("local:")).adapter
        return task.run(weights, Path(out), adapter, reporter.say)


@takes(CALIBRATE)
def calibrate(
    *,
    model: str,
    direction: str | Path,
    ratio: float | Sequence[float],
    out: str | Path | None = None,
    progress: bool | Reporter = True,
    **settings: object,
) -> Calibrated:
    """Find the coefficient at which so large a share of the replies has a genuine question, for one ratio or several.

    `direction` is the file of a direction, and `out` a file for the calibration. Replies are kept beside it, and the
    same call again goes on from there.
    """
    reporter = Reporter.of(progress)
    config, moments = with_talks(read_settings(CalibrateConfig, settings | {"ratio": _numbers(ratio)}))
    task = CalibrationTask.of(config, Path(direction), reporter.say, moments)
    path = Path(out) if out is not None else None
    with opened_weights(model, task.control.at) as weights, _journal_beside(path) as journal:
        prompts = Path(config.prompts) if config.prompts else None
        reader = CoherenceReader(config.coherence, journal, prompts) if config.coherence else None
        return task.run(weights, model, path, reporter.say, situation_reader(reader))


@contextmanager
def _journal_beside(out: Path | None) -> Iterator[Path]:
    """Yield where the judge's calls of a calibration are journalled: beside its file, or nowhere for long."""
    with TemporaryDirectory(prefix="cocoon-") as folder:
        yield out.with_name(f"{out.stem}.journal.sqlite") if out is not None else Path(folder) / "journal.sqlite"


def prepare_sweep(
    out: str | Path, given: Given[StudyConfig], compared: Mapping[str, object], *, allow_cloud_tracing: bool = False
) -> Sweep:
    """Return a sweep that is ready to start. `compared` are the fields of `SweepConfig`. See `sweep`."""
    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    own, out = OwnObjects(), out_folder(out)
    resolved = with_rules_of(with_own(given, own, out).resolve(), out)
    sweep_config = read_settings(SweepConfig, compared)
    sweep_config.refuse_unserved()
    users = sweep_config.kinds(own_user=own.agent(resolved.config.user.model) is not None)
    if sweep_config.users is None and (out / PLAN).is_file():
        # A sweep of an earlier release has the kinds of user that were its default.
        users = read_plan(out).users
    if users == ["prompted"]:
        resolved.refuse(
            ["user.difficulty", "user.rules", "user.appraiser"], "only prompted users talk, who have no trust gate."
        )
    study = with_profile_files(resolved.config)
    return Sweep(study, sweep_config, users, read_profiles(study), out, own)


def run_sweep_study(study: Sweep, progress: bool | Reporter = True) -> StudyResult:
    """Do a sweep that is ready to start, or go on with it. See `sweep`."""
    reporter = Reporter.of(progress)
    stopped = wait_for(study.rehearse(reporter))
    if stopped is not None:
        return StudyResult(study.out, None, stopped.exit_code, stopped.stopped_by)
    plan = study.plan(reporter)
    return study.finish(plan, wait_for(study.talk(plan, reporter)), reporter)


@takes(SWEEP)
async def sweep_async(
    *,
    direction: Directions,
    coefficient: float | Sequence[float] | None = None,
    ratio: float | Sequence[float] | None = None,
    out: str | Path,
    profiles: Profiles | None = None,
    user: object = None,
    judge: object = None,
    config: str | Path | None = None,
    options: Options = (),
    allow_cloud_tracing: bool = False,
    progress: bool | Reporter = True,
    **settings: object,
) -> StudyResult:
    """Simulate and judge every coefficient with every kind of user, and report. See `sweep`."""
    settings |= {"profiles": profiles, "user": user, "judge": judge}
    settings |= {"coefficient": _numbers(coefficient), "ratio": _numbers(ratio)}
    given, compared = _split(settings, direction, config, options)
    return await sweep_as(out, given, compared, allow_cloud_tracing=allow_cloud_tracing, progress=progress)


async def sweep_as(
    out: str | Path,
    given: Given[StudyConfig],
    compared: Mapping[str, object],
    *,
    allow_cloud_tracing: bool = False,
    progress: bool | Reporter = True,
) -> StudyResult:
    """Sweep as a verb was given it: everything, or shard after shard. See `sweep`.

    All shards of a sweep take their directions from one folder, because a model's name holds the path of its direction.
    """
    reporter, folder, sharing = Reporter.of(progress), out_folder(out), sharing_of(given)
    shard = sharing.shard
    if shard is not None and shard.index is not None:
        raise CocoonError(
            f"shard {shard}: the shards of a sweep share the directions of one folder. Start several processes with "
            f"--shard any/{shard.count} and one --out."
        )

    def prepared(path: Path, settings: Given[StudyConfig]) -> Sweep:
        return prepare_sweep(path, settings, compared, allow_cloud_tracing=allow_cloud_tracing)

    async def make(path: Path, settings: Given[StudyConfig], reporter: Reporter) -> StudyResult:
        study = prepared(path, settings)
        if study.config.shard is None:
            return await _sweep_all(study, reporter)
        outcomes = await study.talk(read_plan(folder), reporter)
        return StudyResult(path, None, max(each.exit_code for each in outcomes), outcomes[-1].stopped_by)

    study = prepared(folder, given)
    if not sharing.is_shared:
        return await _sweep_all(study, reporter)
    await _plan_once(study, Leases(folder / SHARDS, sharing.lease), reporter)
    parts = [f"{USERS}/{user}" for user in study.users]
    return await divide_study(folder, given, make, reporter, parts=parts)


async def _sweep_all(study: Sweep, reporter: Reporter) -> StudyResult:
    stopped = await study.rehearse(reporter)
    if stopped is not None:
        return StudyResult(study.out, None, stopped.exit_code, stopped.stopped_by)
    # What is computed on the open base would hold up the event loop for minutes.
    plan = await asyncio.to_thread(study.plan, reporter)
    outcomes = await study.talk(plan, reporter)
    return await asyncio.to_thread(study.finish, plan, outcomes, reporter)


async def _plan_once(study: Sweep, leases: Leases, reporter: Reporter) -> None:
    """Make the plan that all workers share, or wait for the worker that makes it, and check that it is this one."""
    leases.folder.mkdir(parents=True, exist_ok=True)
    while not (study.out / PLAN).exists():
        with leases.take("plan") or nullcontext() as lease:
            if lease is not None:
                stopped = await study.rehearse(reporter)
                if stopped is not None and stopped.stopped_by is not None:
                    raise stopped.stopped_by
                write_plan(study.out, await asyncio.to_thread(study.plan, reporter))
            else:
                await asyncio.sleep(1.0)
    await asyncio.to_thread(study.plan, reporter)


@takes(SWEEP)
def sweep(
    *,
    direction: Directions,
    coefficient: float | Sequence[float] | None = None,
    ratio: float | Sequence[float] | None = None,
    out: str | Path,
    profiles: Profiles | None = None,
    user: object = None,
    judge: object = None,
    config: str | Path | None = None,
    options: Options = (),
    allow_cloud_tracing: bool = False,
    progress: bool | Reporter = True,
    **settings: object,
) -> StudyResult:
    """Simulate and judge every coefficient with every kind of user, and report what asking does to comfort.

    `direction` is a file, a list of files (`NAME=FILE` names one), or a mapping of names to files. `coefficient` is one
    number or several. In its place, `ratio` names the shares of replies that are to ask, and coefficients are found for
    them on talks of the study. `out` is the folder. The same call again goes on where it stopped. `user` and `judge`
    are specs or agents of your own. Besides the settings below there are those of `SweepConfig`: `model`, `users`,
    `placebo`, `repeng`, `tokens`, `at`, `served`, `talks`, `moments`, `labels`, `allow_overlap`.
    """
    settings |= {"profiles": profiles, "user": user, "judge": judge}
    settings |= {"coefficient": _numbers(coefficient), "ratio": _numbers(ratio)}
    given, compared = _split(settings, direction, config, options)
    return run_sweep_as(out, given, compared, allow_cloud_tracing=allow_cloud_tracing, progress=progress)


def run_sweep_as(
    out: str | Path,
    given: Given[StudyConfig],
    compared: Mapping[str, object],
    *,
    allow_cloud_tracing: bool = False,
    progress: bool | Reporter = True,
) -> StudyResult:
    """Sweep as a verb was given it, in ordinary code. See `sweep`."""
    sharing = sharing_of(given)
    if sharing.shard is not None or sharing.is_shared:
        work = sweep_as(out, given, compared, allow_cloud_tracing=allow_cloud_tracing, progress=progress)
        return wait_for(work)
    return run_sweep_study(prepare_sweep(out, given, compared, allow_cloud_tracing=allow_cloud_tracing), progress)


def _split(
    settings: Mapping[str, object],
    direction: Directions,
    config: str | Path | None,
    options: Options,
) -> tuple[Given[StudyConfig], dict[str, object]]:
    """Return what the runs of a sweep were given, and what the sweep itself was given."""
    compared = {name: value for name, value in settings.items() if name in SweepConfig.model_fields}
    of_runs = {name: value for name, value in settings.items() if name not in compared}
    compared |= {"direction": _named_files(direction)}
    return Given(SWEEP, of_runs, config, None, options), compared


def _numbers(value: float | Sequence[float] | None) -> list[float]:
    return [value] if isinstance(value, int | float) else list(value or ())


def _named_files(direction: Directions) -> list[str]:
    if isinstance(direction, Mapping):
        return [f"{name}={file}" for name, file in direction.items()]
    return [str(direction)] if isinstance(direction, str | Path) else [str(file) for file in direction]


write_pairs = blocking(write_pairs_async)
