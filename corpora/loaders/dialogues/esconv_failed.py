"""Read FailedESConv: dialogues that ESConv's authors left out, in the original layout with other speaker names."""

from collections.abc import Iterator
from pathlib import Path

from cocoon.corpora.loaders.dialogues.esconv import load_as
from cocoon.corpora.reading.dialogue_draft import Corpus, ReadDialogue

CORPUS = Corpus(
    "esconv-failed",
    "FailedESConv, dialogues below ESConv's standard, en",
    "FailedESConv",
    "CC-BY-NC-4.0",
    "non_commercial",
)


def load_esconv_failed(path: Path) -> Iterator[ReadDialogue]:
    """Yield every dialogue.

    Raises CocoonError naming the file, the record and the turn that cannot be read.
    """
    yield from load_as(path, CORPUS)
