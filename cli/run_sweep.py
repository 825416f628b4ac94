"""Runs the steering study from the command line: directions and placebos, both kinds of user, report."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import typer

from cocoon.cli.local_parts import local_parts
from cocoon.cli.progress import Watcher
from cocoon.cli.run_steer import one_of, opened
from cocoon.cli.run_study import say
from cocoon.core.config import StudyConfig
from cocoon.core.errors import CocoonError, StoppedError
from cocoon.core.jsonl import write_whole
from cocoon.core.models import Models
from cocoon.core.profile_files import profile_path
from cocoon.core.records import Profile
from cocoon.evaluation.charts import draw
from cocoon.evaluation.facts import EMBEDDED
from cocoon.evaluation.report import EMBEDDED_WARNING
from cocoon.evaluation.report_csv import render_csv
from cocoon.evaluation.report_html import render_html
from cocoon.evaluation.report_json import to_json
from cocoon.evaluation.report_markdown import render_markdown
from cocoon.evaluation.tables import Report
from cocoon.graphs.study import Study, open_models, read_profiles
from cocoon.steering.direction import Direction
from cocoon.steering.extract import Recipe, direction_of, read_contrast
from cocoon.steering.pairs import read_pairs
from cocoon.steering.situations import check_apart, marks, of_profiles, read_situations
from cocoon.studies.sweep import (
    USERS,
    SteerFile,
    SweepPlan,
    UserKind,
    plan_arms,
    read_plan,
    run_sweep,
    settings_of,
)
from cocoon.studies.sweep_placebo import equal_surprise
from cocoon.studies.sweep_records import measure_nats
from cocoon.studies.sweep_report import sweep_report

_PLACEBO_SITUATIONS = 12
_SEED_OF_PLACEBO = 1


@dataclass(frozen=True)
class SweepOptions:
    """What `cocoon steer sweep` was given beside the settings of a run."""

    model: str
    directions: list[str]
    coefficients: list[float]
    users: str
    placebo: bool
    repeng: float | None
    tokens: str
    allow_overlap: bool

    def kinds(self) -> list[UserKind]:
        """The kinds of user, in order."""
        names = [name.strip() for name in self.users.split(",") if name.strip()]
        for name in names:
            one_of("--users", name, get_args(UserKind))
        return [name for name in get_args(UserKind) if name in names]


def run_sweep_command(settings: StudyConfig, given: SweepOptions, out: Path, as_json: bool) -> None:
    """Everything from directions to the report; exits with the code of what stopped or failed."""
    one_of("--tokens", given.tokens, ("reply", "replies"))
    files = [str(path) for name in settings.profiles for path in profile_path(name)]
    settings = settings.model_copy(update={"profiles": files})
    profiles = read_profiles(settings)
    plan = read_plan(out) if (out / "sweep.json").exists() else _plan(given, profiles, out)
    models = open_models(settings, local_parts())
    try:
        code = asyncio.run(_work(settings, plan, models, profiles, out))
    except asyncio.CancelledError:
        raise StoppedError("stopped at once; the same command goes on from the last answered call") from None
    if not code:
        _measure(given.model, plan, out)
    report = write_sweep_report(out)
    typer.echo(json.dumps(to_json(report), ensure_ascii=False) if as_json else render_markdown(report))
    say(f"written: {out}/sweep.md, sweep.html, tables/, figures/; the runs stand in {out}/{USERS}")
    if code:
        raise typer.Exit(code)


async def _work(settings: StudyConfig, plan: SweepPlan, models: Models, profiles: list[Profile], out: Path) -> int:
    for user in plan.users:
        study = Study(settings_of(settings, plan, user), models)
        for opened_role in (study.user, study.judges, study.supporters):
            opened_role()
    say(f"{len(profiles)} profiles x {len(plan.arms)} arms x {settings.samples} x {', '.join(plan.users)}")
    say(f"text goes to: {', '.join(models.hosts)}" if models.hosts else "text stays on this machine")
    outcomes = await run_sweep(settings, plan, models, profiles, out, Watcher())
    for outcome in outcomes:
        if outcome.stopped_by is not None:
            say(f"cocoon: {outcome.stopped_by}")
    return max(one.exit_code for one in outcomes)


def _plan(given: SweepOptions, profiles: Sequence[Profile], out: Path) -> SweepPlan:
    """The arms, with every direction copied into the folder so that the sweep stays whole."""
    found = [_named(text) for text in given.directions]
    names = [name for name, _ in found]
    if len(set(names)) < len(names):
        raise CocoonError(f"--direction: two directions are named {names[0]!r}; name them, as in reply=FILE")
    overlap = [note for _, direction in found for note in _overlap(direction, profiles, given.allow_overlap)]
    folder = (out / "directions").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    files = [SteerFile(name, _kept(direction, folder, name)) for name, direction in found]
    random, same, repeng = None, {}, None
    if given.placebo or given.repeng is not None:
        with opened(given.model) as weights:
            top = max(given.coefficients)
            if given.placebo:
                placebo = Direction.random(found[0][1], _SEED_OF_PLACEBO)
                random = _kept(placebo, folder, "random")
                say("looking for the random direction's dose of equal surprise ...")
                situations = read_situations("shipped:en:calibrate")[:_PLACEBO_SITUATIONS]
                if (dose := equal_surprise(weights, found[0][1], placebo, top, situations)) is not None:
                    same[top] = dose
                else:
                    say("no dose of the random direction is as costly: that placebo is left out")
            if given.repeng is not None:
                repeng = (_kept(_repeng_default(weights, found[0][1]), folder, "repeng"), given.repeng)
    arms = plan_arms(given.model, files, given.coefficients, random, same, repeng, given.tokens)
    return SweepPlan(base=given.model, arms=arms, users=given.kinds(), overlap=overlap)


def _named(text: str) -> tuple[str, Direction]:
    name, equals, path = text.partition("=")
    direction = Direction.load(Path(path if equals else text).expanduser())
    return name if equals else direction.kind, direction


def _kept(direction: Direction, folder: Path, name: str) -> Path:
    path = folder / f"{name}.safetensors"
    direction.save(path)
    return path


def _overlap(direction: Direction, profiles: Sequence[Profile], allowed: bool) -> list[str]:
    try:
        pairs = [(pair.situation, pair.said) for pair in read_pairs(direction.card.pairs)]
    except CocoonError:
        return [f"the pairs of direction {direction.kind} cannot be read: overlap with the profiles was not checked"]
    found = check_apart({"profiles": marks(of_profiles(profiles)), "pairs": pairs}, allowed=allowed)
    return [
        f"profile {one.one} stands in the direction's pairs ({one.likeness:.0f} of 100 alike)" for _, _, one in found
    ]


def _repeng_default(weights: Any, like: Direction) -> Direction:
    """repeng's default from the same pairs: last token, PCA of differences, one number for all layers but the first."""
    recipe = Recipe("reply", "last", "pca_diff")
    pairs = read_pairs(like.card.pairs or "shipped:en")
    band = range(like.layer_count - 18, like.layer_count - 4) if like.layer_count > 20 else range(1, like.layer_count)
    made = direction_of(weights, read_contrast(weights, pairs, recipe), recipe, list(band))
    return replace(made, norms=np.ones_like(made.norms))


def _measure(model: str, plan: SweepPlan, out: Path) -> None:
    say("scoring the replies under the unsteered model ...")
    with opened(model) as weights:
        for user in plan.users:
            measure_nats(weights, out / USERS / user)


def write_sweep_report(out: Path) -> Report:
    """The report of a sweep's folder, written beside it."""
    report = sweep_report(out)
    if EMBEDDED in read_plan(out).base.lower():
        report = report.model_copy(update={"warnings": [EMBEDDED_WARNING, *report.warnings]})
    for folder in ("tables", "figures"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    files = {"sweep.md": render_markdown(report), "sweep.html": render_html(report)}
    files |= {f"tables/sweep_{name}.csv": text for name, text in render_csv(report).items()}
    files |= {f"figures/{one.id}.svg": draw(one.chart, one.id, standalone=True) for one in report.figures}
    for name, text in files.items():
        write_whole(out / name, [text.encode()])
    return report
