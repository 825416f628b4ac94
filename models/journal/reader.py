"""A journal that is only looked at: nothing is written, no thread is started, the folder may be read-only."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import orjson

from cocoon.core.errors import CocoonError
from cocoon.models.journal.seals import Seal, base_of_calls, read_seals
from cocoon.models.journal.spending import spent_calls
from cocoon.models.journal.store import BUSY, Entry, Place
from cocoon.models.ledger import Usage

_MOST_NAMES = 500


@dataclass(frozen=True, slots=True)
class Call:
    """A journalled reply and its request as (role, sha of the text)."""

    entry: Entry
    request: list[tuple[str, str]]


class JournalReader:
    """The calls of a run, a dialogue at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        wal = path.with_name(f"{path.name}-wal")
        try:
            # Without a write-ahead log beside it nobody is at work, and SQLite need not make files in the folder.
            self._connection = _connect(path, "mode=ro" if wal.exists() else "mode=ro&immutable=1")
        except sqlite3.Error as error:
            if not wal.exists() or os.access(path.parent, os.W_OK):
                raise CocoonError(f"{path}: cannot be read as a journal ({error}); check the file") from None
            self._copy = tempfile.TemporaryDirectory(prefix="cocoon-journal-")
            copied = [Path(shutil.copy(file, self._copy.name)) for file in (path, wal)]
            self._connection = _connect(copied[0], "mode=rw")

    def calls(self, dialogue: str) -> list[Call]:
        """Return all calls of a dialogue, in the order in which they were answered."""
        rows = self._connection.execute(
            "select dialogue, node, ordinal, vote, attempt, fingerprint, model, reply, answered_at, request "
            "from calls where dialogue = ? order by answered_at, node, ordinal, vote, attempt",
            (dialogue,),
        )
        return [_call(row) for row in rows]

    def texts(self, shas: Iterable[str]) -> dict[str, str]:
        """Return texts by their hash. What the journal does not have is left out."""
        names = sorted(set(shas))
        texts: dict[str, str] = {}
        for first in range(0, len(names), _MOST_NAMES):
            batch = names[first : first + _MOST_NAMES]
            marks = ",".join("?" * len(batch))
            texts.update(self._connection.execute(f"select sha, text from texts where sha in ({marks})", batch))
        return texts

    def spent(self) -> list[Usage]:
        """Return what the answered calls took. See `spent_calls`."""
        return spent_calls(self._connection)

    def seals(self, kind: str) -> dict[str, Seal]:
        """Return the seals of a kind by their names. Journals of before have none."""
        return read_seals(self._connection, kind) if self._has("seals") else {}

    def base_of(self, dialogue: str, keys: Sequence[str] | None) -> str:
        """Return the hash of the calls at these keys, or of all calls of a dialogue."""
        return base_of_calls(self._connection, dialogue, keys)

    def rows(self, table: Literal["calls", "utterances", "texts", "about"]) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a table, as they are stored."""
        if self._has(table):
            yield from self._connection.execute(f"select * from {table}")

    def damage(self) -> str | None:
        """Return what SQLite finds wrong with the file, or None."""
        findings = [str(row[0]) for row in self._connection.execute("pragma integrity_check(3)")]
        return None if findings == ["ok"] else "; ".join(findings)

    def _has(self, table: str) -> bool:
        query = "select 1 from sqlite_master where type = 'table' and name = ?"
        return self._connection.execute(query, (table,)).fetchone() is not None

    def select(self, query: str) -> list[tuple[Any, ...]]:
        """Return what a query over the whole journal selects."""
        return self._connection.execute(query).fetchall()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
        if self._copy is not None:
            self._copy.cleanup()


def _connect(path: Path, how: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{quote(str(path))}?{how}", uri=True, timeout=BUSY)
    try:
        connection.execute("select dialogue, request from calls limit 0")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _call(row: tuple[str, str, int, int, int, str, str, str, float, str]) -> Call:
    try:
        entry = Entry(Place(*row[:5]), row[5], row[6], answered_at=row[8], **orjson.loads(row[7]))
        return Call(entry, [(role, sha) for role, sha in orjson.loads(row[9])])
    except (TypeError, ValueError) as error:
        raise CocoonError(
            f"journal.sqlite, dialogue {row[0]!r}, call {Place(*row[:5]).key}: cannot be read ({error})"
        ) from None


@contextmanager
def opened_journal(path: Path | None) -> Iterator[JournalReader | None]:
    """Yield the journal at a path, or None where there is no file. It is closed at the end."""
    if path is None or not path.exists():
        yield None
        return
    reader = JournalReader(path)
    try:
        yield reader
    except sqlite3.Error as error:
        raise CocoonError(f"{path}: is damaged ({error}); `cocoon verify` tells more") from None
    finally:
        reader.close()
