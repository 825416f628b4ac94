"""Read profiles of interactive-agents (user_profiles/*.json): requests for help in plain text, and no need."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.corpora.reading.dialogue_draft import Corpus, Draft
from cocoon.corpora.reading.foreign_record import ForeignRecord, a_text
from cocoon.corpora.reading.foreign_values import each_value
from cocoon.corpora.reading.repair import ReadProfile

_REQUEST, _FILE = "request", "file"
CORPUS = Corpus(
    "interactive-agents",
    "interactive-agents, requests for help",
    "interactive-agents",
    "MIT (repository)",
    "attribution",
)


def read_interactive_agent(record: ForeignRecord, draft: Draft) -> ReadProfile:
    """Return the profile of a request. The request is the feeling, and the name of the file is part of the id."""
    text = a_text(record.get(_REQUEST), record.where, "the record")
    if not text:
        raise CocoonError(f"{record.where}: the request is empty")
    return ReadProfile(record.where, CORPUS.person(f"{CORPUS.name}-{record.text(_FILE)}-{draft.number}", text))


def requests_of(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield the requests of a file, each with the name of the file."""
    name = path.stem.removeprefix("user_profiles_")
    for where, value in each_value(path):
        yield where, value if isinstance(value, CocoonError) else {_REQUEST: value, _FILE: name}
