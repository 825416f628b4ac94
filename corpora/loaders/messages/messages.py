"""Read messages files (one `{"messages": [{"role", "content"}]}` per line), restoring those that we exported.

An exported row carries the complete record in the column `cocoon`, as JSON text. If its messages were edited later, the
messages count and the change is reported.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import parse_record
from cocoon.core.records import Dialogue
from cocoon.corpora.export.rows import COLUMN, exported_text
from cocoon.corpora.loaders.messages.conversation import say_conversation
from cocoon.corpora.reading.dialogue_draft import Corpus, Draft, ReadDialogue
from cocoon.corpora.reading.foreign_record import ForeignRecord
from cocoon.corpora.reading.layout import Layout

_REPEATED = ("id", "language", "source", "licence")
CORPUS = Corpus("messages", "chat messages (Hugging Face form)", "messages file", "not stated", "none")


def read_messages(record: ForeignRecord, draft: Draft) -> Iterator[ReadDialogue]:
    """Yield the dialogue of a row."""
    if isinstance(record.get(COLUMN), str):
        yield _restored(record)
    else:
        say_conversation(record, draft)
        yield draft.read()


def _shows_messages(record: Mapping[str, Any]) -> bool:
    return isinstance(record.get("messages"), list)


LAYOUT = Layout(CORPUS, read_messages, _shows_messages)


def record_beside(row: ForeignRecord) -> Dialogue:
    """Return the complete record that an exported row carries.

    Raises CocoonError naming the column if the record cannot be read.
    """
    try:
        fields = orjson.loads(row.fields[COLUMN])
    except orjson.JSONDecodeError as error:
        raise CocoonError(f"{row.where}: key {COLUMN!r}: not JSON ({error.msg}); leave the column out") from None
    return parse_record(fields, Dialogue, f"{row.where}, key {COLUMN!r}")


def _restored(record: ForeignRecord) -> ReadDialogue:
    dialogue, where = record_beside(record), record.where
    # The other columns only repeat what the record beside them says.
    for key in _REPEATED:
        record.get(key)
    draft = Draft(CORPUS, where, dialogue.id)
    messages = [
        message
        for message in record.get("messages") or []
        if isinstance(message, dict) and message.get("role") != "system"
    ]
    contents = [ForeignRecord(message, where).text("content") for message in messages]
    if len(contents) != len(dialogue.turns):
        draft.note("messages", "dropped", "the messages no longer fit the record beside them; the record is taken")
        return ReadDialogue(where, dialogue, draft.notes)
    edited = 0
    for turn, text in zip(dialogue.turns, contents, strict=True):
        exported_texts = (exported_text(turn, "none").strip(), exported_text(turn, "inline").strip())
        if text not in exported_texts:
            turn.content = text
            edited += 1
    if edited:
        draft.note("messages", "replaced", f"{edited} turns were edited after the export; their messages are taken")
    return ReadDialogue(where, dialogue, draft.notes)
