"""What a loader did to foreign records: nothing is mended in silence."""

from typing import Literal

from cocoon.core.records import Record

Repair = Literal["merged", "dropped", "relabelled", "replaced"]
REPAIRS: tuple[Repair, ...] = ("merged", "dropped", "relabelled", "replaced")


class RepairNote(Record):
    """One repair: in which record (`where` as in an error message), of which key, what was done and why."""

    where: str
    profile: str
    key: str
    repair: Repair
    reason: str


class RepairReport(Record):
    """All repairs of one file. `read` counts the records in it, `kept` the profiles that came out."""

    file: str
    kind: str
    read: int = 0
    kept: int = 0
    notes: list[RepairNote] = []

    @property
    def counts(self) -> dict[Repair, int]:
        """How many repairs of each kind, zeros too."""
        return {repair: sum(note.repair == repair for note in self.notes) for repair in REPAIRS}

    def summary(self) -> str:
        """The report in one line."""
        done = ", ".join(f"{number} {repair}" for repair, number in self.counts.items() if number)
        return f"{self.file}: {self.read} records read, {self.kept} profiles kept; {done or 'nothing had to be mended'}"
