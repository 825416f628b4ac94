"""Keep what raters did in SQLite, with every answer committed before it is acknowledged."""

import json
import os
import secrets
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cocoon.core.errors import CocoonError

SCHEMA = """
create table if not exists raters (
    name text primary key, token text not null unique, consent text, consented_at real, withdrawn_at real);
create table if not exists answers (
    rater text not null, item text not null, key text not null, value text not null, swapped integer not null,
    consent text not null, at real not null, primary key (rater, item, key)) without rowid;
create table if not exists said (
    rater text not null, chat text not null, turn integer not null, text text not null,
    primary key (rater, chat, turn)) without rowid;
create table if not exists talks (
    rater text not null, chat text not null, condition text not null, dialogue text not null,
    primary key (rater, chat)) without rowid;
create table if not exists about (name text primary key, value text not null) without rowid;
"""
PRIVATE = 0o600
SKIPPED, DONE = "skipped", "done"


@dataclass(frozen=True)
class Answer:
    """One answer: the rater, the item, the question (`basic:3`, a question's id, `done`), and the order shown."""

    rater: str
    item: str
    key: str
    value: Any
    swapped: bool
    consent: str
    at: float


@dataclass(frozen=True)
class Talk:
    """A chat up to its last turn: the rater, the condition, and the dialogue as a line of JSON."""

    rater: str
    chat: str
    condition: str
    dialogue: str


def private_database(path: Path) -> Path:
    """Return the path of a database that only its owner may read, from its first byte and whatever the umask is.

    SQLite gives the files beside it, `-wal` and `-shm`, the permissions of the database itself.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, PRIVATE))
    for file in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        # A file of an earlier release may be open to others.
        if file.exists():
            file.chmod(PRIVATE)
    return path


class HumanStore:
    """The answers of one study. Only one process may write, and others may read."""

    def __init__(self, path: Path, study_sha: str = "") -> None:
        self.path = path
        try:
            # The file holds the raters' tokens.
            self._db = sqlite3.connect(private_database(path), timeout=30, isolation_level=None)
            self._db.executescript("pragma journal_mode=wal; pragma synchronous=full;" + SCHEMA)
        except (OSError, sqlite3.DatabaseError) as error:
            raise CocoonError(f"{path}: cannot be opened ({error}); use another --out") from None
        self._check_study(study_sha)
        self.secret = self._about("secret", secrets.token_hex(16))
        """A secret that no rater knows. Page ids are computed from it."""

    def _about(self, name: str, value: str) -> str:
        """Return the value kept under a name, or keep and return the given one where there is none."""
        self._db.execute("insert or ignore into about values (?, ?)", (name, value))
        return self._db.execute("select value from about where name = ?", (name,)).fetchone()[0]

    def _check_study(self, study_sha: str) -> None:
        row = self._db.execute("select value from about where name = 'study'").fetchone()
        if row is None and study_sha:
            self._db.execute("insert into about values ('study', ?)", (study_sha,))
        elif row is not None and study_sha and row[0] != study_sha:
            raise CocoonError(
                f"{self.path}: was started with other raters, parts or dialogues; undo the change or use another --out"
            )

    def enrol(self, names: Sequence[str]) -> dict[str, str]:
        """Return rater -> token. Raters who are already enrolled keep their tokens."""
        for name in names:
            self._db.execute(
                "insert or ignore into raters (name, token) values (?, ?)", (name, secrets.token_urlsafe(24))
            )
        return dict(self._db.execute("select name, token from raters"))

    def rater_of(self, token: str) -> str | None:
        """Return the rater who has the token, or None."""
        raters = [name for name, known in self._db.execute("select name, token from raters") if _equal(known, token)]
        return raters[0] if raters else None

    def consent_of(self, rater: str) -> str | None:
        """Return the hash of the text that the rater consented to, or None before that and after a withdrawal."""
        row = self._db.execute("select consent, withdrawn_at from raters where name = ?", (rater,)).fetchone()
        return None if row is None or row[1] is not None else row[0]

    def withdrawn(self, rater: str) -> bool:
        """Return whether the rater has withdrawn."""
        row = self._db.execute("select withdrawn_at from raters where name = ?", (rater,)).fetchone()
        return row is not None and row[0] is not None

    def consent(self, rater: str, sha: str) -> None:
        """Record a rater's consent."""
        self._db.execute("update raters set consent = ?, consented_at = ? where name = ?", (sha, time.time(), rater))

    def keep_text(self, sha: str, text: str) -> None:
        """Keep the text whose hash is stored with answers, so that it stays readable when the study's file changes."""
        self._about(f"consent {sha}", text)

    def text_of(self, sha: str) -> str | None:
        """Return the text of a hash, or None where no rater consented to it."""
        row = self._db.execute("select value from about where name = ?", (f"consent {sha}",)).fetchone()
        return row[0] if row else None

    def answer(self, rater: str, item: str, key: str, value: Any, swapped: bool) -> None:
        """Keep an answer, which replaces an earlier answer to the same question.

        `done` and `skipped` replace each other.
        """
        answer = Answer(rater, item, key, value, swapped, self.consent_of(rater) or "", round(time.time(), 3))
        with self._transaction():
            if key in (DONE, SKIPPED):
                self._db.execute(
                    "delete from answers where rater = ? and item = ? and key in (?, ?)", (rater, item, DONE, SKIPPED)
                )
            self._put(answer)

    def _put(self, answer: Answer) -> None:
        row = (
            answer.rater,
            answer.item,
            answer.key,
            json.dumps(answer.value),
            int(answer.swapped),
            answer.consent,
            answer.at,
        )
        self._db.execute("insert or replace into answers values (?, ?, ?, ?, ?, ?, ?)", row)

    def take(self, answers: Sequence[Answer]) -> None:
        """Keep answers from elsewhere unchanged, all of them or none."""
        with self._transaction():
            for answer in answers:
                self._put(answer)

    def answers_of(self, rater: str, item: str) -> dict[str, Any]:
        """Return what a rater answered on an item, by key."""
        rows = self._db.execute("select key, value from answers where rater = ? and item = ?", (rater, item))
        return {key: json.loads(value) for key, value in rows}

    def finished(self, rater: str) -> set[str]:
        """Return the items that the rater finished or skipped."""
        query = "select distinct item from answers where rater = ? and key in (?, ?)"
        return {row[0] for row in self._db.execute(query, (rater, DONE, SKIPPED))}

    def every_answer(self) -> Iterator[Answer]:
        """Yield all answers, by rater and item."""
        rows = self._db.execute("select rater, item, key, value, swapped, consent, at from answers order by 1, 2, 3")
        for rater, item, key, value, swapped, consent, at in rows:
            yield Answer(rater, item, key, json.loads(value), bool(swapped), consent, at)

    def say(self, rater: str, chat: str, turn: int, text: str) -> None:
        """Keep what a rater said in a chat."""
        self._db.execute("insert or replace into said values (?, ?, ?, ?)", (rater, chat, turn, text))

    def said(self, rater: str, chat: str) -> list[str]:
        """Return what a rater said in a chat, in order."""
        rows = self._db.execute("select text from said where rater = ? and chat = ? order by turn", (rater, chat))
        return [row[0] for row in rows]

    def words_of(self, rater: str) -> list[str]:
        """Return everything that a rater said in chats."""
        return [row[0] for row in self._db.execute("select text from said where rater = ?", (rater,))]

    def keep_talk(self, talk: Talk) -> None:
        """Keep a chat up to its last turn, unless its rater has withdrawn meanwhile."""
        if not self.withdrawn(talk.rater):
            row = (talk.rater, talk.chat, talk.condition, talk.dialogue)
            self._db.execute("insert or replace into talks values (?, ?, ?, ?)", row)

    def every_talk(self) -> Iterator[Talk]:
        """Yield all chats, by rater."""
        for row in self._db.execute("select rater, chat, condition, dialogue from talks order by 1, 2"):
            yield Talk(*row)

    def withdraw(self, rater: str) -> None:
        """Delete everything the rater gave, and remember that they withdrew."""
        with self._transaction():
            for table in ("answers", "said", "talks"):
                self._db.execute(f"delete from {table} where rater = ?", (rater,))
            self._db.execute(
                "update raters set withdrawn_at = ?, consent = null, consented_at = null where name = ?",
                (time.time(), rater),
            )
        # Deleted rows stay readable in the files until their pages are written again and the log is emptied.
        self._db.execute("vacuum")
        self._db.execute("pragma wal_checkpoint(truncate)").fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _equal(first: str, second: str) -> bool:
    return secrets.compare_digest(first.encode(), second.encode("utf-8", "replace"))
