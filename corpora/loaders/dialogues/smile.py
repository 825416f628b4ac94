"""Read SMILE (SmileChat): a file with one dialogue per line, or the repository's folder with one dialogue per file.

A file of the folder is one list of turns.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cocoon.core.records import Role
from cocoon.core.text import language_by_script
from cocoon.corpora.reading.dialogue_draft import Corpus, Draft, ReadDialogue
from cocoon.corpora.reading.foreign_record import ForeignRecord
from cocoon.corpora.reading.foreign_text import files_of
from cocoon.corpora.reading.foreign_values import each_value, values
from cocoon.corpora.reading.layout import Layout

CORPUS = Corpus(
    "smile",
    "SMILE, single-turn help texts made multi-turn, zh",
    "SMILE (SmileChat)",
    "CC0-1.0",
    "free",
    also=("SmileChat",),
)
ROLES: dict[str, Role] = {"client": "user", "counselor": "supporter", "user": "user", "supporter": "supporter"}


def read_smile(record: ForeignRecord, draft: Draft) -> Iterator[ReadDialogue]:
    """Yield the dialogue of a record."""
    draft.say_all(record.objects("dialog"), "role", "content", ROLES)
    yield draft.read(language="zh")


def _dialogs(path: Path) -> Iterator[tuple[str, Any]]:
    if path.is_dir():
        for file in files_of(path, "*.json"):
            yield str(file), {"id": file.stem, "dialog": [value for _, value in values(file)]}
        return
    for where, value in each_value(path):
        # A file of the repository is one list of turns, so its records are turns.
        if isinstance(value, dict) and "role" in value and "dialog" not in value:
            yield str(path), {"id": path.stem, "dialog": [turn for _, turn in values(path)]}
            return
        yield where, value


def _shows_smile(record: Mapping[str, Any]) -> bool:
    turns = record.get("dialog")
    first = [turn for turn in turns[:2] if isinstance(turn, dict)] if isinstance(turns, list) else []
    chinese = language_by_script(" ".join(str(turn.get("content")) for turn in first)) == "zh"
    return chinese and any(turn.get("role") in ("client", "counselor") for turn in first)


LAYOUT = Layout(CORPUS, read_smile, _shows_smile, _dialogs)
