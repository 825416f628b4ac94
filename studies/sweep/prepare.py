"""Make the plan of a sweep: directions copied into its folder, placebos with their doses, or the plan that is there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cocoon.core.config import StudyConfig
from cocoon.core.errors import CocoonError
from cocoon.core.records import Profile
from cocoon.models.local.weights import Weights
from cocoon.running.local_parts import opened_weights
from cocoon.steering.calibration.behaviour import Speaking
from cocoon.steering.calibration.detector import Trust
from cocoon.steering.control.control import check_fit
from cocoon.steering.directions.direction import Direction
from cocoon.steering.directions.placebo import random_placebo, repeng_default, repeng_dose
from cocoon.steering.pairs.pairs import read_pairs
from cocoon.steering.pairs.situations import check_apart, marks, of_profiles
from cocoon.studies.sweep.coefficients import CoefficientSearch
from cocoon.studies.sweep.config import SweepConfig
from cocoon.studies.sweep.plan import (
    PLAN,
    Placebo,
    SteerFile,
    SweepPlan,
    SweptUser,
    directions_of,
    plan_arms,
    read_plan,
)

DIRECTIONS = "directions"
Say = Callable[[str], None]


def plan_sweep(
    config: SweepConfig,
    study: StudyConfig,
    users: Sequence[SweptUser],
    profiles: Sequence[Profile],
    out: Path,
    say: Say,
) -> SweepPlan:
    """Return the plan that the folder holds, or a new one.

    For a new one the base is opened: the coefficients of ratios and the doses of the placebos are found by what it
    says, as it speaks in the `study`. Raises CocoonError if the folder holds another sweep than the one asked for, and
    for profiles that are in a direction's pairs.
    """
    if (out / PLAN).exists():
        return _going_on(config, users, out)
    return _new_plan(config, study, users, profiles, out, say)


def expected_plan(config: SweepConfig, users: Sequence[SweptUser], out: Path) -> SweepPlan:
    """Return the plan as far as it is known before any model is opened.

    All placebos and repeng's default are in it unless they are left out, though their doses are not known yet.
    """
    if (out / PLAN).exists():
        return _going_on(config, users, out)
    # Which coefficients ratios have is not known yet.
    targets = {float(number): ratio for number, ratio in enumerate(config.ratio, 1)}
    files = [SteerFile(name, out / f"{name}.safetensors", targets) for name in config.directions()]
    placebos = {file.name: Placebo([file.path] * config.random, 1.0) for file in files if config.placebo}
    repeng = (out, 1.0) if config.repeng != 0 else None
    return _plan(config, users, files, placebos, repeng, [])


def _new_plan(
    config: SweepConfig,
    study: StudyConfig,
    users: Sequence[SweptUser],
    profiles: Sequence[Profile],
    out: Path,
    say: Say,
) -> SweepPlan:
    search = CoefficientSearch.of(config, study, users, out) if config.ratio else None
    speaking = config.voice(study).speaking
    directions = config.directions()
    warnings = [
        warning for direction in directions.values() for warning in _overlap(direction, profiles, config.allow_overlap)
    ]
    folder = (out / DIRECTIONS).absolute()
    starts = any(config.control(direction).at == "starts" for direction in directions.values())
    with opened_weights(config.model, "starts" if starts else "every") as weights:
        for name, direction in directions.items():
            check_fit(direction, weights, f"direction {name!r}")
        folder.mkdir(parents=True, exist_ok=True)
        # A copy keeps the sweep whole, whatever becomes of the file.
        files = [SteerFile(name, _save(direction, folder, name)) for name, direction in directions.items()]
        readers: dict[str, Trust] = {}
        if search is not None:
            calibrated = [search.find(weights, config.model, file, say) for file in files]
            files = [file for file, _ in calibrated]
            readers = {file.name: reader for file, reader in calibrated if reader is not None}
        tops = {file.name: file.doses(config.coefficient)[-1] for file in files}
        costs = _Costs(weights, config, speaking, folder, say)
        placebos = {
            name: costs.placebo(name, direction, tops[name]) for name, direction in directions.items() if config.placebo
        }
        first, direction = next(iter(directions.items()))
        repeng = costs.repeng(direction, tops[first]) if config.repeng != 0 else None
    warnings += _missing(placebos, config, repeng)
    plan = _plan(config, users, files, placebos, repeng, warnings)
    return plan.model_copy(update={"readers": readers})


def _plan(
    config: SweepConfig,
    users: Sequence[SweptUser],
    files: Sequence[SteerFile],
    placebos: Mapping[str, Placebo],
    repeng: tuple[Path, float] | None,
    warnings: list[str],
) -> SweepPlan:
    speaker, served = config.served or config.model, config.served is not None
    arms = plan_arms(speaker, files, config.coefficient, placebos, repeng, config.tokens, config.at, history=not served)
    return SweepPlan(
        base=config.model,
        served=config.served,
        arms=arms,
        users=list(users),
        tokens=config.tokens,
        at=config.at,
        repeng=config.repeng,
        talks=config.talks,
        moments=config.moments if config.ratio else None,
        labels=config.labels,
        warnings=warnings,
    )


@dataclass(frozen=True)
class _Costs:
    """Finds the doses at which other directions cost as much fluency, as the model speaks in the study."""

    weights: Weights
    config: SweepConfig
    speaking: Speaking
    folder: Path
    say: Say

    def placebo(self, name: str, direction: Direction, top: float) -> Placebo:
        """Return random directions, and the first one's dose of equal surprise."""
        self.say(f"{name}: looking for the random direction's dose of equal surprise ...")
        first, dose = random_placebo(self.weights, self.config.control(direction), top, self.speaking)
        others = [Direction.random(direction, first.card.seed + number) for number in range(1, self.config.random)]
        named = [(chance, f"random-{name}-{number}") for number, chance in enumerate([first, *others], 1)]
        return Placebo([_save(chance, self.folder, file) for chance, file in named], dose)

    def repeng(self, like: Direction, top: float) -> tuple[Path, float] | None:
        """Return repeng's default at the dose of the settings, or at that of equal surprise (None if there is none)."""
        default, dose = repeng_default(self.weights, like), self.config.repeng
        if dose is None:
            self.say("looking for the dose of repeng's default ...")
            dose = repeng_dose(self.weights, default, self.config.control(like), top, self.speaking)
        return None if dose is None else (_save(default, self.folder, "repeng"), dose)


def _missing(placebos: Mapping[str, Placebo], config: SweepConfig, repeng: tuple[Path, float] | None) -> list[str]:
    """Return a warning for every placebo that is not as costly at any dose."""
    warnings = [
        f"{name}: no dose of the random direction is as costly; the placebo of equal surprise is missing"
        for name, placebo in placebos.items()
        if placebo.nats is None
    ]
    if config.served is not None:
        warnings.append("served: the arm with the history encoded the other way is missing; a server cannot do it")
    if repeng is None and config.repeng != 0:
        warnings.append("repeng's default: no dose is as costly as the largest coefficient; give one with --repeng")
    return warnings


def _save(direction: Direction, folder: Path, name: str) -> Path:
    path = folder / f"{name}.safetensors"
    direction.save(path)
    return path


def _overlap(direction: Direction, profiles: Sequence[Profile], allowed: bool) -> list[str]:
    try:
        pairs = [(pair.situation, pair.said) for pair in read_pairs(direction.card.pairs)]
    except CocoonError:
        return [f"the pairs of direction {direction.kind} cannot be read: overlap with the profiles was not checked"]
    shared = check_apart({"profiles": marks(of_profiles(profiles)), "pairs": pairs}, allowed=allowed)
    return [
        f"profile {overlap.one} stands in the direction's pairs ({overlap.likeness:.0f} of 100 alike; --allow-overlap)"
        for _, _, overlap in shared
    ]


def _going_on(config: SweepConfig, users: Sequence[SweptUser], out: Path) -> SweepPlan:
    """Return the plan of the folder. Raises CocoonError if another sweep than that one is asked for."""
    plan = read_plan(out)
    steered = [arm for arm in plan.arms if arm.kind == "steered"]
    coefficients = {arm.coefficient for arm in steered if arm.ratio is None}
    kept = {name: Direction.load(out / DIRECTIONS / f"{name}.safetensors").card for name in directions_of(plan)}
    chance = sum(arm.kind == "random" for arm in plan.arms)
    differs = {
        "--model": config.model != plan.base,
        "--served": config.served != plan.served,
        "--users": list(users) != plan.users,
        "--tokens": config.tokens != plan.tokens,
        "--at": config.at != plan.at,
        "--placebo": config.placebo != bool(chance),
        "--random": bool(chance) and config.placebo and chance != config.random * len(kept),
        "--repeng": _other_repeng(config.repeng, plan),
        "--coefficient": {coefficient for coefficient in config.coefficient if coefficient} != coefficients,
        "--ratio": set(config.ratio) != {arm.ratio for arm in steered if arm.ratio is not None},
        "--talks": config.talks != plan.talks,
        "--moments": bool(config.ratio) and config.moments != plan.moments,
        "--labels": config.labels != plan.labels,
        "--direction": {name: direction.card for name, direction in config.directions().items()} != kept,
    }
    if others := [name for name, other in differs.items() if other]:
        raise CocoonError(
            f"{out} holds another sweep ({', '.join(others)}); give what it was made with, or take another --out"
        )
    return plan


def _other_repeng(dose: float | None, plan: SweepPlan) -> bool:
    """Return whether this dose of repeng's default is another than that of the plan. None is that of equal surprise."""
    if dose is None:
        return plan.repeng is not None
    return [arm.coefficient for arm in plan.arms if arm.kind == "repeng"] != ([dose] if dose else [])
