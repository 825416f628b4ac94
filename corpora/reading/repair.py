"""Record what a loader did to foreign records, so that no repair is silent."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

from cocoon.core.records import Profile, Record

Repair = Literal["merged", "dropped", "relabelled", "replaced", "repaired"]
REPAIRS: tuple[Repair, ...] = get_args(Repair)


class RepairNote(Record):
    """One repair: in which record (`where` as in an error message), of which key, what was done and why.

    `profile` is the id of the profile or dialogue that was repaired.
    """

    where: str
    profile: str
    key: str
    repair: Repair
    reason: str


class ReadProfile(NamedTuple):
    """One profile after reading: where it stands, and the repairs made to it."""

    where: str
    profile: Profile
    notes: Sequence[RepairNote] = ()


class RepairReport(Record):
    """All repairs of one file.

    `read` counts the records in the file, `kept` counts the resulting profiles or dialogues, and `things` names which
    of the two they are. `tally` counts every repair, and `notes` holds all of them, or the first `most` of each kind.
    """

    file: str
    kind: str
    things: str = "profiles"
    read: int = 0
    kept: int = 0
    most: int | None = None
    tally: dict[Repair, int] = {}
    notes: list[RepairNote] = []

    def add(self, note: RepairNote) -> None:
        """Count a repair, and keep its note while there is room for its kind."""
        earlier = self.tally.get(note.repair, 0)
        self.tally[note.repair] = earlier + 1
        if self.most is None or earlier < self.most:
            self.notes.append(note)

    @property
    def counts(self) -> dict[Repair, int]:
        """Return the number of repairs of each kind, zeros too."""
        return {repair: self.tally.get(repair, 0) for repair in REPAIRS}

    def summary(self) -> str:
        """Return the report on one line."""
        repairs = ", ".join(f"{number} {repair}" for repair, number in self.counts.items() if number)
        outcome = repairs or "nothing had to be repaired"
        return f"{self.file}: {self.read} records read, {self.kept} {self.things} kept; {outcome}"
