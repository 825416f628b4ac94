"""The layout of a corpus: how its records are found in a file, how one record is read, and what shows whose it is."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.corpora.reading.dialogue_draft import Corpus, Draft, ReadDialogue
from cocoon.corpora.reading.foreign_record import ForeignRecord, an_object
from cocoon.corpora.reading.foreign_text import files_of
from cocoon.corpora.reading.foreign_values import ROWS, each_value
from cocoon.corpora.reading.read_keys import KeyLedger

RecordReader = Callable[[ForeignRecord, Draft], Iterator[ReadDialogue]]
Records = Callable[[Path], Iterator[tuple[str, Any]]]


def any_record(record: Mapping[str, Any]) -> bool:
    """Return True: a layout that belongs to no corpus claims nothing about where its records come from."""
    del record
    return True


@dataclass(frozen=True)
class Layout:
    """How the files of a corpus are read.

    `records` yields (where, value) for each record of a file, or a CocoonError in place of the value. `read` yields the
    dialogues of one record. `shows` says whether a record itself shows that it is of the corpus.
    """

    corpus: Corpus
    read: RecordReader
    shows: Callable[[Mapping[str, Any]], bool] = any_record
    records: Records = each_value


def has_keys(*keys: str) -> Callable[[Mapping[str, Any]], bool]:
    """Return a test of whether a record has all of these keys, in any case."""

    def test(record: Mapping[str, Any]) -> bool:
        return set(keys) <= {str(key).strip().lower() for key in record}

    return test


def has_columns(*columns: str) -> Callable[[Mapping[str, Any]], bool]:
    """Return a test of whether rows, grouped or single, have all of these columns."""

    def test(record: Mapping[str, Any]) -> bool:
        rows = record.get(ROWS)
        row = rows[0] if isinstance(rows, list) and rows else record
        return isinstance(row, Mapping) and set(columns) <= set(row)

    return test


def opened(value: Any, where: str, number: int, corpus: Corpus, ledger: KeyLedger) -> tuple[ForeignRecord, Draft]:
    """Return a record that remembers what is read of it, and the draft of what it becomes.

    Raises the CocoonError that stands in the place of a value, and one for a value that is no object.
    """
    if isinstance(value, CocoonError):
        raise value
    record = an_object(ledger.track(value), where)
    draft = Draft(corpus, where, "", number)
    draft.number_by(record.get("id"))
    return record, draft


def rows_of(record: ForeignRecord) -> Iterator[ForeignRecord]:
    """Yield the rows that `grouped_rows` put together, each with its own line."""
    for row in record.objects(ROWS, "row"):
        where = row.fields.get(ROWS)
        yield replace(row, where=where) if isinstance(where, str) else row


def grouped_rows(path: Path, column: str | None) -> Iterator[tuple[str, Any]]:
    """Yield the rows of each dialogue of a table together, by the column that names the dialogue.

    Without a column all rows are one dialogue. Raises CocoonError where the rows of a dialogue do not stand together,
    because a reader that does not see that would make two dialogues of one.
    """
    key, start, rows = None, "", list[Any]()
    finished: set[str] = set()
    for where, value in each_value(path):
        if isinstance(value, CocoonError):
            yield where, value
            continue
        name = _dialogue_of(value, column, where)
        if rows and name != key:
            yield start, {ROWS: rows}
            finished.add(str(key))
            rows = []
        if name in finished:
            raise CocoonError(f"{where}: rows of dialogue {name!r} do not stand together; sort the table by {column!r}")
        if not rows:
            key, start = name, where
        # The line of a row stands under a key that is in no file.
        rows.append({**value, ROWS: where} if isinstance(value, dict) else value)
    if rows:
        yield start, {ROWS: rows}


def _dialogue_of(value: Any, column: str | None, where: str) -> str:
    if column is None:
        return ""
    if not isinstance(value, dict) or column not in value:
        columns = ", ".join(map(str, value)) if isinstance(value, dict) else "none"
        raise CocoonError(f"{where}: has no column {column!r}; its columns are {columns}")
    return str(value[column]).strip()


def folder_tables(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield the rows of each file together: a table, or every table within a folder, is one dialogue."""
    for file in files_of(path, "**/*.csv"):
        for _, value in grouped_rows(file, None):
            yield str(file), value
