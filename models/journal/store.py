"""The journal: every model reply, committed before its effect is used, so that nothing is paid for twice.

A reply has a *place* (dialogue, node, ordinal, vote, attempt). With it is the fingerprint of the call that it answers
(model, parameters, messages, schema). A replay that comes to the place with another call gets an error instead of going
on. Texts are stored once by their hash, because histories grow and every call repeats them.

What an agent of the user's own said is in a table beside the calls, because such an agent may ask nobody or ask where
the journal cannot see it. A resume takes its words from there and does not run it again.
"""

import asyncio
import contextlib
import hashlib
import queue
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from cocoon.core.errors import CocoonError, NotSavedError
from cocoon.models.journal.seals import Seal, base_of_calls, read_seals, seal_of_call, seal_of_utterance
from cocoon.models.journal.spending import spent_calls
from cocoon.models.ledger import Usage

VERSION = "1"
COLUMNS = "dialogue, node, ordinal, vote, attempt, fingerprint, model, request, reply, answered_at"
_INSERT_CALL = "insert or replace into calls values (?,?,?,?,?,?,?,?,?,?)"
_INSERT_UTTERANCE = "insert or replace into utterances values (?,?,?,?,?,?,?)"
_INSERT_SEAL = "insert or replace into seals values (?,?,?,?)"
_ADOPT_SEAL = "insert or ignore into seals values (?,?,?,?)"
# Seconds to wait for another program that looks into the file.
BUSY = 30.0
SCHEMA = f"""
create table if not exists texts (sha text primary key, text text not null) without rowid;
create table if not exists calls (
    dialogue text not null, node text not null, ordinal integer not null, vote integer not null,
    attempt integer not null, fingerprint text not null, model text not null, request text not null,
    reply text not null, answered_at real not null,
    primary key (dialogue, node, ordinal, vote, attempt)) without rowid;
create table if not exists utterances (
    dialogue text not null, node text not null, ordinal integer not null, vote integer not null,
    fingerprint text not null, utterance text not null, spoken_at real not null,
    primary key (dialogue, node, ordinal, vote)) without rowid;
create table if not exists seals (
    kind text not null, name text not null, sha text not null, base text not null,
    primary key (kind, name)) without rowid;
create table if not exists batches (name text primary key, model text not null, state text not null, remote text);
create table if not exists submitted (
    dialogue text not null, node text not null, ordinal integer not null, vote integer not null,
    attempt integer not null, rung text not null, fingerprint text not null, model text not null, request text not null,
    call_limit integer, bytes_in integer not null,
    batch text not null, custom text not null, tries integer not null, status integer, problem text not null,
    primary key (dialogue, node, ordinal, vote, attempt, rung)) without rowid;
create table if not exists about (name text primary key, value text not null) without rowid;
insert or ignore into about values ('schema', '{VERSION}');
"""


Write = tuple[str, tuple[Any, ...]]
"""A statement with one row for it."""


class Place(NamedTuple):
    """Where in the run a call stands. `ordinal` counts the node's calls in the dialogue, `vote` the replicate."""

    dialogue: str
    node: str
    ordinal: int
    vote: int = 0
    attempt: int = 0

    @property
    def key(self) -> str:
        """The place within its dialogue as one string, as it stands in `Turn.calls` and in the trace."""
        return f"{self.node}/{self.ordinal}/{self.vote}/{self.attempt}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One journalled reply. `latency` is in seconds. Tokens are as the server counted them (None: not reported).

    `text` is what the server gave as content, `thought` and `refusal` what it gave in fields of their own. `limit` is
    the number of tokens that the call might take where that was more than its settings say at first. `bytes_in` is the
    length of the messages in UTF-8 (None: an older journal). A `shared` reply was asked and paid for at another place,
    and has no tokens of its own. `batch` names the batch that the call went out in.
    """

    place: Place
    fingerprint: str
    model: str
    text: str
    rung: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    latency: float = 0.0
    retries: int = 0
    finish: str | None = None
    legal_mass: dict[str, float] = field(default_factory=dict)
    answered_at: float = 0.0
    thought: str = ""
    refusal: str = ""
    tokens_cached: int | None = None
    tokens_reasoning: int | None = None
    limit: int | None = None
    bytes_in: int | None = None
    shared: bool = False
    batch: str | None = None

    def took(self) -> dict[str, Any]:
        """Return which model answered and what that took, as plain JSON."""
        names = ("model", "tokens_in", "tokens_out", "latency", "retries", "rung")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class SpokenEntry:
    """What an agent said at one place, as JSON. `fingerprint` is the hash of the agent's source and of what it saw."""

    place: Place
    fingerprint: str
    utterance: str


def text_sha(text: str) -> str:
    """Return a short stable hash of a text (16 hex digits of BLAKE2b)."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def fingerprint(model: str, parameters: dict[str, Any], request: Sequence[Any], schema: Any) -> str:
    """Hash of a whole call: what must be equal for a journalled reply to be its answer."""
    request_bytes = orjson.dumps([model, parameters, request, schema], option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(request_bytes, digest_size=12).hexdigest()


class Journal:
    """Append-only SQLite store with one writer thread that commits what has gathered (group commit).

    WAL with synchronous=NORMAL: a killed process loses nothing that was committed. A power cut may lose the last
    moments but never breaks the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader = _open(path)
        self._connection = sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)
        self._connection.execute("pragma synchronous=normal")
        self._inbox: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._broken: Exception | None = None
        self._closed = False
        self._writer = threading.Thread(target=self._write, name="journal", daemon=True)
        self._writer.start()

    def load(self, dialogue: str) -> dict[Place, Entry]:
        """Return all answered calls of one dialogue."""
        return {entry.place: entry for entry in self.entries(dialogue)}

    def entries(self, dialogue: str | None = None) -> Iterator[Entry]:
        """Journalled replies, of one dialogue or of all, in the order of their places."""
        where, values = ("where dialogue = ?", (dialogue,)) if dialogue is not None else ("", ())
        rows = self._reader.execute(
            "select dialogue, node, ordinal, vote, attempt, fingerprint, model, reply, answered_at "
            f"from calls {where} order by dialogue, node, ordinal, vote, attempt",
            values,
        )
        try:
            for row in rows:
                yield Entry(Place(*row[:5]), row[5], row[6], answered_at=row[8], **orjson.loads(row[7]))
        except (sqlite3.Error, TypeError, ValueError) as error:
            raise CocoonError(f"{self.path}: is damaged ({error}); `cocoon verify` tells more") from None

    def utterances(self, dialogue: str) -> dict[Place, SpokenEntry]:
        """Return what agents of the user's own said in one dialogue, by its place (attempt 0)."""
        rows = self._reader.execute(
            "select dialogue, node, ordinal, vote, fingerprint, utterance from utterances where dialogue = ?",
            (dialogue,),
        )
        return {Place(*row[:4]): SpokenEntry(Place(*row[:4]), row[4], row[5]) for row in rows}

    def is_empty(self) -> bool:
        """Return whether nothing has been journalled yet."""
        queries = ("select 1 from calls limit 1", "select 1 from utterances limit 1")
        return all(self._reader.execute(query).fetchone() is None for query in queries)

    def request_shas(self, place: Place) -> list[tuple[str, str]]:
        """Return the messages of one journalled call as (role, hash of the text)."""
        row = self._reader.execute(
            "select request from calls where dialogue=? and node=? and ordinal=? and vote=? and attempt=?", place
        ).fetchone()
        if row is None:
            raise CocoonError(f"{self.path}: has no call {place.key!r} of dialogue {place.dialogue!r}")
        return [(role, sha) for role, sha in orjson.loads(row[0])]

    def request(self, place: Place) -> list[dict[str, str]]:
        """Return the messages of one journalled call, as they were sent."""
        messages = []
        for role, sha in self.request_shas(place):
            text = self._reader.execute("select text from texts where sha=?", (sha,)).fetchone()[0]
            messages.append({"role": role, "content": text})
        return messages

    def spent(self) -> list[Usage]:
        """Return what the answered calls took. See `spent_calls`."""
        return spent_calls(self._reader)

    def check(self) -> None:
        """Raise NotSavedError when nothing more can be stored, so that no call is paid for in vain."""
        if self._broken:
            raise NotSavedError.at(self.path, self._broken)
        if self._closed:
            raise NotSavedError(f"{self.path}: is closed; run the same command again to go on")

    async def append(self, entry: Entry, request: Sequence[tuple[str, str]], texts: Sequence[tuple[str, str]]) -> None:
        """Store a reply with its request ((role, sha) pairs) and texts. Returns when it is committed."""
        await self.write(writes_of(entry, request), texts)

    async def append_utterance(self, entry: SpokenEntry) -> None:
        """Store what an agent said. Returns when it is committed."""
        row = (*entry.place[:4], entry.fingerprint, _storable(entry.utterance), round(time.time(), 3))
        await self.write([(_INSERT_UTTERANCE, row), (_INSERT_SEAL, seal_of_utterance(row))])

    def select(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return self._reader.execute(query, values).fetchall()

    async def write(self, writes: Sequence[Write], texts: Sequence[tuple[str, str]] = ()) -> None:
        """Store rows and texts, all or none of them. Returns when they are committed."""
        self.check()
        loop = asyncio.get_running_loop()
        committed: asyncio.Future[None] = loop.create_future()
        self._inbox.put(_Item(writes, [(sha, _storable(text)) for sha, text in texts], (loop, committed)))
        await committed

    def add_seals(self, seals: Sequence[Seal], *, adopted: bool = False) -> None:
        """Store seals, which are committed soon. An adopted one does not replace the seal of what was made here."""
        statement = _ADOPT_SEAL if adopted else _INSERT_SEAL
        self._inbox.put(_Item([(statement, seal) for seal in seals], [], None))

    def seals(self, kind: str) -> dict[str, Seal]:
        """Return the committed seals of a kind by their names."""
        return read_seals(self._reader, kind)

    def base_of(self, dialogue: str, keys: Sequence[str] | None) -> str:
        """Return the hash of the calls at these keys, or of all calls of a dialogue, as they are committed."""
        return base_of_calls(self._reader, dialogue, keys)

    def close(self) -> None:
        """Commit what is waiting and close the file."""
        if self._closed:
            return
        self._closed = True
        self._inbox.put(None)
        self._writer.join()
        self._reader.close()
        # A file that is copied, or read where nothing can be written, needs no log beside it. Somebody who reads in
        # this moment keeps the log, and nothing is lost.
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute("pragma busy_timeout=0")
            self._connection.execute("pragma journal_mode=delete")
        self._connection.close()

    def _write(self) -> None:
        while (group := self._gather()) is not None:
            _tell(group, self._commit(group), self.path)

    def _gather(self) -> "list[_Item] | None":
        first = self._inbox.get()
        if first is None:
            return None
        group = [first]
        while not self._inbox.empty():
            item = self._inbox.get()
            if item is None:
                self._inbox.put(None)
                break
            group.append(item)
        return group

    def _commit(self, group: "list[_Item]") -> Exception | None:
        try:
            self._connection.execute("begin immediate")
            texts = [text for item in group for text in item.texts]
            self._connection.executemany("insert or ignore into texts values (?, ?)", texts)
            writes = [write for item in group for write in item.writes]
            for statement in dict.fromkeys(statement for statement, _ in writes):
                self._connection.executemany(statement, [row for other, row in writes if other == statement])
            self._connection.execute("commit")
        # Whatever it is: an exception that ended this thread would leave every caller waiting for ever.
        except Exception as error:
            self._broken = error
            with contextlib.suppress(sqlite3.Error):
                self._connection.rollback()
            return error
        return None


@dataclass(frozen=True, slots=True)
class _Item:
    """What is to be written, and the future of whoever waits for it, with its loop."""

    writes: Sequence[Write]
    texts: list[tuple[str, str]]
    waiting: tuple[asyncio.AbstractEventLoop, asyncio.Future[None]] | None


def _open(path: Path) -> sqlite3.Connection:
    try:
        # LangGraph's own tools open a graph in one thread and run it in another.
        connection = sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise CocoonError(f"{path}: cannot be opened ({error}); check the folder and its permissions") from None
    try:
        connection.execute("pragma journal_mode=wal")
        connection.executescript(SCHEMA)
        connection.execute(f"select {COLUMNS} from calls limit 0")
        version = connection.execute("select value from about where name='schema'").fetchone()[0]
        if (damage := connection.execute("pragma quick_check(1)").fetchone()[0]) != "ok":
            raise sqlite3.DatabaseError(f"damaged: {damage}")
    except (sqlite3.Error, TypeError) as error:
        connection.close()
        raise CocoonError(f"{path}: not a journal ({error}); move it away to start afresh") from None
    if version != VERSION:
        connection.close()
        raise CocoonError(f"{path}: has journal schema {version!r}, this program reads {VERSION!r}; use another --out")
    return connection


def _storable(text: str) -> str:
    """Return the text without lone surrogates, which no UTF-8 file can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def writes_of(entry: Entry, request: Sequence[tuple[str, str]]) -> list[Write]:
    """Return what stores a reply with its request ((role, sha) pairs) and its seal."""
    reply = {
        "text": entry.text,
        "rung": entry.rung,
        "tokens_in": entry.tokens_in,
        "tokens_out": entry.tokens_out,
        "latency": entry.latency,
        "retries": entry.retries,
        "finish": entry.finish,
        "legal_mass": entry.legal_mass,
        "thought": entry.thought,
        "refusal": entry.refusal,
        "tokens_cached": entry.tokens_cached,
        "tokens_reasoning": entry.tokens_reasoning,
        "limit": entry.limit,
        "bytes_in": entry.bytes_in,
        "shared": entry.shared,
        "batch": entry.batch,
    }
    texts = (orjson.dumps(request).decode(), orjson.dumps(reply).decode())
    row = (*entry.place, entry.fingerprint, entry.model, *texts, entry.answered_at)
    return [(_INSERT_CALL, row), (_INSERT_SEAL, seal_of_call(row))]


def _tell(group: list[_Item], error: Exception | None, path: Path) -> None:
    loops: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for item in group:
        if item.waiting is not None:
            loop, committed = item.waiting
            loops.setdefault(loop, []).append(committed)
    for loop, futures in loops.items():
        # A closed loop has nobody waiting.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_resolve, futures, error, path)


def _resolve(futures: list[asyncio.Future[None]], error: Exception | None, path: Path) -> None:
    for future in futures:
        if future.done():
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(NotSavedError.at(path, error))
