"""A journal that is only looked at: nothing is written, no thread is started, the folder may be read-only."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson

from cocoon.core.errors import CocoonError
from cocoon.models.journal.store import BUSY, Entry, Place

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
        # Without a write-ahead log beside it nobody is at work, and SQLite need not make files in the folder.
        still = "" if path.with_name(f"{path.name}-wal").exists() else "&immutable=1"
        try:
            self._connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro{still}", uri=True, timeout=BUSY)
            self._connection.execute("select dialogue, request from calls limit 0")
        except sqlite3.Error as error:
            raise CocoonError(f"{path}: cannot be read as a journal ({error}); check the file") from None

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

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return what a query over the whole journal selects."""
        return self._connection.execute(query).fetchall()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _call(row: tuple[str, str, int, int, int, str, str, str, float, str]) -> Call:
    facts = orjson.loads(row[7])
    entry = Entry(Place(*row[:5]), row[5], row[6], answered_at=row[8], **facts)
    return Call(entry, [(role, sha) for role, sha in orjson.loads(row[9])])


@contextmanager
def opened_journal(path: Path | None) -> Iterator[JournalReader | None]:
    """Yield the journal at a path, or None where there is no file. It is closed at the end."""
    if path is None or not path.exists():
        yield None
        return
    reader = JournalReader(path)
    try:
        yield reader
    finally:
        reader.close()
