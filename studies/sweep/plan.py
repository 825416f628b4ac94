"""What a sweep compares: the arms, from directions, coefficients and placebos, and the plan stored beside its runs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import Field

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import write_whole
from cocoon.core.records import Record
from cocoon.steering.calibration.detector import Trust
from cocoon.steering.directions.direction import At

SweptUser = Literal["guarded", "people", "prompted", "own"]
"""Kinds of simulated user in a sweep: guarded under the rules of the settings, guarded under the rules `people`, the
paper's prompted one, and Python code of the user's own."""
KINDS: tuple[SweptUser, ...] = ("guarded", "people", "prompted")
USERS = "users"
PLAN = "sweep.json"
ArmKind = Literal["plain", "steered", "history", "random", "random_nats", "prompt", "repeng"]
HistoryTokens = Literal["reply", "replies"]


class SweepArm(Record):
    """One supporter of the sweep. `coefficient` is the assigned one.

    `direction` names the row of the report, and for placebos that of the direction they belong to. Kind `history` uses
    the largest coefficient with the earlier dialogue encoded the other way (steered if the others leave it unsteered).
    `ratio` is the ratio that the coefficient was found for, and None where coefficients were given.
    """

    name: str
    kind: ArmKind
    model: str
    prompt: str = "plain"
    direction: str = ""
    coefficient: float = 0.0
    ratio: float | None = None


class SweepPlan(Record):
    """What a sweep compares, stored beside its runs for the report.

    `base` is the model that was measured, and `served` where it speaks (None: in this process). `talks`, `moments` and
    `labels` are as they were given with ratios. `readers` have the labels by which the ratios of a direction are
    corrected, by its name. `at` says where directions are added, and None means as each was made. `repeng` is the dose
    of repeng's default as it was given: None stands for that of equal surprise.
    """

    base: str
    served: str | None = None
    arms: list[SweepArm] = Field(min_length=2)
    users: list[SweptUser] = list(KINDS)
    tokens: HistoryTokens = "reply"
    at: At | None = None
    repeng: float | None = None
    talks: str | None = None
    moments: int | None = None
    labels: str | None = None
    readers: dict[str, Trust] = {}
    warnings: list[str] = []

    @property
    def reader(self) -> Trust | None:
        """The reader of all directions, or None where they have several or a direction has none."""
        readers = [self.readers.get(name) for name in directions_of(self)]
        return readers[0] if readers and all(reader == readers[0] for reader in readers) else None


@dataclass(frozen=True)
class SteerFile:
    """A direction's file with the name of its row, such as `instruction`.

    `targets` maps its own coefficients to the ratios that they were found for. Empty means those of all directions.
    """

    name: str
    path: Path
    targets: Mapping[float, float] = field(default_factory=dict)

    def doses(self, shared: Sequence[float]) -> list[float]:
        """Return its coefficients in ascending order. `shared` are those of directions without their own."""
        return sorted(self.targets or {coefficient for coefficient in shared if coefficient})


@dataclass(frozen=True)
class Placebo:
    """Files of random directions, and the first one's dose of equal surprise (None if no dose is as costly)."""

    paths: Sequence[Path]
    nats: float | None


def plan_arms(
    base: str,
    directions: Sequence[SteerFile],
    coefficients: Sequence[float],
    placebos: Mapping[str, Placebo] | None = None,
    repeng: tuple[Path, float] | None = None,
    tokens: HistoryTokens = "reply",
    at: At | None = None,
    *,
    history: bool = True,
) -> list[SweepArm]:
    """Return all arms: unsteered, every direction at every coefficient with its placebos, prompting, and repeng.

    With `history`, each direction has the arm whose earlier dialogue is encoded the other way. Placebos use the largest
    coefficient of their direction. `placebos` maps the name of a direction to the placebo that belongs to it.
    """
    arms = [plain_arm(base)]
    for file in directions:
        doses = file.doses(coefficients)
        if not doses:
            raise CocoonError("a sweep needs a coefficient other than 0; give --coefficient 0.02 and more")
        arms += _steered(base, file, doses, tokens, at)
        arms += [_other_history(base, file, doses[-1], tokens, at)] if history else []
        if placebo := (placebos or {}).get(file.name):
            arms += _placebos(base, file.name, placebo, doses[-1], tokens, at)
    arms += [
        SweepArm(name=f"prompt: {more}", kind="prompt", model=base, prompt=f"{more}-questions")
        for more in ("fewer", "more")
    ]
    if repeng is not None:
        path, dose = repeng
        arms.append(_arm("repeng", f"repeng {dose:g}", _spec(base, path, dose, "both"), dose))
    return arms


def plain_arm(base: str) -> SweepArm:
    """Return the unsteered arm."""
    return SweepArm(name="plain", kind="plain", model=base)


def _steered(
    base: str, file: SteerFile, doses: Sequence[float], tokens: HistoryTokens, at: At | None
) -> list[SweepArm]:
    return [
        _arm("steered", f"{file.name} {dose:g}", _spec(base, file.path, dose, tokens, at), dose, file.name).model_copy(
            update={"ratio": file.targets.get(dose)}
        )
        for dose in doses
    ]


def _other_history(base: str, file: SteerFile, top: float, tokens: HistoryTokens, at: At | None) -> SweepArm:
    other: HistoryTokens = "replies" if tokens == "reply" else "reply"
    name = f"{file.name} {top:g}, history {'steered' if other == 'replies' else 'unsteered'}"
    return _arm("history", name, _spec(base, file.path, top, other, at), top, file.name)


def _placebos(
    base: str, name: str, placebo: Placebo, top: float, tokens: HistoryTokens, at: At | None
) -> list[SweepArm]:
    arms = [
        _arm("random", f"random {number} for {name} {top:g}", _spec(base, path, top, tokens, at), top, name)
        for number, path in enumerate(placebo.paths, 1)
    ]
    if placebo.nats is not None:
        spec = _spec(base, placebo.paths[0], placebo.nats, tokens, at)
        arms.append(_arm("random_nats", f"random for {name} {placebo.nats:g} (nats)", spec, placebo.nats, name))
    return arms


def _spec(base: str, path: Path, coefficient: float, tokens: str, at: At | None = None) -> str:
    options = {"tokens": None if tokens == "reply" else tokens, "at": at}
    suffix = "".join(f"+{name}={value}" for name, value in options.items() if value is not None)
    return f"{base}+steer={path}:{coefficient:g}{suffix}"


def _arm(kind: ArmKind, name: str, model: str, coefficient: float, direction: str = "") -> SweepArm:
    return SweepArm(name=name, kind=kind, model=model, direction=direction, coefficient=coefficient)


def write_plan(out: Path, plan: SweepPlan) -> None:
    """Write the plan. Raises CocoonError if the folder holds another plan."""
    path = out / PLAN
    if path.exists() and read_plan(out) != plan:
        raise CocoonError(
            f"{out} holds another sweep; take another --out, or the coefficients and directions of that one"
        )
    out.mkdir(parents=True, exist_ok=True)
    write_whole(path, [plan.model_dump_json(indent=1).encode()])


def read_plan(out: Path) -> SweepPlan:
    """Return the plan of a sweep's folder."""
    path = out / PLAN
    if not path.is_file():
        raise CocoonError(f"{out} holds no sweep; make one with `cocoon steer sweep`")
    return SweepPlan.model_validate(json.loads(path.read_text("utf-8")))


def directions_of(plan: SweepPlan) -> list[str]:
    """Return the names of the directions of a plan, in order."""
    return list(dict.fromkeys(arm.direction for arm in plan.arms if arm.kind == "steered"))


def ladder(plan: SweepPlan, direction: str) -> list[SweepArm]:
    """Return the unsteered arm and the arms of a direction, by coefficient."""
    ladder_arms = [
        arm for arm in plan.arms if arm.kind == "plain" or (arm.kind == "steered" and arm.direction == direction)
    ]
    return sorted(ladder_arms, key=lambda arm: arm.coefficient)
