"""Read dialogues of any corpus: one reader for every command, with unique ids, a ledger and a report of repairs."""

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.core.outside.python_code import PREFIX, load_object
from cocoon.core.progress import working
from cocoon.core.records import Dialogue
from cocoon.core.text import plain_name
from cocoon.corpora.identify import identify, unread_advice
from cocoon.corpora.layouts import CORPORA, LAYOUTS
from cocoon.corpora.loaders.tables.mapped import CORPUS as TABLE
from cocoon.corpora.loaders.tables.mapped import ColumnMap, mapping_advice, table_layout
from cocoon.corpora.reading.dialogue_draft import ReadDialogue
from cocoon.corpora.reading.layout import Layout, opened
from cocoon.corpora.reading.read_keys import KeyLedger
from cocoon.corpora.reading.repair import RepairNote, RepairReport

# How many examples of each kind of repair a report keeps.
EXAMPLES = 5
NOT_STATED = "not stated"


@dataclass
class Reading:
    """A corpus while it is being read: the dialogues as a stream, and the report of the repairs so far."""

    dialogues: Iterator[Dialogue]
    report: RepairReport


def find_corpus(name: str) -> str:
    """Return our name of a corpus, however its papers and files spell it (`SoulChat`, `ESCoT`).

    Raises CocoonError for an unknown name, and names the nearest.
    """
    known = {plain_name(other): corpus.name for corpus in CORPORA.values() for other in (corpus.name, *corpus.also)}
    if plain_name(name) in known:
        return known[plain_name(name)]
    close = difflib.get_close_matches(plain_name(name), known, n=1)
    near = f"Did you mean {known[close[0]]!r}? " if close else ""
    raise CocoonError(f"Corpus {name!r} is not known. {near}The corpora are {', '.join(CORPORA)}.")


def _own(function: Callable[..., Any], path: Path, file: str) -> Iterator[ReadDialogue]:
    number = 1
    try:
        for number, dialogue in enumerate(function(path), 1):
            if not isinstance(dialogue, Dialogue):
                raise CocoonError(f"{file}: dialogue {number} is a {type(dialogue).__name__}. Yield cocoon.Dialogue.")
            yield ReadDialogue(f"dialogue {number}", dialogue, [])
            number += 1
    except CocoonError:
        raise
    except Exception as error:
        text = " ".join(str(error).split())
        raise CocoonError(f"{file}, at dialogue {number}: {type(error).__name__}: {text}") from error


def read_corpus(
    name: str,
    path: Path,
    limit: int | None = None,
    *,
    column_map: ColumnMap | None = None,
    skip_unreadable: bool = False,
) -> Reading:
    """Read a corpus as a stream, up to the first `limit` dialogues.

    `name` may be a function of the user's own, as `python:FILE.py:NAME`. With `table` the file itself says what it is,
    or `column_map` does. The report grows while the dialogues are taken. If a second dialogue has the same id, it gets
    another id. Raises CocoonError for an unknown corpus and for a missing path. While reading, it raises CocoonError
    for the first record that cannot be read, naming the file, the record and the turn, or leaves it out and counts it
    where `skip_unreadable`.
    """
    if not path.exists():
        raise CocoonError(f"{path}: does not exist; check the path")
    own = name.startswith(PREFIX)
    if column_map is not None and (own or find_corpus(name) != TABLE.name):
        raise CocoonError(f"--map and --roles are for tables, not for {name!r}; give table as the corpus")
    if own:
        if skip_unreadable:
            raise CocoonError(f"--skip-unreadable has no use with {name}; leave out records in your own function")
        report = RepairReport(file=str(path), kind=name, things="dialogues", most=EXAMPLES)
        return Reading(_dialogues(_counted(_own_reads(name, path), report), report, limit), report)
    layout, taken_for, path = _layout(find_corpus(name), path, column_map)
    report = RepairReport(
        file=str(path), kind=layout.corpus.name, things="dialogues", most=EXAMPLES, taken_for=taken_for
    )
    reads = _Reader(layout, path, report, skip_unreadable).reads()
    return Reading(_dialogues(reads, report, limit), report)


def _layout(name: str, path: Path, column_map: ColumnMap | None) -> tuple[Layout, list[str], Path]:
    """Return the layout by which a file is read, what it was taken for, and the file itself."""
    if column_map is not None:
        return table_layout(column_map), [], path
    if name != TABLE.name:
        return LAYOUTS[name], [], path
    identified = identify(path)
    if identified.layout is None:
        advice = mapping_advice(identified.file)
        raise CocoonError(f"{identified.file} {identified.about}. Map them: {advice}")
    return LAYOUTS[identified.layout], [identified.about], identified.file


def _counted(reads: Iterator[ReadDialogue], report: RepairReport) -> Iterator[ReadDialogue]:
    for read in reads:
        report.read += 1
        yield read


def _own_reads(name: str, path: Path) -> Iterator[ReadDialogue]:
    """Return the dialogues of the user's own function."""
    function, source = load_object(name)
    if not callable(function):
        raise CocoonError(f"{name!r} is no function. Name a function of a path that yields cocoon.Dialogue.")
    return _own(function, path, source.file)


@dataclass
class _Reader:
    """Reads the records of a file one by one, so that one that cannot be read does not end the others."""

    layout: Layout
    path: Path
    report: RepairReport
    skip_unreadable: bool

    def reads(self) -> Iterator[ReadDialogue]:
        """Yield the dialogues, and count what is left out and which keys nobody read."""
        ledger, report = KeyLedger(), self.report
        try:
            for number, (where, value) in enumerate(self.layout.records(self.path), 1):
                report.read += 1
                try:
                    yield from self._read(ledger, number, where, value)
                except CocoonError as error:
                    if not self.skip_unreadable:
                        raise self._with_advice(error) from None
                    report.leave_out(str(error))
        finally:
            report.unread = ledger.unread

    def _read(self, ledger: KeyLedger, number: int, where: str, value: Any) -> list[ReadDialogue]:
        corpus = self.layout.corpus
        supported = corpus.licence == NOT_STATED or (isinstance(value, dict) and self.layout.shows(value))
        try:
            source = corpus if supported else corpus.as_claimed()
            reads = list(self.layout.read(*opened(value, where, number, source, ledger)))
        except RecursionError:
            raise CocoonError(f"{where}: is nested too deep; leave this record out") from None
        self.report.claimed += not supported
        return reads

    def _with_advice(self, error: CocoonError) -> CocoonError:
        """Return the error of the first record together with what the file seems to be, if it seems another form."""
        if self.report.read > 1 or self.report.kept:
            return CocoonError(f"{error}. Fix it, or give --skip-unreadable to leave such records out")
        advice = unread_advice(self.path)
        own = f"corpus import {self.layout.corpus.name} "
        return error if advice == str(error) or own in advice else CocoonError(f"{error}. {advice}")


def _dialogues(reads: Iterator[ReadDialogue], report: RepairReport, limit: int | None) -> Iterator[Dialogue]:
    seen: dict[str, int] = {}
    with working(f"reading {report.file}") as work:
        for read in reads:
            for note in read.notes:
                report.add(note)
            if read.dialogue is None:
                report.leave_out(read.notes[-1].reason)
            else:
                report.kept += 1
                yield _with_unique_id(read.dialogue, read.where, seen, report)
            work.advance()
            if limit is not None and report.kept >= limit:
                break


def _with_unique_id(dialogue: Dialogue, where: str, seen: dict[str, int], report: RepairReport) -> Dialogue:
    earlier = seen.get(dialogue.id, 0)
    seen[dialogue.id] = earlier + 1
    if not earlier:
        return dialogue
    unused_id, number = dialogue.id, earlier + 1
    while unused_id in seen:
        unused_id, number = f"{dialogue.id}-{number}", number + 1
    seen[unused_id] = 1
    reason = f"the id {dialogue.id!r} is taken by an earlier dialogue"
    report.add(RepairNote(where=where, profile=unused_id, key="id", repair="relabelled", reason=reason))
    return dialogue.model_copy(update={"id": unused_id})
