"""Conditions of the user ablation: what of the profile the simulated user is given, and of which kind it is.

`full`, `no-memory`, `no-memory-need` are the paper's (appendix F.3: the memory tells of the need, so it goes first);
`@prompted`, `@guarded`, `@guarded-hard` name the kind of user where it is part of the comparison.
"""

from collections.abc import Sequence
from itertools import combinations, pairwise
from typing import Literal, get_args

from pydantic import ConfigDict

from cocoon.core.config import StudyConfig
from cocoon.core.errors import CocoonError
from cocoon.core.records import Profile, Record

Component = Literal["full", "no-memory", "no-memory-need"]
COMPONENTS: tuple[Component, ...] = get_args(Component)
KINDS = ("prompted", "guarded", "guarded-easy", "guarded-normal", "guarded-hard")


class Condition(Record):
    """One condition; `kind` and `difficulty` are none where the study's own settings hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    component: Component
    kind: Literal["prompted", "guarded"] | None = None
    difficulty: Literal["easy", "normal", "hard"] | None = None

    def profile(self, whole: Profile) -> Profile:
        """What the simulated user of this condition knows; its id stays, so that conditions are paired by it."""
        changes: dict[str, object] = {}
        if self.component != "full":
            changes["memory"] = []
        if self.component == "no-memory-need":
            changes |= {"need": None, "chain": []}
        return whole.model_copy(update=changes)

    def settings(self, config: StudyConfig) -> StudyConfig:
        """The study's settings with this condition's kind of user, and without a judge."""
        user = {"kind": self.kind or config.user.kind, "difficulty": self.difficulty or config.user.difficulty}
        return config.model_copy(
            update={
                "user": config.user.model_copy(update=user),
                "judge": config.judge.model_copy(update={"model": None}),
            }
        )


def read_conditions(text: str) -> list[Condition]:
    """Conditions from `full,no-memory` or `full@prompted,full@guarded-hard`; CocoonError for what is not one."""
    found = [_condition(name.strip()) for name in text.split(",") if name.strip()]
    names = [one.name for one in found]
    if len(found) < 2 or len(set(names)) < len(names):
        raise CocoonError(f"conditions {text!r}: name two different ones or more, such as full,no-memory")
    return found


def _condition(name: str) -> Condition:
    component, at, kind = name.partition("@")
    if component not in COMPONENTS:
        raise CocoonError(f"condition {name!r}: {component!r} is none of {', '.join(COMPONENTS)}")
    if at and kind not in KINDS:
        raise CocoonError(f"condition {name!r}: {kind!r} is none of {', '.join(KINDS)}")
    base, _, difficulty = kind.partition("-")
    return Condition.model_validate(
        {
            "name": name,
            "component": component,
            "kind": base or None,
            "difficulty": difficulty or None,
        }
    )


def pairs_of(conditions: Sequence[Condition], every: bool) -> list[tuple[str, str]]:
    """Neighbours in the order given (the paper's stepwise pairs), or every pair."""
    names = [one.name for one in conditions]
    return list(combinations(names, 2) if every else pairwise(names))
