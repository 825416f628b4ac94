"""Record what a loader did to foreign records, so that no repair is silent."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, get_args

from cocoon.core.records import Profile, Record
from cocoon.corpora.reading.read_keys import count_name

Repair = Literal["merged", "dropped", "relabelled", "replaced", "repaired", "kept_apart"]
REPAIRS: tuple[Repair, ...] = get_args(Repair)
_PLACE = re.compile(r"\b(\w+) \d+: ")
_MOST_KEYS = 30


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
    `left_out` counts the records without a result by reason, `unread` the keys of the file that nobody read, and
    `claimed` the records in which nothing shows that they are of the corpus. `taken_for` is what the file seemed to be.
    """

    file: str
    kind: str
    things: str = "profiles"
    read: int = 0
    kept: int = 0
    most: int | None = None
    tally: dict[Repair, int] = {}
    notes: list[RepairNote] = []
    left_out: dict[str, int] = {}
    unread: dict[str, int] = {}
    claimed: int = 0
    taken_for: list[str] = []

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

    def leave_out(self, reason: str) -> None:
        """Count a record that gave no result. Where it stands is no part of the reason."""
        reasons = Counter(self.left_out)
        inner = re.sub(rf"^{re.escape(self.file)}[^:]*: ", "", reason)
        count_name(reasons, _PLACE.sub(r"\1: ", inner))
        self.left_out = dict(reasons)

    def ledger(self) -> dict[str, Any]:
        """Return everything that was not taken over from the file, with counts, as it is written beside the result."""
        return {**self.model_dump(mode="json", exclude={"most", "tally"}), "repairs": self.counts}

    def remarks(self) -> list[str]:
        """Return what a user has to know of the file beside the repairs, a line each."""
        lines = [f"{self.file}: {text}" for text in self.taken_for]
        if self.claimed:
            lines.append(
                f"{self.file}: nothing in {self.claimed} of {self.read} records shows that they are of "
                f"{self.kind!r}; their source and licence are what you said"
            )
        lines += [f"{self.file}: {number} left out: {reason}" for reason, number in self.left_out.items()]
        if self.unread:
            keys = ", ".join(f"{key} ({number})" for key, number in [*self.unread.items()][:_MOST_KEYS])
            more = f" and {len(self.unread) - _MOST_KEYS} more" if len(self.unread) > _MOST_KEYS else ""
            lines.append(f"{self.file}: keys that were not read: {keys}{more}")
        return lines

    def summary(self) -> str:
        """Return the report on one line."""
        repairs = ", ".join(f"{number} {repair}" for repair, number in self.counts.items() if number)
        outcome = repairs or "nothing had to be repaired"
        return f"{self.file}: {self.read} records read, {self.kept} {self.things} kept; {outcome}"
