"""Settings of a sweep beside those of its runs: the base, directions, coefficients, placebos, kinds of user."""

from pathlib import Path
from typing import get_args

from pydantic import Field

from cocoon.core.config import EMBEDDED, UserKind
from cocoon.core.errors import CocoonError
from cocoon.core.records import Record
from cocoon.core.settings import refused
from cocoon.steering.control.control import Control
from cocoon.steering.directions.direction import At, Direction
from cocoon.studies.sweep.plan import HistoryTokens, SweptUser


class SweepConfig(Record):
    """What a sweep compares.

    `model` is the supporter's base. `direction`: files of directions, as `FILE` or `NAME=FILE`. `coefficient`: those
    beside 0. `users`: kinds of simulated user, separated by commas (None: all). `placebo`: whether random directions at
    equal norm and at equal surprise are compared too. `repeng`: the dose of repeng's default direction, 0 to leave it
    out, or None for that of equal surprise. `tokens` `replies` steers earlier replies in the history too. `at` says
    where directions are added (None: as each was made). `allow_overlap`: go on although profiles are in a direction's
    pairs too.
    """

    model: str = EMBEDDED
    direction: list[str] = Field(min_length=1)
    coefficient: list[float] = Field(min_length=1)
    users: str | None = None
    placebo: bool = True
    repeng: float | None = None
    tokens: HistoryTokens = "reply"
    at: At | None = None
    allow_overlap: bool = False

    def kinds(self, *, own_user: bool) -> list[SweptUser]:
        """Return the kinds of user in order. `own_user` says that the user is Python code, which has no kinds."""
        if own_user:
            if self.users:
                raise CocoonError(f"--users {self.users}: a user of Python code has no kinds. Leave --users out.")
            return ["own"]
        known = get_args(UserKind)
        names = [name.strip() for name in (self.users or ",".join(known)).split(",") if name.strip()]
        for name in names:
            if name not in known:
                raise refused("users", name, known)
        if not names:
            raise CocoonError(f"--users {self.users}: choose {', '.join(known)}, or both")
        return [name for name in known if name in names]

    def control(self, direction: Direction) -> Control:
        """Return a direction as the arms are steered by it."""
        return Control(direction, tokens=self.tokens, at=self.at)

    @property
    def top(self) -> float:
        """The largest coefficient."""
        return max(self.coefficient)

    def directions(self) -> dict[str, Direction]:
        """Read the directions, by name. Raises CocoonError for two of one name."""
        named = [_named(text) for text in self.direction]
        names = [name for name, _ in named]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise CocoonError(f"--direction: two directions are named {twice!r}; name them, as in reply=FILE")
        return dict(named)


def _named(text: str) -> tuple[str, Direction]:
    name, equals, path = text.partition("=")
    direction = Direction.load(Path(path if equals else text).expanduser())
    return name if equals else direction.kind, direction
