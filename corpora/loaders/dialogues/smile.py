"""Read SMILE (SmileChat): a file with one dialogue per line, or the repository's folder with one dialogue per file.

A file of the folder is one list of turns.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cocoon.core.records import Role
from cocoon.corpora.reading.dialogue_draft import Corpus, Draft, ReadDialogue
from cocoon.corpora.reading.foreign_record import a_list, an_object, objects
from cocoon.corpora.reading.foreign_text import texts, values

CORPUS = Corpus("smile", "SMILE, single-turn help texts made multi-turn, zh", "SMILE (SmileChat)", "CC0-1.0", "free")
ROLES: dict[str, Role] = {"client": "user", "counselor": "supporter", "user": "user", "supporter": "supporter"}


def load_smile(path: Path) -> Iterator[ReadDialogue]:
    """Yield every dialogue.

    Raises CocoonError naming the file, the record and the turn that cannot be read.
    """
    for number, (where, key, dialog) in enumerate(_dialogs(path), 1):
        draft = Draft(CORPUS, where, CORPUS.id_of(key, number))
        draft.say_all(objects(a_list(dialog, where, "key 'dialog'"), where), "role", "content", ROLES)
        yield draft.read(language="zh")


def _dialogs(path: Path) -> Iterator[tuple[str, Any, Any]]:
    if path.is_dir():
        for where, file, _ in texts(path, "*.json"):
            records = [value for _, value in values(file)]
            yield where, file.stem, records
        return
    for where, value in values(path):
        record = an_object(value, where)
        # A file of the repository is one list of turns, so its records are turns.
        if "role" in record.fields and "dialog" not in record.fields:
            yield str(path), path.stem, [turn for _, turn in values(path)]
            return
        yield where, record.get("id"), record.get("dialog")
