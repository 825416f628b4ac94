"""Read SoulChatCorpus: multi-turn empathetic dialogues as chat messages."""

from collections.abc import Iterator
from pathlib import Path

from cocoon.corpora.loaders.messages.chat_messages import load_messages
from cocoon.corpora.reading.dialogue_draft import Corpus, ReadDialogue

CORPUS = Corpus(
    "soulchat",
    "SoulChatCorpus, multi-turn empathetic dialogues, zh",
    "SoulChatCorpus",
    "Apache-2.0",
    "attribution",
    also=("SoulChatCorpus",),
)


def load_soulchat(path: Path) -> Iterator[ReadDialogue]:
    """Yield every dialogue.

    Raises CocoonError naming the file, the record and the message that cannot be read.
    """
    yield from load_messages(path, CORPUS)
