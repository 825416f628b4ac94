"""Read ShareGPT files (`{"conversations": [{"from", "value"}]}`), restoring those that we exported.

An exported row joins neighbouring turns and leaves out what LLaMA-Factory cannot read. The column `cocoon` holds the
complete record. If the conversation was edited later, the conversation counts and the change is reported.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from cocoon.core.records import Dialogue
from cocoon.corpora.export.rows import COLUMN, sharegpt_row
from cocoon.corpora.loaders.messages.conversation import say_conversation
from cocoon.corpora.loaders.messages.messages import record_beside
from cocoon.corpora.reading.dialogue_draft import Corpus, Draft, ReadDialogue
from cocoon.corpora.reading.foreign_record import ForeignRecord
from cocoon.corpora.reading.layout import Layout

CORPUS = Corpus("sharegpt", "ShareGPT turns (LLaMA-Factory's form)", "ShareGPT file", "not stated", "none")


def read_sharegpt(row: ForeignRecord, draft: Draft) -> Iterator[ReadDialogue]:
    """Yield the dialogue of a row."""
    if not isinstance(row.get(COLUMN), str):
        yield _conversation(row, draft, None)
        return
    dialogue = record_beside(row)
    draft.id = dialogue.id
    if _is_unchanged(row, dialogue):
        yield ReadDialogue(row.where, dialogue, [])
        return
    draft.note("conversations", "replaced", "edited after the export: the conversation is taken without the record")
    yield _conversation(row, draft, dialogue)


def _shows_sharegpt(record: Mapping[str, Any]) -> bool:
    return isinstance(record.get("conversations"), list)


LAYOUT = Layout(CORPUS, read_sharegpt, _shows_sharegpt)


def _is_unchanged(row: ForeignRecord, dialogue: Dialogue) -> bool:
    there = [turn.whole() for turn in row.objects("conversations")], row.get("system")
    exported_rows = (sharegpt_row(dialogue, thoughts) for thoughts in ("none", "inline"))
    return any(there == (exported["conversations"], exported["system"]) for exported in exported_rows)


def _conversation(row: ForeignRecord, draft: Draft, record: Dialogue | None) -> ReadDialogue:
    say_conversation(row, draft)
    read = draft.read(profile=record.profile if record else None)
    if record is None or read.dialogue is None:
        return read
    origin = {"supporter": record.supporter, "source": record.source, "licence": record.licence}
    return ReadDialogue(read.where, read.dialogue.model_copy(update=origin), read.notes)
