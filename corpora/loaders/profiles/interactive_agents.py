"""Read profiles of interactive-agents (user_profiles/*.json): requests for help in plain text, and no need."""

from collections.abc import Iterator
from pathlib import Path

from cocoon.core.errors import CocoonError
from cocoon.corpora.reading.dialogue_draft import Corpus
from cocoon.corpora.reading.foreign_record import a_text
from cocoon.corpora.reading.foreign_text import values
from cocoon.corpora.reading.repair import ReadProfile

CORPUS = Corpus(
    "interactive-agents",
    "interactive-agents, requests for help",
    "interactive-agents",
    "MIT (repository)",
    "attribution",
)


def load_interactive_agents(path: Path) -> Iterator[ReadProfile]:
    """Yield the profile of every request.

    The request is the feeling, and the name of the file is part of the id.
    """
    name = path.stem.removeprefix("user_profiles_")
    for number, (where, value) in enumerate(values(path), 1):
        text = a_text(value, where, "the record")
        if not text:
            raise CocoonError(f"{where}: the request is empty")
        yield ReadProfile(where, CORPUS.person(f"{CORPUS.name}-{name}-{number}", text))
