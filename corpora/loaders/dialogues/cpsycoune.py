"""Read CPsyCounE: evaluation dialogues by topic, as lists of lines with their speakers, in folders or in one list."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.corpora.loaders.dialogues.cpsycound import ROLES
from cocoon.corpora.reading.dialogue_draft import Corpus, Draft, ReadDialogue
from cocoon.corpora.reading.foreign_record import a_list, a_text, an_object
from cocoon.corpora.reading.foreign_text import values
from cocoon.corpora.reading.spoken_lines import add_lines

CORPUS = Corpus("cpsycoune", "CPsyCounE, counselling dialogues by topic, zh", "CPsyCounE", "CC-BY-4.0", "attribution")


def load_cpsycoune(path: Path) -> Iterator[ReadDialogue]:
    """Yield every dialogue.

    Raises CocoonError naming the file and the record that cannot be read.
    """
    for number, (where, key, topic, lines) in enumerate(_dialogues(path), 1):
        draft = Draft(CORPUS, where, CORPUS.id_of(key, number))
        spoken_lines = [
            a_text(line, where, f"line {position}")
            for position, line in enumerate(a_list(lines, where, "key 'data'"), 1)
        ]
        add_lines(draft, "\n".join(spoken_lines), ROLES)
        yield draft.read(language="zh", scenario=topic)


def _dialogues(path: Path) -> Iterator[tuple[str, Any, str, Any]]:
    if path.is_dir():
        files = sorted(path.rglob("*.json"), key=lambda file: (file.parent.name, len(file.stem), file.stem))
        if not files:
            raise CocoonError(f"{path}: has no file *.json; give the folder of the corpus")
        for file in files:
            key = f"{file.parent.name}-{file.stem}"
            yield str(file), key, file.parent.name, [line for _, line in values(file)]
        return
    for where, value in values(path):
        record = an_object(value, where)
        topic = record.text("topic")
        yield where, f"{topic}-{record.text('file')}".removesuffix(".json"), topic, record.get("data")
