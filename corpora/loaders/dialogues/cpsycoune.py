"""Read CPsyCounE: evaluation dialogues by topic, as lists of lines with their speakers, in folders or in one list."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.corpora.loaders.dialogues.cpsycound import ROLES
from cocoon.corpora.reading.dialogue_draft import Corpus, Draft, ReadDialogue
from cocoon.corpora.reading.foreign_record import ForeignRecord, a_list, a_text
from cocoon.corpora.reading.foreign_values import each_value, values
from cocoon.corpora.reading.layout import Layout, has_keys
from cocoon.corpora.reading.spoken_lines import add_lines

CORPUS = Corpus("cpsycoune", "CPsyCounE, counselling dialogues by topic, zh", "CPsyCounE", "CC-BY-4.0", "attribution")


def read_cpsycoune(record: ForeignRecord, draft: Draft) -> Iterator[ReadDialogue]:
    """Yield the dialogue of a record."""
    topic, where = record.text("topic"), record.where
    draft.number_by(f"{topic}-{record.text('file')}".removesuffix(".json"))
    spoken_lines = [
        a_text(line, where, f"line {position}")
        for position, line in enumerate(a_list(record.get("data"), where, "key 'data'"), 1)
    ]
    add_lines(draft, "\n".join(spoken_lines), ROLES)
    yield draft.read(language="zh", scenario=topic)


def _dialogues(path: Path) -> Iterator[tuple[str, Any]]:
    if not path.is_dir():
        yield from each_value(path)
        return
    files = sorted(path.rglob("*.json"), key=lambda file: (file.parent.name, len(file.stem), file.stem))
    if not files:
        raise CocoonError(f"{path}: has no file *.json; give the folder of the corpus")
    for file in files:
        lines = [line for _, line in values(file)]
        yield str(file), {"topic": file.parent.name, "file": file.name, "data": lines}


LAYOUT = Layout(CORPUS, read_cpsycoune, has_keys("topic", "data"), _dialogues)
