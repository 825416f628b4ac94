"""Read foreign profiles or dialogues and write them as records of ours, with a report of every repair."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import dump_line, write_whole
from cocoon.core.records import Dialogue, Record
from cocoon.corpora.dialogue_loaders import Reading, read_corpus
from cocoon.corpora.loaders.tables.mapped import ColumnMap
from cocoon.corpora.profile_loaders import load_foreign_profiles
from cocoon.corpora.reading.repair import RepairReport


def import_profile_file(
    kind: str,
    file: Path,
    out: Path,
    limit: int | None = None,
    *,
    skip_unreadable: bool = False,
    force: bool = False,
) -> RepairReport:
    """Write the profiles of a foreign file (the first `limit`) to `out`, one on each line, and return the repairs.

    The ledger of what was not taken over is written beside `out`. Raises CocoonError for a file without profiles, for
    `out` if it exists (unless `force`), and for everything that `load_foreign_profiles` does not accept.
    """
    _refuse_existing(out, force)
    profiles, report = load_foreign_profiles(kind, file, limit, skip_unreadable=skip_unreadable)
    if not profiles:
        raise CocoonError(_nothing_of(report))
    _write(out, profiles)
    _write_ledger(out, report)
    return report


def import_corpus_file(
    name: str,
    file: Path,
    out: Path,
    limit: int | None = None,
    *,
    column_map: ColumnMap | None = None,
    skip_unreadable: bool = False,
    force: bool = False,
) -> RepairReport:
    """Write the dialogues of a foreign corpus (the first `limit`) to `out`, one on each line, and return the repairs.

    The ledger of what was not taken over is written beside `out`. Raises CocoonError for a file without dialogues, for
    `out` if it exists (unless `force`), and for everything that `read_corpus` does not accept.
    """
    _refuse_existing(out, force)
    reading = read_corpus(name, file, limit, column_map=column_map, skip_unreadable=skip_unreadable)
    _write(out, _checked(reading))
    _write_ledger(out, reading.report)
    return reading.report


def ledger_path(out: Path) -> Path:
    """Return where the ledger of an import stands: beside the records."""
    return out.with_name(f"{out.name.removesuffix('.jsonl')}.ledger.json")


def _checked(reading: Reading) -> Iterator[Dialogue]:
    """Yield the dialogues of a reading. Raises CocoonError at the end if there was none, with what was left out."""
    yield from reading.dialogues
    if not reading.report.kept:
        raise CocoonError(_nothing_of(reading.report))


def _nothing_of(report: RepairReport) -> str:
    reasons = "; ".join(f"{number} left out: {reason}" for reason, number in report.left_out.items())
    return f"{report.file}: none of {report.read} records gave a record of ours ({reasons or 'the file has none'})"


def _refuse_existing(out: Path, force: bool) -> None:
    existing = next((path for path in (out, ledger_path(out)) if path.exists()), None)
    if existing is not None and not force:
        raise CocoonError(f"{existing}: already exists; give --force to replace it, or choose another -o")


def _write_ledger(out: Path, report: RepairReport) -> None:
    write_whole(ledger_path(out), [json.dumps(report.ledger(), ensure_ascii=False, indent=1).encode()])


def _write(out: Path, records: Iterable[Record]) -> None:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_whole(out, map(dump_line, records))
    except OSError as error:
        raise CocoonError(f"{out}: cannot be written ({error.strerror}); choose another -o") from None
