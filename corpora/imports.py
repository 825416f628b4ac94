"""Read foreign profiles or dialogues and write them as records of ours, with a report of every repair."""

from collections.abc import Iterable
from pathlib import Path

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import dump_line, write_whole
from cocoon.core.records import Record
from cocoon.corpora.dialogue_loaders import read_corpus
from cocoon.corpora.profile_loaders import load_foreign_profiles
from cocoon.corpora.reading.repair import RepairReport


def import_profile_file(
    kind: str, file: Path, out: Path, limit: int | None = None, *, force: bool = False
) -> RepairReport:
    """Write the profiles of a foreign file (the first `limit`) to `out`, one on each line, and return the repairs.

    Raises CocoonError for a file without profiles, for `out` if it exists (unless `force`), and for everything that
    `load_foreign_profiles` does not accept.
    """
    _refuse_existing(out, force)
    profiles, report = load_foreign_profiles(kind, file, limit)
    if not profiles:
        raise CocoonError(f"{file}: has no profile")
    _write(out, profiles)
    return report


def import_corpus_file(
    name: str, file: Path, out: Path, limit: int | None = None, *, force: bool = False
) -> RepairReport:
    """Write the dialogues of a foreign corpus (the first `limit`) to `out`, one on each line, and return the repairs.

    Raises CocoonError for `out` if it exists (unless `force`), and for everything that `read_corpus` does not accept.
    """
    _refuse_existing(out, force)
    reading = read_corpus(name, file, limit)
    _write(out, reading.dialogues)
    return reading.report


def _refuse_existing(out: Path, force: bool) -> None:
    if out.exists() and not force:
        raise CocoonError(f"{out}: already exists; give --force to replace it, or choose another -o")


def _write(out: Path, records: Iterable[Record]) -> None:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_whole(out, map(dump_line, records))
    except OSError as error:
        raise CocoonError(f"{out}: cannot be written ({error.strerror}); choose another -o") from None
