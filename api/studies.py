"""`ablate`, `reproduce`, `fidelity` and `power`: studies of the simulated user, and of the paper's tables."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cocoon.agents.users.conditions import read_conditions
from cocoon.api.reporter import Reporter
from cocoon.api.running import blocking, wait_for
from cocoon.api.settings import (
    Options,
    Profiles,
    Sources,
    Supporters,
    flags_of,
    profile_files,
    spec_of,
    supporters_of,
    with_profile_files,
)
from cocoon.core.config import StudyConfig
from cocoon.reports.fidelity import fidelity_of, write_fidelity
from cocoon.reports.power import power
from cocoon.reports.tables.records import Report
from cocoon.running.frame import forbid_cloud_tracing
from cocoon.running.study import OwnObjects, read_profiles
from cocoon.studies.ablation.config import DEFAULT_CONDITIONS, refuse_copies
from cocoon.studies.ablation.run import Ablation
from cocoon.studies.reproduce.config import STAGES, ReproduceConfig, with_scales_of_table
from cocoon.studies.reproduce.run import Reproduction
from cocoon.studies.result import StudyResult

if TYPE_CHECKING:
    from cocoon.api.run import Run

__all__ = ["ablate", "ablate_async", "fidelity", "power", "reproduce", "reproduce_async"]

REPRODUCE_KEYWORDS = {
    "talking": "talking",
    "judge": "judge.model",
    "concurrency": "concurrency",
    "budget_calls": "budget.calls",
}


def prepare_ablation(
    *,
    out: str | Path,
    judge: str | None = None,
    profiles: Profiles | None = None,
    conditions: str | Sequence[str] = DEFAULT_CONDITIONS,
    every_pair: bool = False,
    compare_only: bool = False,
    supporter: Supporters = None,
    user: object = None,
    config: str | Path | None = None,
    options: Options = (),
    allow_cloud_tracing: bool = False,
    **settings: Any,
) -> Ablation:
    """Return an ablation that is ready to start. See `ablate`."""
    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    own, out = OwnObjects(), Path(out)
    flags = flags_of(settings) | {
        "profiles": profile_files(profiles, out) if profiles is not None else None,
        "supporters": supporters_of(supporter, None, own),
        "user.model": spec_of(user, own) if user is not None else None,
        "judge.model": judge,
    }
    study = Sources(config, None, options).resolve(StudyConfig, flags)
    names = conditions if isinstance(conditions, str) else ",".join(conditions)
    read_conditions(names)
    refuse_copies(study.judge)
    if compare_only:
        return Ablation(study, names, every_pair, [], out, own)
    study = with_profile_files(study)
    return Ablation(study, names, every_pair, read_profiles(study), out, own)


async def ablate_async(*, progress: bool | Reporter = True, **settings: Any) -> StudyResult:
    """Simulate users that know more or less, have a judge compare them in both orders, and report.

    `conditions` are `full`, `no-memory` and `no-memory-need`, each with a kind of user if wanted (`full@prompted`).
    `judge` is the spec of the model that compares. `out` is the folder. The same call again goes on where it stopped.
    Further settings have the names of the flags of `cocoon ablate`: `profiles`, `every_pair`, `compare_only`, `votes`,
    `rounds`, `supporter`, `user`, ...
    """
    return await prepare_ablation(**settings).run(Reporter.of(progress))


def prepare_reproduction(
    table: str | None = None,
    *,
    out: str | Path,
    config: str | Path | None = None,
    stages: str | Sequence[str] = STAGES,
    options: Options = (),
    allow_cloud_tracing: bool = False,
    **settings: Any,
) -> Reproduction:
    """Return a reproduction that is ready to start. See `reproduce`."""
    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    flags = flags_of(settings, REPRODUCE_KEYWORDS) | {"table": table}
    study = with_scales_of_table(Sources(config, None, options).resolve(ReproduceConfig, flags))
    names = stages.split(",") if isinstance(stages, str) else stages
    return Reproduction(study, Path(out), [name.strip() for name in names])


async def reproduce_async(
    table: str | None = None, *, progress: bool | Reporter = True, **settings: Any
) -> StudyResult:
    """Make a table of the paper again, from corpora to figures. See `reproduce`."""
    reporter, study = Reporter.of(progress), prepare_reproduction(table, **settings)
    # A training would hold up the event loop.
    await asyncio.to_thread(study.prepare, reporter)
    return study.finish(await study.talk(reporter), reporter)


def reproduce(table: str | None = None, *, progress: bool | Reporter = True, **settings: Any) -> StudyResult:
    """Import corpora, train a supporter on each, simulate, judge, and write a table of the paper made again.

    `config` is the YAML file of the study, `out` its folder. `stages` are some of `import`, `train`, `simulate` and
    `report`, and what is done already is passed over. Further settings: `talking`, `judge`, `concurrency`,
    `budget_calls`, `options`.
    """
    reporter, study = Reporter.of(progress), prepare_reproduction(table, **settings)
    study.prepare(reporter)
    return study.finish(wait_for(study.talk(reporter)), reporter)


def fidelity(*runs: "str | Path | Run", out: str | Path | None = None) -> Report:
    """Return how true and how easy the simulated users of some runs were, beside the supporters' scores.

    No model is called. `out` is a folder for fidelity.md, fidelity.html and tables.
    """
    report = fidelity_of([Path(run) if isinstance(run, str | Path) else run.path for run in runs])
    if out is not None:
        write_fidelity(report, Path(out))
    return report


ablate = blocking(ablate_async)
