"""Prompts and replies from a run's journal, in the form that the page shows."""

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import orjson

from cocoon.core.errors import CocoonError
from cocoon.models.journal.reader import Call, JournalReader, opened_journal
from cocoon.models.reply import split_reply

Calls = dict[str, Any]


def calls_of(path: Path | None, dialogue: str) -> Calls:
    """Return `calls` by their key in the trace, with each message as (role, index in `texts`). A text is stored once.

    A run without a journal has no calls. A text that is missing from the journal is None.
    """
    try:
        # The journal is opened again each time, so that an unfinished run is not read from an old state.
        with opened_journal(path) as journal:
            return _read_calls(journal, dialogue) if journal else {"texts": [], "calls": {}}
    except (sqlite3.Error, KeyError, TypeError, ValueError) as error:
        raise CocoonError(f"{path}: cannot be read ({error}); move it away to go without calls") from None


def _read_calls(journal: JournalReader, dialogue: str) -> Calls:
    shas: dict[str, int] = {}
    calls = {call.entry.place.key: _call(call, shas) for call in journal.calls(_storable(dialogue))}
    texts = journal.texts(shas)
    return {"texts": [texts.get(sha) for sha in shas], "calls": calls}


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
        "thought": entry.thought or None,
        "refusal": entry.refusal or None,
    }


def _storable(name: str) -> str:
    """Return a name without lone surrogates, which no journal contains."""
    return name.encode("utf-8", "replace").decode()


def reason_in(content: str) -> str | None:
    """Return the reason that a judge's reply states, where it is an object with a reason."""
    with contextlib.suppress(ValueError):
        reply = split_reply(content, structured=True).speech
        judgement = orjson.loads(reply[reply.find("{") : reply.rfind("}") + 1])
        if isinstance(judgement, dict) and isinstance(judgement.get("reason"), str):
            return judgement["reason"].strip() or None
    return None
