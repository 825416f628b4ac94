"""From a model's message to what the journal keeps of it, and to what the ledger counts."""

import time
from dataclasses import replace

from langchain_core.messages import AIMessage

from cocoon.models.by_name import Model
from cocoon.models.journal.store import Entry, Place
from cocoon.models.ledger import Usage
from cocoon.models.pool import RequestOutcome
from cocoon.models.reply import raw_reply

LIMIT = "call limit"
"""Where the metadata of a message have the limit of its call, when that was more than its settings say at first."""


def usage_of_message(model: Model, message: AIMessage) -> Usage:
    """Return what an answered call took, as its server reports it."""
    tokens = message.usage_metadata or {}
    return Usage(
        model.label, 1, tokens.get("input_tokens"), tokens.get("output_tokens"), raw_reply(message).tokens_cached
    )


def entry_of(
    place: Place, print_: str, model: Model, outcome: RequestOutcome[AIMessage], rung: str | None, bytes_in: int
) -> Entry:
    """Return a message as the journal has it. `bytes_in` is the length of what it answers."""
    message = outcome.value
    usage = message.usage_metadata or {}
    meta = message.response_metadata or {}
    raw = raw_reply(message)
    return Entry(
        place,
        print_,
        model.label,
        _storable(raw.text),
        rung,
        usage.get("input_tokens"),
        usage.get("output_tokens"),
        round(outcome.latency, 4),
        outcome.retries,
        raw.finish,
        meta.get("legal_mass") or {},
        round(time.time(), 3),
        _storable(raw.thought),
        _storable(raw.refusal),
        raw.tokens_cached,
        raw.tokens_reasoning,
        meta.get(LIMIT),
        bytes_in,
    )


def shared_entry(entry: Entry, place: Place) -> Entry:
    """Return a reply that was paid for elsewhere, as it stands at another place: it took no tokens there."""
    return replace(entry, place=place, shared=True, tokens_in=0, tokens_out=0, tokens_cached=0, tokens_reasoning=0)


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
