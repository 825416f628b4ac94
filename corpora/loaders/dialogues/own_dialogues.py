"""Read our own dialogue records, one JSON object per line, strictly and without any repair."""

from collections.abc import Iterator
from pathlib import Path

from cocoon.core.jsonl import parse_record
from cocoon.core.records import Dialogue
from cocoon.corpora.reading.dialogue_draft import Corpus, ReadDialogue
from cocoon.corpora.reading.foreign_text import values

CORPUS = Corpus("jsonl", "our own dialogues.jsonl", "as each record says", "as each record says", "attribution")


def load_own_dialogues(path: Path) -> Iterator[ReadDialogue]:
    """Yield every dialogue.

    Raises CocoonError naming the file, the line and the key that cannot be read.
    """
    for where, value in values(path):
        yield ReadDialogue(where, parse_record(value, Dialogue, where), [])
