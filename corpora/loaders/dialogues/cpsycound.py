"""Read CPsyCounD: counselling cases as plain text, one per file (case_*.txt), or as one {"id", "raw"} per line."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cocoon.core.records import Role
from cocoon.corpora.reading.dialogue_draft import Corpus, Draft, ReadDialogue
from cocoon.corpora.reading.foreign_record import ForeignRecord, a_text
from cocoon.corpora.reading.foreign_text import texts
from cocoon.corpora.reading.foreign_values import each_value
from cocoon.corpora.reading.layout import Layout
from cocoon.corpora.reading.spoken_lines import add_lines

CORPUS = Corpus("cpsycound", "CPsyCounD, reconstructed counselling cases, zh", "CPsyCounD", "CC-BY-4.0", "attribution")
ROLES: dict[str, Role] = {
    "来访者": "user",
    "求助者": "user",
    "心理咨询师": "supporter",
    "咨询师": "supporter",
    "支持者": "supporter",
}


def read_cpsycound(record: ForeignRecord, draft: Draft) -> Iterator[ReadDialogue]:
    """Yield the dialogue of a case."""
    add_lines(draft, a_text(record.get("raw"), record.where, "key 'raw'"), ROLES)
    yield draft.read(language="zh")


def _cases(path: Path) -> Iterator[tuple[str, Any]]:
    if path.is_dir() or path.suffix.lower() == ".txt":
        yield from ((where, {"id": file.stem, "raw": text}) for where, file, text in texts(path, "*.txt"))
    else:
        yield from each_value(path)


def _shows_cpsycound(record: Mapping[str, Any]) -> bool:
    raw = record.get("raw")
    return isinstance(raw, str) and any(name in raw for name in ROLES)


LAYOUT = Layout(CORPUS, read_cpsycound, _shows_cpsycound, _cases)
