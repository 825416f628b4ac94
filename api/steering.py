"""The steering study from Python, as `cocoon.steer`: pairs, a direction, its coefficient, and the sweep.

cocoon.steer.write_pairs(situations=["shipped:en:choose"], writer="openai:gpt-5", out="runs/pairs")
cocoon.steer.extract(model="local:smollm2", pairs="runs/pairs/pairs.jsonl", out="asking.safetensors")
found = cocoon.steer.calibrate(model="local:smollm2", direction="asking.safetensors", ratio=0.3)
cocoon.steer.sweep(direction="asking.safetensors", coefficient=[0.02, found.coefficient], out="runs/sweep", ...)
"""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cocoon.api.building import KEYWORDS, Building, Built
from cocoon.api.reporter import Reporter
from cocoon.api.running import blocking, wait_for
from cocoon.api.settings import (
    Options,
    Profiles,
    Sources,
    flags_of,
    profile_files,
    scale_names,
    spec_of,
    with_profile_files,
)
from cocoon.api.vectors import export_vector, fold, import_vector
from cocoon.core.config import StudyConfig
from cocoon.core.jsonl import dump_line, write_whole
from cocoon.core.model_spec import read_local_spec
from cocoon.core.settings import read_settings
from cocoon.running.building.config import PairsConfig
from cocoon.running.building.pairs import PairsGenerator, SituationPairs, all_pairs
from cocoon.running.folder import read_run
from cocoon.running.frame import forbid_cloud_tracing
from cocoon.running.local_parts import local_parts, opened_weights
from cocoon.running.study import OwnObjects, open_models, read_profiles
from cocoon.steering.calibration.on_situations import CalibrateConfig, Calibrated, CalibrationTask
from cocoon.steering.directions.from_pairs import ExtractConfig, Extracted, ExtractionTask
from cocoon.steering.pairs.situations import read_situations, spread_situations
from cocoon.studies.result import StudyResult
from cocoon.studies.sweep.config import SweepConfig
from cocoon.studies.sweep.run import Sweep

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

PAIR_KEYWORDS = KEYWORDS | {"situations": "situations", "each": "each"}
Directions = str | Path | Sequence[str | Path] | Mapping[str, str | Path]
"""A file of a direction, a list of files (`NAME=FILE` names one), or a mapping of names to files."""


async def write_pairs_async(
    *,
    out: str | Path,
    config: str | Path | None = None,
    options: Options = (),
    allow_cloud_tracing: bool = False,
    progress: bool | Reporter = True,
    **settings: Any,
) -> Built:
    """Write each reply as a question and as a statement, into `out`/pairs.jsonl. See `cocoon steer pairs`."""
    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    out = Path(out)
    resolved = Sources(config, None, options).resolve(PairsConfig, flags_of(settings, PAIR_KEYWORDS))
    situations = [situation for name in resolved.situations for situation in read_situations(name)]
    chosen = spread_situations(situations, resolved.limit or len(situations), resolved.seed)
    models = open_models(resolved, local_parts())
    generator = PairsGenerator(resolved, models, chosen)
    next_step = f"cocoon steer extract --pairs {out}/pairs.jsonl --kind reply"
    try:
        return await Building(out, generator, generator.items(), resolved, models, next_step, {}).build(progress)
    finally:
        if (out / generator.kept).exists():
            pairs = all_pairs(list(read_run(out, generator.kept, SituationPairs)))
            write_whole(out / "pairs.jsonl", map(dump_line, pairs))


def extract(*, model: str, out: str | Path, progress: bool | Reporter = True, **settings: Any) -> Extracted:
    """Read a direction from pairs, choose the layers that it works in, and save it to the file `out`.

    `model` is `local:BASE[+adapter=PATH]`. Further settings are the fields of `ExtractConfig`, with the names of the
    flags of `cocoon steer extract`: `pairs`, `kind`, `position`, `method`, `layers`, `band`, `at`, `preset`, ...
    """
    reporter = Reporter.of(progress)
    task = ExtractionTask.of(read_settings(ExtractConfig, settings))
    if task.remark:
        reporter.say(task.remark)
    with opened_weights(model, task.recipe.steers) as weights:
        adapter = read_local_spec(model.removeprefix("local:")).adapter
        return task.run(weights, Path(out), adapter, reporter.say)


def calibrate(
    *,
    model: str,
    direction: str | Path,
    ratio: float | Sequence[float],
    out: str | Path | None = None,
    progress: bool | Reporter = True,
    **settings: Any,
) -> Calibrated:
    """Find the coefficient at which so large a share of the replies has a genuine question, for one ratio or several.

    `direction` is the file of a direction, and `out` a file for the calibration. Further settings are the fields of
    `CalibrateConfig`, with the names of the flags of `cocoon steer calibrate`: `situations`, `limit`, `samples`, ...
    """
    reporter = Reporter.of(progress)
    config = read_settings(CalibrateConfig, settings | {"ratio": _numbers(ratio)})
    task = CalibrationTask.of(config, Path(direction), reporter.say)
    with opened_weights(model, task.control.at) as weights:
        return task.run(weights, model, Path(out) if out is not None else None, reporter.say)


def prepare_sweep(
    *,
    direction: Directions,
    coefficient: float | Sequence[float],
    out: str | Path,
    profiles: Profiles | None = None,
    user: object = None,
    judge: object = None,
    scales: str | Sequence[str] | None = None,
    config: str | Path | None = None,
    options: Options = (),
    allow_cloud_tracing: bool = False,
    **settings: Any,
) -> Sweep:
    """Return a sweep that is ready to start. See `sweep`."""
    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    own, out = OwnObjects(), Path(out)
    of_sweep = {name: value for name, value in settings.items() if name in SweepConfig.model_fields}
    of_runs = {name: value for name, value in settings.items() if name not in of_sweep}
    flags = flags_of(of_runs) | {
        "profiles": profile_files(profiles, out) if profiles is not None else None,
        "user.model": spec_of(user, own) if user is not None else None,
        "judge.model": spec_of(judge, own) if judge is not None else None,
        "judge.scales": scale_names(scales),
    }
    study = Sources(config, None, options).resolve(StudyConfig, flags)
    compared = {"direction": _named_files(direction), "coefficient": _numbers(coefficient)}
    sweep_config = read_settings(SweepConfig, of_sweep | compared)
    users = sweep_config.kinds(own_user=own.agent(study.user.model) is not None)
    study = with_profile_files(study)
    return Sweep(study, sweep_config, users, read_profiles(study), out, own)


async def sweep_async(*, progress: bool | Reporter = True, **settings: Any) -> StudyResult:
    """Simulate and judge every coefficient with every kind of user, and report. See `sweep`."""
    reporter, study = Reporter.of(progress), prepare_sweep(**settings)
    # What is computed on the open base would hold up the event loop for minutes.
    plan = await asyncio.to_thread(study.plan, reporter)
    outcomes = await study.talk(plan, reporter)
    return await asyncio.to_thread(study.finish, plan, outcomes, reporter)


def sweep(*, progress: bool | Reporter = True, **settings: Any) -> StudyResult:
    """Simulate and judge every coefficient with every kind of user, and report what asking does to comfort.

    `direction` is a file, a list of files (`NAME=FILE` names one), or a mapping of names to files. `coefficient` is one
    number or several. `out` is the folder. The same call again goes on where it stopped. `user` and `judge` are specs
    or agents of your own. Further settings have the names of the flags of `cocoon steer sweep`: `model`, `profiles`,
    `users`, `placebo`, `repeng`, `tokens`, `at`, `rounds`, `samples`, ...
    """
    reporter, study = Reporter.of(progress), prepare_sweep(**settings)
    plan = study.plan(reporter)
    return study.finish(plan, wait_for(study.talk(plan, reporter)), reporter)


def _numbers(value: float | Sequence[float]) -> list[float]:
    return [value] if isinstance(value, int | float) else list(value)


def _named_files(direction: Directions) -> list[str]:
    if isinstance(direction, Mapping):
        return [f"{name}={file}" for name, file in direction.items()]
    return [str(direction)] if isinstance(direction, str | Path) else [str(file) for file in direction]


write_pairs = blocking(write_pairs_async)
