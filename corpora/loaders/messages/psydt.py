"""Read PsyDTCorpus: dialogues in the manner of one counsellor, as chat messages with a system message and a topic."""

from collections.abc import Iterator
from pathlib import Path

from cocoon.corpora.loaders.messages.chat_messages import load_messages
from cocoon.corpora.reading.dialogue_draft import Corpus, ReadDialogue

CORPUS = Corpus(
    "psydt",
    "PsyDTCorpus, counselling in one person's manner, zh",
    "PsyDTCorpus",
    "Apache-2.0",
    "attribution",
    also=("PsyDTCorpus",),
)


def load_psydt(path: Path) -> Iterator[ReadDialogue]:
    """Yield every dialogue.

    Raises CocoonError naming the file, the record and the message that cannot be read.
    """
    yield from load_messages(path, CORPUS)
