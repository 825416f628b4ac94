"""Seals: hashes of calls, records, ratings and files as they were made, kept in the journal."""

import hashlib
import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson


class Seal(NamedTuple):
    """The hash of something as it was made, kept in the journal: a call, a record, a rating, a file.

    `name` identifies it among those of its `kind`. `base` is the hash of what it was made of, and empty where that is
    nothing or not known.
    """

    kind: str
    name: str
    sha: str
    base: str = ""


def digest(value: Any) -> str:
    """Return a hash of plain JSON (32 hex digits of BLAKE2b). The order of keys does not count."""
    plain = orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return hashlib.blake2b(plain, digest_size=16).hexdigest()


def seal_name(*parts: object) -> str:
    """Return the name of a seal, made of parts that may hold any character."""
    return orjson.dumps([str(part) for part in parts]).decode()


def key_of(row: Sequence[Any]) -> str:
    """Return the key of a row of the table `calls` within its dialogue, as it stands in `Turn.calls`."""
    return "/".join(map(str, row[1:5]))


def seal_of_call(row: Sequence[Any]) -> Seal:
    """Return the seal of a row of the table `calls`."""
    return Seal("call", seal_name(row[0], key_of(row)), digest(row))


def seal_of_utterance(row: Sequence[Any]) -> Seal:
    """Return the seal of a row of the table `utterances`."""
    return Seal("utterance", seal_name(row[0], *row[1:4]), digest(row))


def read_seals(connection: sqlite3.Connection, kind: str) -> dict[str, Seal]:
    """Return the seals of a kind by their names."""
    rows = connection.execute("select kind, name, sha, base from seals where kind = ?", (kind,))
    return {row[1]: Seal(*row) for row in rows}


def base_of_calls(connection: sqlite3.Connection, dialogue: str, keys: Sequence[str] | None) -> str:
    """Return the hash of the calls at these keys (None: of all) of a dialogue, in the order of their places."""
    chosen = None if keys is None else set(keys)
    rows = connection.execute(
        "select * from calls where dialogue = ? order by node, ordinal, vote, attempt", (dialogue,)
    )
    return digest([digest(row) for row in rows if chosen is None or key_of(row) in chosen])
