"""Studies of replies (`branch`, `asking`), of the simulated user, of the paper's tables, and `power`."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cocoon.agents.users.conditions import read_conditions
from cocoon.api.blocking import blocking, wait_for
from cocoon.api.reporter import Reporter
from cocoon.api.settings import (
    Profiles,
    Supporters,
    out_folder,
    spec_of,
    supporters_of,
    takes,
    with_own,
    with_profile_files,
)
from cocoon.api.shards.trainings import trainer_of
from cocoon.api.shards.workers import divide_study, shard_of
from cocoon.core.config import HERE, StudyConfig
from cocoon.core.errors import CocoonError
from cocoon.core.settings import read_settings
from cocoon.core.verb_settings import ABLATE, BRANCH, Given, Options
from cocoon.reports.fidelity import fidelity_of, write_fidelity
from cocoon.reports.paper.tables import load_paper_table
from cocoon.reports.power import POWER, PowerConfig, Rows, power_rows
from cocoon.reports.tables.records import Report
from cocoon.running.frame import forbid_cloud_tracing
from cocoon.running.local_parts import local_parts
from cocoon.running.reading.former import user_with_rules_of, with_rules_of
from cocoon.running.shards.shard import read_shard
from cocoon.running.study import OwnObjects, Study, open_models, read_profiles
from cocoon.studies.ablation.config import DEFAULT_CONDITIONS, refuse_copies
from cocoon.studies.ablation.run import Ablation
from cocoon.studies.asking.config import ASKED, ASKING, AskingConfig
from cocoon.studies.asking.run import Asking, plan_asking
from cocoon.studies.branches.config import MovesConfig
from cocoon.studies.branches.run import Branching, read_forks
from cocoon.studies.reproduce.config import REPRODUCE, STAGES, ReproduceConfig, with_scales_of_table
from cocoon.studies.reproduce.run import Reproduction
from cocoon.studies.result import StudyResult

if TYPE_CHECKING:
    from cocoon.api.run import Run

__all__ = [
    "ablate",
    "ablate_async",
    "asking",
    "asking_async",
    "branch",
    "branch_async",
    "fidelity",
    "power",
    "reproduce",
    "reproduce_async",
]

# Settings of the dialogues, which are there already where they are only compared.
_TALKING = ("profiles", "limit", "language", "rounds", "samples", "supporters", "user", "form_pairs")


def prepare_branches(
    run: "str | Path | Run",
    out: str | Path,
    given: Given[StudyConfig],
    turns: Sequence[int | str],
    moves: Mapping[str, object] | None = None,
    *,
    allow_cloud_tracing: bool = False,
) -> Branching:
    """Return branches that are ready to be made. See `branch`."""
    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    parent = Path(run) if isinstance(run, str | Path) else run.path
    own, out = OwnObjects(), out_folder(out)
    if out.exists() and out.samefile(parent):
        raise CocoonError(f"--out {out}: branches need a folder of their own, beside the run that they leave")
    moved = _moves(moves or {}, own)
    forks = read_forks(parent, _rounds(turns), moved, own=given.keywords.get("supporter") is None)
    settings = with_own(_on_run(given, parent), own, out).resolve().config
    study = Study(settings, open_models(settings, local_parts()), own)
    return Branching(parent, study, forks, out, moved)


def _on_run(given: Given[StudyConfig], run: "str | Path | Run") -> Given[StudyConfig]:
    """Return settings that are those of a run unless given. All of it is taken, if it is a shard."""
    parent = Path(run) if isinstance(run, str | Path) else run.path
    whole = given.and_also(shard="1/1") if read_shard(parent) is not None and shard_of(given) is None else given
    return whole if given.config is not None else replace(whole, config=parent / "config.yaml")


def _moves(given: Mapping[str, object], own: OwnObjects) -> MovesConfig:
    """Return the settings of moves, with a spec in place of every function of Python."""
    named = supporters_of(given.get("move") or [], own)
    specs = ["=".join(filter(None, (move.get("name"), move["model"]))) for move in named]
    writer = spec_of(given["writer"], own, "writer") if given.get("writer") is not None else None
    return read_settings(MovesConfig, {**given, "move": specs, "writer": writer}).checked()


def _rounds(turns: Sequence[int | str]) -> list[int] | None:
    """Return the rounds as numbers, None for every round."""
    if [str(turn) for turn in turns] == ["every"]:
        return None
    if not turns or not all(str(turn).isdecimal() for turn in turns):
        given = " ".join(map(str, turns)) or "nothing"
        raise CocoonError(f"--turn {given}: give rounds such as --turn 5, or --turn every")
    return sorted({int(turn) for turn in turns})


@takes(BRANCH)
async def branch_async(
    run: "str | Path | Run",
    *,
    turn: int | str | Sequence[int | str],
    out: str | Path,
    supporter: Supporters = None,
    move: Supporters = None,
    user: object = None,
    judge: object = None,
    config: str | Path | None = None,
    options: Options = (),
    allow_cloud_tracing: bool = False,
    progress: bool | Reporter = True,
    **settings: object,
) -> StudyResult:
    """Let the talks of a run go on anew from a turn, and compare what comes of them.

    `turn` is a round, counted from 1, or several, or `"every"`: the talks go on with the supporter's reply of that
    round. What was said before is neither spoken nor paid for again, and the user remembers it. `supporter` names who
    goes on, by default each talk's own. `samples` is the number of futures of each. All other settings are those of the
    run unless given. The folder is a run like any other, with a report of its own (`branches.md`): outcomes, supporters
    on the same words before, and with neighbouring rounds the credit of each reply. The same call goes on.

    `move` says what the supporter does in that round, one or several of `question`, `statement`, `reflection`,
    `advice`, `silence` and `own`, or functions `(view, words) -> str` of your own by name. Besides the settings below
    there are those of `MovesConfig`: `writer`, `meaning`, `enough`, `outcome`.
    """
    turns = [turn] if isinstance(turn, int | str) else turn
    moves = {name: settings.pop(name) for name in list(settings) if name in MovesConfig.model_fields} | {"move": move}
    roles = {"supporter": supporter, "user": user, "judge": judge}
    given = Given(BRANCH, settings | roles, config, None, options)
    return await branch_as(run, out, given, turns, moves, allow_cloud_tracing=allow_cloud_tracing, progress=progress)


async def branch_as(
    run: "str | Path | Run",
    out: str | Path,
    given: Given[StudyConfig],
    turns: Sequence[int | str],
    moves: Mapping[str, object] | None = None,
    *,
    allow_cloud_tracing: bool = False,
    progress: bool | Reporter = True,
) -> StudyResult:
    """Branch as a verb was given it: every branch, a shard of them, or shard after shard. See `branch`."""
    reporter = Reporter.of(progress)
    given = _on_run(given, run)

    async def make(path: Path, settings: Given[StudyConfig], reporter: Reporter) -> StudyResult:
        branching = prepare_branches(run, path, settings, turns, moves, allow_cloud_tracing=allow_cloud_tracing)
        return await branching.make(reporter)

    return await divide_study(out_folder(out), given, make, reporter)


def prepare_asking(
    run: "str | Path | Run",
    out: str | Path,
    given: Given[StudyConfig],
    asked: dict[str, object],
    *,
    allow_cloud_tracing: bool = False,
) -> Asking:
    """Return a study of asking that is ready to start. See `asking`."""
    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    parent, out, own = Path(run) if isinstance(run, str | Path) else run.path, out_folder(out), OwnObjects()
    writer = spec_of(asked["writer"], own, "writer") if asked.get("writer") is not None else None
    config = read_settings(AskingConfig, {**asked, "writer": writer})
    if out.exists() and out.samefile(parent):
        raise CocoonError(f"--out {out}: the study needs a folder of its own, beside the run whose talks it takes")
    stored = given if given.config is not None else replace(given, config=parent / "config.yaml")
    resolved = with_own(stored, own, out).resolve()
    study = Study(resolved.config, open_models(resolved.config, local_parts()), own)
    return plan_asking(parent, study, config, out, own=given.keywords.get("supporter") is None)


@takes(ASKED)
@takes(ASKING)
async def asking_async(
    run: "str | Path | Run",
    *,
    out: str | Path,
    supporter: Supporters = None,
    user: object = None,
    judge: object = None,
    writer: object = None,
    config: str | Path | None = None,
    options: Options = (),
    allow_cloud_tracing: bool = False,
    progress: bool | Reporter = True,
    **settings: object,
) -> StudyResult:
    """Ask or say the same at turns drawn from the talks of a run, and compare what comes of it.

    At each drawn turn a model writes the content of the supporter's reply as a question and as a statement. Both are
    checked for form and meaning. The talks go on from either, `samples` times, under every one of the trust `rules`.
    The report (`asking.md`) has the effect on the user's next turn and on the end, with intervals over people, beside
    a finished `sweep` where one is given. The same call goes on.
    """
    compared = {name: settings.pop(name) for name in list(settings) if name in AskingConfig.model_fields}
    roles = {"supporter": supporter, "user": user, "judge": judge}
    given = Given(ASKING, settings | roles, config, None, options)
    study = prepare_asking(run, out, given, {**compared, "writer": writer}, allow_cloud_tracing=allow_cloud_tracing)
    return await study.make(Reporter.of(progress))


def prepare_ablation(
    out: str | Path,
    given: Given[StudyConfig],
    *,
    conditions: str | Sequence[str] = DEFAULT_CONDITIONS,
    every_pair: bool = False,
    compare_only: bool = False,
    allow_cloud_tracing: bool = False,
) -> Ablation:
    """Return an ablation that is ready to start. See `ablate`."""
    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    own, out = OwnObjects(), out_folder(out)
    resolved = with_rules_of(with_own(given, own, out).resolve(), out)
    if compare_only:
        resolved.refuse(_TALKING, "a comparison alone simulates nothing. Leave one of them out.")
    study, names = resolved.config, conditions if isinstance(conditions, str) else ",".join(conditions)
    read_conditions(names)
    refuse_copies(study.judge)
    if compare_only:
        return Ablation(study, names, every_pair, [], out, own)
    study = with_profile_files(study)
    return Ablation(study, names, every_pair, read_profiles(study), out, own)


@takes(ABLATE)
async def ablate_async(
    *,
    out: str | Path,
    judge: str | None = None,
    profiles: Profiles | None = None,
    supporter: Supporters = None,
    user: object = None,
    conditions: str | Sequence[str] = DEFAULT_CONDITIONS,
    every_pair: bool = False,
    compare_only: bool = False,
    config: str | Path | None = None,
    options: Options = (),
    allow_cloud_tracing: bool = False,
    progress: bool | Reporter = True,
    **settings: object,
) -> StudyResult:
    """Simulate users that know more or less, have a judge compare them in both orders, and report.

    `conditions` are `full`, `no-memory` and `no-memory-need`, each with a kind of user if wanted (`full@prompted`).
    `judge` is the spec of the model that compares. `out` is the folder. The same call again goes on where it stopped.
    With `compare_only` nothing is simulated, and the dialogues of the folder are compared.
    """
    roles = {"profiles": profiles, "supporter": supporter, "user": user, "judge": judge}
    study = prepare_ablation(
        out,
        Given(ABLATE, settings | roles, config, None, options),
        conditions=conditions,
        every_pair=every_pair,
        compare_only=compare_only,
        allow_cloud_tracing=allow_cloud_tracing,
    )
    return await study.run(Reporter.of(progress))


def prepare_reproduction(
    out: str | Path,
    given: Given[ReproduceConfig],
    stages: str | Sequence[str] = STAGES,
    *,
    allow_cloud_tracing: bool = False,
) -> Reproduction:
    """Return a reproduction that is ready to start. See `reproduce`."""
    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    resolved = given.resolve()
    table = resolved.config.table
    if load_paper_table(table).data == "people":
        resolved.refuse(["judge"], f"people rate {table}, and no judge does. Leave it out.")
    names = stages.split(",") if isinstance(stages, str) else stages
    user = user_with_rules_of(resolved.config.user, resolved.origins, out_folder(out))
    study = with_scales_of_table(resolved.config.model_copy(update={"user": user}))
    stages = [name.strip() for name in names]
    if study.engine == HERE:
        resolved.refuse(["replicas"], "only --engine ray has replicas. Add it, or leave replicas out.")
    elif "train" not in stages:
        resolved.refuse(["engine", "replicas"], "Ray trains, and the stages do not. Add train, or leave it out.")
    return Reproduction(study, out_folder(out), stages, trainer_of(study.engine, study.replicas))


def run_reproduction(study: Reproduction, progress: bool | Reporter = True) -> StudyResult:
    """Do the stages of a reproduction that is ready to start. See `reproduce`."""
    reporter = Reporter.of(progress)
    study.prepare(reporter)
    return study.finish(wait_for(study.talk(reporter)), reporter)


@takes(REPRODUCE)
async def reproduce_async(
    table: str | None = None,
    *,
    out: str | Path,
    config: str | Path | None = None,
    stages: str | Sequence[str] = STAGES,
    options: Options = (),
    allow_cloud_tracing: bool = False,
    progress: bool | Reporter = True,
    **settings: object,
) -> StudyResult:
    """Make a table of the paper again, from corpora to figures. See `reproduce`."""
    given = Given(REPRODUCE, settings | {"table": table}, config, None, options)
    study = prepare_reproduction(out, given, stages, allow_cloud_tracing=allow_cloud_tracing)
    reporter = Reporter.of(progress)
    # A training would hold up the event loop.
    await asyncio.to_thread(study.prepare, reporter)
    return study.finish(await study.talk(reporter), reporter)


@takes(REPRODUCE)
def reproduce(
    table: str | None = None,
    *,
    out: str | Path,
    config: str | Path | None = None,
    stages: str | Sequence[str] = STAGES,
    options: Options = (),
    allow_cloud_tracing: bool = False,
    progress: bool | Reporter = True,
    **settings: object,
) -> StudyResult:
    """Import corpora, train a supporter on each, simulate, judge, and write a table of the paper made again.

    `config` is the YAML file of the study, `out` its folder. `stages` are some of `import`, `train`, `simulate` and
    `report`, and what is done already is passed over.
    """
    given = Given(REPRODUCE, settings | {"table": table}, config, None, options)
    return run_reproduction(prepare_reproduction(out, given, stages, allow_cloud_tracing=allow_cloud_tracing), progress)


@takes(POWER)
def power(**settings: object) -> Rows:
    """Return how many profiles a comparison of two supporters needs, if both meet the same profiles.

    Give `difference` (of means) and `spread` (standard deviation of the profiles' differences), both in points of the
    scale. Or give `difference` and a `run` of two supporters or more, from which the spread of every measure is taken.
    Or give the success `rates` of both sides, and `discordant`. With `profiles`, the power of so many is returned.
    Tests are two-sided at `level`: the paired t test, or McNemar's test.
    """
    return power_rows(read_settings(PowerConfig, settings))


def fidelity(
    *runs: "str | Path | Run", against: tuple[str, str | Path] | None = None, out: str | Path | None = None
) -> Report:
    """Return how true and how easy the simulated users of some runs were, beside the supporters' scores.

    `against` is a corpus and its file (`("esconv", "ESConv.json")`), whose people the users are held against. Its
    figures are kept in each run, and the reports of the run have them from then on. No model is called. `out` is a
    folder for fidelity.md, fidelity.html and tables.
    """
    paths = [Path(run) if isinstance(run, str | Path) else run.path for run in runs]
    report = fidelity_of(paths, (against[0], Path(against[1])) if against else None)
    if out is not None:
        write_fidelity(report, Path(out))
    return report


asking = blocking(asking_async)
branch = blocking(branch_async)
ablate = blocking(ablate_async)
