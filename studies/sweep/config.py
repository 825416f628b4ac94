"""Settings of a sweep beside those of its runs: the base, directions, coefficients, placebos, kinds of user."""

from pathlib import Path

from pydantic import Field

from cocoon.core.config import EMBEDDED
from cocoon.core.errors import CocoonError
from cocoon.core.records import Record
from cocoon.core.settings import flag, refused
from cocoon.core.verb_settings import VerbSettings
from cocoon.steering.control.control import Control
from cocoon.steering.directions.direction import At, Direction
from cocoon.studies.sweep.plan import KINDS, HistoryTokens, SweptUser


class SweepConfig(Record):
    """What a sweep compares. `direction`: files of directions, as `FILE` or `NAME=FILE`."""

    direction: list[str] = Field(min_length=1, description="Files of directions.")
    coefficient: list[float] = Field(min_length=1, description="Coefficients beside 0.")
    model: str = flag(EMBEDDED, "The supporter's base: local:BASE (default: the embedded model).", metavar="SPEC")
    users: str | None = flag(None, "Kinds of simulated user (default: guarded,people,prompted; own for Python code).")
    placebo: bool = flag(True, "Random directions at equal norm and equal surprise.")
    random: int = flag(
        20, "Random directions of equal norm for each direction; with fewer than 20 no cause is named.", ge=1, le=200
    )
    repeng: float | None = flag(
        None, "Dose of repeng's default direction; unless given, that of equal surprise; 0: leave it out."
    )
    tokens: HistoryTokens = flag("reply", "replies: steer earlier replies in the history too (default: reply).")
    at: At | None = flag(None, "As in +at=; default: as each direction was made.")
    served: str | None = flag(
        None, "Where a server of the base speaks for all arms: http://HOST/v1#NAME (see serve-plan).", metavar="SPEC"
    )
    allow_overlap: bool = flag(False, "Go on though profiles stand in the direction's pairs too.")

    def kinds(self, *, own_user: bool) -> list[SweptUser]:
        """Return the kinds of user in order. `own_user` says that the user is Python code, which has no kinds."""
        if own_user:
            if self.users:
                raise CocoonError(f"--users {self.users}: a user of Python code has no kinds. Leave --users out.")
            return ["own"]
        names = [name.strip() for name in (self.users or ",".join(KINDS)).split(",") if name.strip()]
        for name in names:
            if name not in KINDS:
                raise refused("users", name, KINDS)
        if not names:
            raise CocoonError(f"--users {self.users}: choose {', '.join(KINDS)}, or some of them")
        return [name for name in KINDS if name in names]

    def refuse_unserved(self) -> None:
        """Raise CocoonError for a served row that is no address, and for what a server cannot do."""
        if self.served is None:
            return
        if not self.served.startswith(("http://", "https://")) or "#" not in self.served:
            raise CocoonError(f"--served {self.served}: write the server's address and the row, http://HOST/v1#NAME")
        if self.tokens == "replies":
            raise CocoonError(
                "--tokens replies: a server is not told where earlier replies stand in a prompt. Leave --tokens or "
                "--served out."
            )

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


SWEPT = VerbSettings("steer sweep", SweepConfig)


def _named(text: str) -> tuple[str, Direction]:
    name, equals, path = text.partition("=")
    direction = Direction.load(Path(path if equals else text).expanduser())
    return name if equals else direction.kind, direction
