"""Read messages files (one `{"messages": [{"role", "content"}]}` per line), restoring those that we exported.

An exported row carries the complete record in the column `cocoon`, as JSON text. If its messages were edited later, the
messages count and the change is reported.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import parse_record
from cocoon.core.records import Dialogue
from cocoon.corpora.export.rows import COLUMN, exported_text
from cocoon.corpora.loaders.messages.chat_messages import ROLES
from cocoon.corpora.reading.dialogue_draft import Corpus, Draft, ReadDialogue
from cocoon.corpora.reading.foreign_record import ForeignRecord, an_object
from cocoon.corpora.reading.foreign_text import values

CORPUS = Corpus("messages", "chat messages (Hugging Face form)", "messages file", "not stated", "none")


def load_message_lists(path: Path) -> Iterator[ReadDialogue]:
    """Yield every row.

    Raises CocoonError naming the file, the line and the message that cannot be read.
    """
    for number, (where, value) in enumerate(_rows(path), 1):
        record = an_object(value, where)
        if isinstance(record.get(COLUMN), str):
            yield _restored(record)
            continue
        draft = Draft(CORPUS, where, CORPUS.id_of(record.get("id"), number))
        draft.say_all(record.objects("messages", "message"), "role", "content", ROLES)
        yield draft.read()


def _rows(path: Path) -> Iterator[tuple[str, Any]]:
    if path.suffix.lower() != ".parquet":
        yield from values(path)
        return
    from cocoon.corpora.export.parquet import read_parquet_rows

    yield from ((f"{path}, row {number}", row) for number, row in enumerate(read_parquet_rows(path), 1))


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
