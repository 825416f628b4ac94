"""What the journal knows of batches: which calls are out, in which batch, and which came back without an answer.

A batch is `prepared` once its calls and its file are stored, `sent` once the server has named it, and `done` once all
of its answers are imported. What is prepared or sent is asked in no other batch and not live either.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import orjson

from cocoon.models.journal.store import Entry, Journal, Place, Write, writes_of

_COLUMNS = (
    "dialogue, node, ordinal, vote, attempt, rung, fingerprint, model, request, call_limit, bytes_in, "
    "batch, custom, tries, status, problem"
)
_INSERT = f"insert or replace into submitted ({_COLUMNS}) values (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
_BATCH = (
    "insert into batches (name, model, state, remote) values (?,?,?,?) "
    "on conflict (name) do update set state = excluded.state, remote = excluded.remote"
)
_DELETE = "delete from submitted where dialogue=? and node=? and ordinal=? and vote=? and attempt=? and rung=?"


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch: its name here and at the server, the model that it asks, and its state."""

    name: str
    model: str
    state: str = "prepared"
    remote: str | None = None


@dataclass(frozen=True, slots=True)
class SubmittedCall:
    """A call that is out, or that came back without an answer (`batch` is then empty).

    `limit` and `bytes_in` are those of its entry. `custom` is its id in the batch, which equal calls share. `tries`
    counts the batches that did not answer it, and `status` and `problem` say what the last of them said.
    """

    place: Place
    rung: str
    fingerprint: str
    model: str
    request: list[tuple[str, str]]
    limit: int | None = None
    bytes_in: int = 0
    batch: str = ""
    custom: str = ""
    tries: int = 0
    status: int | None = None
    problem: str = ""

    @property
    def key(self) -> tuple[Place, str]:
        """Return what tells it from all other calls."""
        return self.place, self.rung

    def row(self) -> tuple[object, ...]:
        """Return it as a row of the table."""
        request = orjson.dumps(self.request).decode()
        head = (*self.place, self.rung, self.fingerprint, self.model, request, self.limit, self.bytes_in)
        return (*head, self.batch, self.custom, self.tries, self.status, self.problem)


class SubmittedCalls:
    """The batches of one journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def open(self) -> list[Batch]:
        """Return the batches that are not imported yet, the earliest first."""
        rows = self._journal.select(
            "select name, model, state, remote from batches where state != 'done' order by rowid"
        )
        return [Batch(*row) for row in rows]

    def count(self) -> int:
        """Return the number of batches so far."""
        return self._journal.select("select count(*) from batches")[0][0]

    def out(self, batch: str) -> dict[str, list[SubmittedCall]]:
        """Return the calls of a batch that are not imported yet, by their id in it."""
        calls: dict[str, list[SubmittedCall]] = {}
        for row in self._journal.select(f"select {_COLUMNS} from submitted where batch = ?", (batch,)):
            call = _call(row)
            calls.setdefault(call.custom, []).append(call)
        return calls

    def failed(self) -> Iterable[SubmittedCall]:
        """Return the calls that came back without an answer."""
        return [_call(row) for row in self._journal.select(f"select {_COLUMNS} from submitted where batch = ''")]

    async def prepare(self, batch: Batch, calls: Iterable[SubmittedCall], texts: Mapping[str, str]) -> None:
        """Store a batch with all of its calls and their texts, at once."""
        writes: list[Write] = [(_INSERT, call.row()) for call in calls]
        await self._journal.write([*writes, _write(batch)], list(texts.items()))

    async def sent(self, batch: Batch, remote: str) -> None:
        """Note the name that the server gave a batch."""
        await self._journal.write([_write(replace(batch, state="sent", remote=remote))])

    async def enter(self, answered: Iterable[tuple[SubmittedCall, Entry]], failed: Iterable[SubmittedCall]) -> None:
        """Store answers, each in the place of its call, and what has none."""
        writes: list[Write] = []
        for call, entry in answered:
            writes += [*writes_of(entry, call.request), (_DELETE, (*call.place, call.rung))]
        writes += [(_INSERT, replace(call, batch="", custom="").row()) for call in failed]
        await self._journal.write(writes)

    async def forget(self, calls: Iterable[SubmittedCall]) -> None:
        """Take back calls that the server never had."""
        await self._journal.write([(_DELETE, (*call.place, call.rung)) for call in calls])

    async def done(self, batch: Batch) -> None:
        """Note that all of a batch is imported."""
        await self._journal.write([_write(replace(batch, state="done"))])


def _write(batch: Batch) -> Write:
    return _BATCH, (batch.name, batch.model, batch.state, batch.remote)


def _call(row: Sequence[object]) -> SubmittedCall:
    place, (rung, print_, model, request, *rest) = Place(*row[:5]), row[5:]  # pyright: ignore[reportArgumentType]
    shas = [(role, sha) for role, sha in orjson.loads(str(request))]
    return SubmittedCall(place, str(rung), str(print_), str(model), shas, *rest)  # pyright: ignore[reportArgumentType]
