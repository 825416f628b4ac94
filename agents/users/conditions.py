"""Conditions of the user ablation: what the simulated user knows of the profile, and of which kind it is.

`full`, `no-memory` and `no-memory-need` are the paper's (appendix F.3: the memory contains the need, so it goes first).
`@prompted`, `@guarded` and `@guarded-hard` name the kind of user where it is part of the comparison.
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
    """One condition. `kind` and `difficulty` are None where the study's own settings apply."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    component: Component
    kind: Literal["prompted", "guarded"] | None = None
    difficulty: Literal["easy", "normal", "hard"] | None = None

    def profile(self, full_profile: Profile) -> Profile:
        """Return what the simulated user of this condition knows. The id stays, because conditions are paired by it."""
        changes: dict[str, object] = {}
        if self.component != "full":
            changes["memory"] = []
        if self.component == "no-memory-need":
            changes |= {"need": None, "chain": []}
        return full_profile.model_copy(update=changes)

    def settings(self, config: StudyConfig) -> StudyConfig:
        """Return the study's settings with this condition's kind of user, and without a judge."""
        user = {"kind": self.kind or config.user.kind, "difficulty": self.difficulty or config.user.difficulty}
        return config.model_copy(
            update={
                "user": config.user.model_copy(update=user),
                "judge": config.judge.model_copy(update={"model": None}),
            }
        )


def read_conditions(text: str) -> list[Condition]:
    """Return conditions from `full,no-memory` or `full@prompted,full@guarded-hard`.

    Raises CocoonError for what is not one.
    """
    conditions = [_condition(name.strip()) for name in text.split(",") if name.strip()]
    names = [condition.name for condition in conditions]
    if len(conditions) < 2 or len(set(names)) < len(names):
        raise CocoonError(f"conditions {text!r}: name two different ones or more, such as full,no-memory")
    return conditions


def _condition(name: str) -> Condition:
    component, at, kind = name.partition("@")
    if component not in COMPONENTS:
        raise CocoonError(f"condition {name!r}: {component!r} is not one of {', '.join(COMPONENTS)}")
    if at and kind not in KINDS:
        raise CocoonError(f"condition {name!r}: {kind!r} is not one of {', '.join(KINDS)}")
    base, _, difficulty = kind.partition("-")
    return Condition.model_validate(
        {
            "name": name,
            "component": component,
            "kind": base or None,
            "difficulty": difficulty or None,
        }
    )


def pairs_of(conditions: Sequence[Condition], every_pair: bool) -> list[tuple[str, str]]:
    """Neighbours in the order given (the paper's stepwise pairs), or every pair."""
    names = [condition.name for condition in conditions]
    return list(combinations(names, 2) if every_pair else pairwise(names))
