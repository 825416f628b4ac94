"""Prompts and replies out of a run's journal as the page shows them."""

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import orjson

from cocoon.core.errors import CocoonError
from cocoon.core.journal_reader import Call, JournalReader, opened_journal

Calls = dict[str, Any]


def calls_of(path: Path | None, dialogue: str) -> Calls:
    """`calls` by their key in the trace, each message as (role, place in `texts`); a text stands once.

    Of a run without a journal there are none; a text that the journal does not hold is none.
    """
    try:
        # Opened anew each time: a run that goes on is not read from an old state.
        with opened_journal(path) as journal:
            return _told(journal, dialogue) if journal else {"texts": [], "calls": {}}
    except (sqlite3.Error, KeyError, TypeError, ValueError) as error:
        raise CocoonError(f"{path}: cannot be read ({error}); move it away to go without calls") from None


def _told(journal: JournalReader, dialogue: str) -> Calls:
    shas: dict[str, int] = {}
    found = {call.entry.place.key: _call(call, shas) for call in journal.calls(_storable(dialogue))}
    texts = journal.texts(shas)
    return {"texts": [texts.get(sha) for sha in shas], "calls": found}


def _call(call: Call, shas: dict[str, int]) -> dict[str, Any]:
    entry = call.entry
    return {
        "node": entry.place.node,
        "model": entry.model,
        "request": [[role, shas.setdefault(sha, len(shas))] for role, sha in call.request],
        "reply": entry.text,
        "tokens_in": entry.tokens_in,
        "tokens_out": entry.tokens_out,
        "latency": entry.latency,
        "retries": entry.retries,
        "rung": entry.rung,
        "finish": entry.finish,
    }


def _storable(name: str) -> str:
    """A name without lone surrogates, which no journal holds."""
    return name.encode("utf-8", "replace").decode()


def reason_in(reply: str) -> str | None:
    """The reason that a judge's reply states, where it is an object with one."""
    with contextlib.suppress(ValueError):
        told = orjson.loads(reply[reply.find("{") : reply.rfind("}") + 1])
        if isinstance(told, dict) and isinstance(told.get("reason"), str):
            return told["reason"].strip() or None
    return None
