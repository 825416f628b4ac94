"""PsyDTCorpus: dialogues in one counsellor's manner, as chat messages with a system message and a topic."""

from collections.abc import Iterator
from pathlib import Path

from cocoon.corpora.chat_messages import load_messages
from cocoon.corpora.dialogue_draft import Corpus, Read

CORPUS = Corpus(
    "psydt", "PsyDTCorpus, counselling in one person's manner, zh", "PsyDTCorpus", "Apache-2.0", "attribution"
)


def load(path: Path) -> Iterator[Read]:
    """Yield every dialogue; raises CocoonError naming file, record and message."""
    yield from load_messages(path, CORPUS)
