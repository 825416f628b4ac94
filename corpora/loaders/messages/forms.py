"""Conversation forms that belong to no corpus: preference data (KTO, DPO), alpaca, and turns without a record."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.corpora.loaders.messages.conversation import (
    CONTENT_KEYS,
    KTO_NAME,
    SPEAKER_KEYS,
    TURN_LISTS,
    has_conversation,
    is_alpaca,
    is_dpo,
    is_kto,
    say_conversation,
    say_messages,
)
from cocoon.corpora.reading.dialogue_draft import Corpus, Draft, ReadDialogue
from cocoon.corpora.reading.foreign_record import ForeignRecord
from cocoon.corpora.reading.foreign_values import ROWS, each_value
from cocoon.corpora.reading.layout import Layout

KTO = Corpus(KTO_NAME, "replies that somebody found good or bad (KTO)", "KTO file", "not stated", "none")
DPO = Corpus("dpo", "a preferred and a rejected reply (DPO)", "DPO file", "not stated", "none")
ALPACA = Corpus("alpaca", "instruction, output and history (alpaca)", "alpaca file", "not stated", "none")
TURN_KEYS = frozenset(TURN_LISTS)
TURNS = Corpus("turns", "lists of turns, or one turn a line", "file of turns", "not stated", "none")


def read_form(record: ForeignRecord, draft: Draft) -> Iterator[ReadDialogue]:
    """Yield the dialogue of a record in any of the forms."""
    say_conversation(record, draft)
    yield draft.read()


def read_turns(record: ForeignRecord, draft: Draft) -> Iterator[ReadDialogue]:
    """Yield the dialogue of a record that is a list of turns, or that holds one under a common key."""
    if ROWS in record.fields:
        say_messages(draft, record.objects(ROWS))
    else:
        say_conversation(record, draft)
    yield draft.read()


def is_turn(record: Mapping[str, Any]) -> bool:
    """Return whether a record holds turns, or is one turn: it names a speaker and words."""
    if has_conversation(record):
        return True
    turn = record.get(ROWS)
    first = turn[0] if isinstance(turn, list) and turn and isinstance(turn[0], dict) else record
    return any(key in first for key in SPEAKER_KEYS) and any(key in first for key in CONTENT_KEYS)


def turns_of_file(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield the lists of turns of a file. Turns outside any list are one dialogue together."""
    single: list[Any] = []
    start = ""
    for where, value in each_value(path):
        if isinstance(value, CocoonError):
            yield where, value
        elif isinstance(value, list):
            yield where, {ROWS: value}
        elif isinstance(value, dict) and not TURN_KEYS.isdisjoint(value):
            yield where, value
        else:
            start = start or where
            single.append(value)
    if single:
        yield start, {ROWS: single}


KTO_LAYOUT = Layout(KTO, read_form, is_kto)
DPO_LAYOUT = Layout(DPO, read_form, is_dpo)
ALPACA_LAYOUT = Layout(ALPACA, read_form, is_alpaca)
TURNS_LAYOUT = Layout(TURNS, read_turns, is_turn, turns_of_file)
