"""What a check of a run gives: what was checked, what is wrong, and what could not be checked."""

from pydantic import Field

from cocoon.core.records import Record


class Problem(Record):
    """Something in a run folder that is not as it was made. `where` names a line, a dialogue or a call."""

    file: str
    where: str = ""
    what: str

    def one_line(self) -> str:
        """Return the problem in words."""
        return f"{self.file}{f', {self.where}' if self.where else ''}: {self.what}"


class Verification(Record):
    """The check of a run folder. `checked` counts what was held against its hash, by what it is.

    `unchecked` says what has no hash, and why. `notes` are no faults.
    """

    path: str
    checked: dict[str, int] = {}
    problems: list[Problem] = Field(default_factory=list)
    unchecked: list[str] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def add(self, file: str, what: str, where: str = "") -> None:
        """Add a problem."""
        self.problems.append(Problem(file=file, where=where, what=what))

    def count(self, thing: str, number: int) -> None:
        """Count what was held against its hash."""
        self.checked[thing] = self.checked.get(thing, 0) + number
