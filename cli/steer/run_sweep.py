"""Runs the steering study from the command line: directions and placebos, both kinds of user, report."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import typer

from cocoon.api.progress import Watcher
from cocoon.api.reporter import say
from cocoon.api.settings import with_profile_files
from cocoon.cli.steer.run import language_of, one_of, opened
from cocoon.core.config import StudyConfig, UserKind
from cocoon.core.errors import CocoonError, StoppedError
from cocoon.core.jsonl import write_whole
from cocoon.core.records import Profile
from cocoon.models.by_name import Models
from cocoon.models.local.weights import Weights
from cocoon.reports.charts.draw import draw_chart
from cocoon.reports.formats.csv_lines import render_csv
from cocoon.reports.formats.html_page import render_html
from cocoon.reports.formats.json_value import to_json
from cocoon.reports.formats.markdown import render_markdown
from cocoon.reports.report import EMBEDDED_WARNING
from cocoon.reports.tables.records import Report
from cocoon.running.estimate import estimate
from cocoon.running.local_parts import local_parts
from cocoon.running.manifest import uses_embedded
from cocoon.running.study import Study, open_models, read_profiles
from cocoon.steering.control.control import Control, check_fit
from cocoon.steering.directions.direction import At, Direction
from cocoon.steering.directions.extract import Recipe, direction_of, read_contrast
from cocoon.steering.pairs.pairs import read_pairs
from cocoon.steering.pairs.situations import Situation, check_apart, marks, of_profiles, read_situations
from cocoon.studies.sweep.placebo import TRIED, equal_surprise
from cocoon.studies.sweep.records import measure_nats
from cocoon.studies.sweep.report import directions_of, sweep_report
from cocoon.studies.sweep.run import (
    PLAN,
    USERS,
    HistoryTokens,
    Placebo,
    SteerFile,
    SweepPlan,
    SweptUser,
    plan_arms,
    read_plan,
    run_sweep,
    settings_of,
)

_PLACEBO_SITUATIONS = 12
_SEED_OF_PLACEBO = 1


@dataclass(frozen=True)
class SweepOptions:
    """What `cocoon steer sweep` was given beside the settings of a run."""

    model: str
    directions: list[str]
    coefficients: list[float]
    users: str | None
    placebo: bool
    repeng: float | None
    tokens: HistoryTokens
    allow_overlap: bool
    at: At | None = None
    own_user: bool = False

    def check(self) -> None:
        """Raise for a value that an option does not have."""
        one_of("--tokens", self.tokens, get_args(HistoryTokens))
        if self.at is not None:
            one_of("--at", self.at, get_args(At))
        if not self.kinds():
            raise typer.BadParameter(f"--users {self.users}: choose {', '.join(get_args(UserKind))}, or both")
        if self.own_user and self.users:
            raise typer.BadParameter(f"--users {self.users}: a user of Python code has no kinds. Leave --users out.")

    def control(self, direction: Direction) -> Control:
        """A direction as the arms are steered by it."""
        return Control(direction, tokens=self.tokens, at=self.at)

    @property
    def top(self) -> float:
        """The largest coefficient."""
        return max(self.coefficients, default=0.0)

    def kinds(self) -> list[SweptUser]:
        """Return the kinds of user, in order."""
        if self.own_user:
            return ["own"]
        names = [name.strip() for name in (self.users or ",".join(get_args(UserKind))).split(",") if name.strip()]
        for name in names:
            one_of("--users", name, get_args(UserKind))
        return [name for name in get_args(UserKind) if name in names]


def run_sweep_command(settings: StudyConfig, given: SweepOptions, out: Path, as_json: bool) -> None:
    """Everything from directions to the report; exits with the code of what stopped or failed."""
    settings = with_profile_files(settings)
    profiles = read_profiles(settings)
    plan = _going_on(given, out) if (out / PLAN).exists() else _plan(given, profiles, out)
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


def expect_sweep(settings: StudyConfig, given: SweepOptions, out: Path) -> dict[str, Any]:
    """Calls, tokens, cost and hosts of a sweep, all arms and kinds of user together; no model is opened.

    Placebos and repeng's default are counted unless they are left out, though their doses are not known yet.
    """
    settings = with_profile_files(settings)
    plan = _going_on(given, out) if (out / PLAN).exists() else _expected_plan(given, out)
    dialogues = len(read_profiles(settings)) * len(plan.arms) * settings.samples
    parts = [estimate(settings_of(settings, plan, user), dialogues) for user in plan.users]
    costs = [part["cost_estimated"] for part in parts]
    summed = ("dialogues", "calls", "tokens_in_estimated", "tokens_out_estimated")
    return {
        "arms": len(plan.arms),
        **{name: sum(part[name] for part in parts) for name in summed},
        "cost_estimated": None if None in costs else sum(costs),
        "hosts": sorted({host for part in parts for host in part["hosts"]}),
    }


def _expected_plan(given: SweepOptions, out: Path) -> SweepPlan:
    files = [SteerFile(name, out / f"{name}.safetensors") for name, _ in _directions(given)]
    placebos = {one.name: Placebo(one.path, given.top) for one in files if given.placebo}
    repeng = (out, given.top) if given.repeng != 0 else None
    arms = plan_arms(given.model, files, given.coefficients, placebos, repeng, given.tokens, given.at)
    return SweepPlan(base=given.model, arms=arms, users=given.kinds(), tokens=given.tokens, at=given.at)


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
    found = _directions(given)
    warnings = [note for _, direction in found for note in _overlap(direction, profiles, given.allow_overlap)]
    folder = (out / "directions").absolute()
    places = [given.control(direction).at for _, direction in found]
    with opened(given.model, "starts" if "starts" in places else "every") as weights:
        for name, direction in found:
            check_fit(direction, weights, f"direction {name!r}")
        folder.mkdir(parents=True, exist_ok=True)
        files = [SteerFile(name, _kept(direction, folder, name)) for name, direction in found]
        placebos = {
            name: _placebo(weights, name, direction, given, folder) for name, direction in found if given.placebo
        }
        repeng = _repeng(weights, found[0][1], given, folder) if given.repeng != 0 else None
    warnings += [
        f"{name}: no dose of the random direction is as costly; the placebo of equal surprise is missing"
        for name, placebo in placebos.items()
        if placebo.nats is None
    ]
    if repeng is None and given.repeng != 0:
        warnings.append("repeng's default: no dose is as costly as the largest coefficient; give one with --repeng")
    arms = plan_arms(given.model, files, given.coefficients, placebos, repeng, given.tokens, given.at)
    return SweepPlan(
        base=given.model, arms=arms, users=given.kinds(), tokens=given.tokens, at=given.at, warnings=warnings
    )


def _directions(given: SweepOptions) -> list[tuple[str, Direction]]:
    found = [_named(text) for text in given.directions]
    names = [name for name, _ in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise CocoonError(f"--direction: two directions are named {twice!r}; name them, as in reply=FILE")
    return found


def _going_on(given: SweepOptions, out: Path) -> SweepPlan:
    """The plan of the folder; raises CocoonError where the command asks for another sweep than that one."""
    plan = read_plan(out)
    steered = [arm for arm in plan.arms if arm.kind == "steered"]
    kept = {name: Direction.load(out / "directions" / f"{name}.safetensors") for name in directions_of(plan)}
    asked = dict(_directions(given))
    differs = {
        "--model": given.model != plan.base,
        "--users": given.kinds() != plan.users,
        "--tokens": given.tokens != plan.tokens,
        "--at": given.at != plan.at,
        "--coefficient": {one for one in given.coefficients if one} != {arm.coefficient for arm in steered},
        "--direction": {name: one.card for name, one in asked.items()}
        != {name: one.card for name, one in kept.items()},
    }
    if others := [name for name, other in differs.items() if other]:
        raise CocoonError(
            f"{out} holds another sweep ({', '.join(others)}); give what it was made with, or take another --out"
        )
    return plan


def _named(text: str) -> tuple[str, Direction]:
    name, equals, path = text.partition("=")
    direction = Direction.load(Path(path if equals else text).expanduser())
    return name if equals else direction.kind, direction


def _kept(direction: Direction, folder: Path, name: str) -> Path:
    path = folder / f"{name}.safetensors"
    direction.save(path)
    return path


def _placebo(weights: Weights, name: str, direction: Direction, given: SweepOptions, folder: Path) -> Placebo:
    say(f"{name}: looking for the random direction's dose of equal surprise ...")
    chance = Direction.random(direction, _SEED_OF_PLACEBO)
    doses = [round(given.top * one, 6) for one in TRIED]
    real, other = given.control(direction), given.control(chance)
    dose = equal_surprise(weights, real, given.top, other, doses, _tried_on(direction))
    return Placebo(_kept(chance, folder, f"random-{name}"), dose)


def _repeng(weights: Weights, like: Direction, given: SweepOptions, folder: Path) -> tuple[Path, float] | None:
    """repeng's default at a dose, or at that of equal surprise (none where no dose is as costly)."""
    default, real, dose = _repeng_default(weights, like), given.control(like), given.repeng
    if dose is None:
        say("looking for the dose of repeng's default ...")
        norm = float(np.mean([like.norms[like.layers.index(layer)] for layer in real.layers]))
        doses = [round(given.top * norm * one, 4) for one in (0.06, 0.12, 0.25, 0.5, *TRIED)]
        dose = equal_surprise(weights, real, given.top, Control(default, tokens="both"), doses, _tried_on(like))
    return None if dose is None else (_kept(default, folder, "repeng"), dose)


def _tried_on(direction: Direction) -> list[Situation]:
    return read_situations(f"shipped:{language_of(direction)}:calibrate")[:_PLACEBO_SITUATIONS]


def _overlap(direction: Direction, profiles: Sequence[Profile], allowed: bool) -> list[str]:
    try:
        pairs = [(pair.situation, pair.said) for pair in read_pairs(direction.card.pairs)]
    except CocoonError:
        return [f"the pairs of direction {direction.kind} cannot be read: overlap with the profiles was not checked"]
    found = check_apart({"profiles": marks(of_profiles(profiles)), "pairs": pairs}, allowed=allowed)
    return [
        f"profile {one.one} stands in the direction's pairs ({one.likeness:.0f} of 100 alike; --allow-overlap)"
        for _, _, one in found
    ]


def _repeng_default(weights: Weights, like: Direction) -> Direction:
    """repeng's default from the same pairs: last token, PCA of differences, one number for all layers but the first."""
    recipe = Recipe("reply", "last", "pca_diff")
    pairs = read_pairs(like.card.pairs or f"shipped:{language_of(like)}")
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
    if uses_embedded(out / USERS / user for user in read_plan(out).users):
        report = report.model_copy(update={"warnings": [EMBEDDED_WARNING, *report.warnings]})
    for folder in ("tables", "figures"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    files = {"sweep.md": render_markdown(report), "sweep.html": render_html(report)}
    files |= {f"tables/sweep_{name}.csv": text for name, text in render_csv(report).items()}
    files |= {f"figures/{one.id}.svg": draw_chart(one.chart, one.id, standalone=True) for one in report.figures}
    for name, text in files.items():
        write_whole(out / name, [text.encode()])
    return report
