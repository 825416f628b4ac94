"""Read our own dialogue records, one JSON object per line, strictly and without any repair."""

from collections.abc import Iterator

from cocoon.core.jsonl import parse_record
from cocoon.core.records import Dialogue
from cocoon.corpora.reading.dialogue_draft import Corpus, Draft, ReadDialogue
from cocoon.corpora.reading.foreign_record import ForeignRecord
from cocoon.corpora.reading.layout import Layout, has_keys

CORPUS = Corpus("jsonl", "our own dialogues.jsonl", "as each record says", "as each record says", "attribution")


def read_own_dialogue(record: ForeignRecord, draft: Draft) -> Iterator[ReadDialogue]:
    """Yield the dialogue of a record, as it is."""
    yield ReadDialogue(record.where, parse_record(record.whole(), Dialogue, record.where), draft.notes)


LAYOUT = Layout(CORPUS, read_own_dialogue, has_keys("id", "profile", "supporter", "turns"))
