"""Read CPsyCounD: counselling cases as plain text, one per file (case_*.txt), or as one {"id", "raw"} per line."""

from collections.abc import Iterator
from pathlib import Path

from cocoon.core.records import Role
from cocoon.corpora.reading.dialogue_draft import Corpus, Draft, ReadDialogue
from cocoon.corpora.reading.foreign_record import a_text, an_object
from cocoon.corpora.reading.foreign_text import texts, values
from cocoon.corpora.reading.spoken_lines import add_lines

CORPUS = Corpus("cpsycound", "CPsyCounD, reconstructed counselling cases, zh", "CPsyCounD", "CC-BY-4.0", "attribution")
ROLES: dict[str, Role] = {
    "来访者": "user",
    "求助者": "user",
    "心理咨询师": "supporter",
    "咨询师": "supporter",
    "支持者": "supporter",
}


def load_cpsycound(path: Path) -> Iterator[ReadDialogue]:
    """Yield every case.

    Raises CocoonError naming the file and the record that cannot be read.
    """
    for number, (where, key, raw) in enumerate(_cases(path), 1):
        draft = Draft(CORPUS, where, CORPUS.id_of(key, number))
        add_lines(draft, a_text(raw, where, "key 'raw'"), ROLES)
        yield draft.read(language="zh")


def _cases(path: Path) -> Iterator[tuple[str, object, object]]:
    if path.is_dir() or path.suffix.lower() == ".txt":
        yield from ((where, file.stem, text) for where, file, text in texts(path, "*.txt"))
        return
    for where, value in values(path):
        record = an_object(value, where)
        yield where, record.get("id"), record.get("raw")
