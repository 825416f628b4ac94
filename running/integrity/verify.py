"""`verify`: whether a run folder is as it was made, from the journal to dialogues, ratings and report."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cocoon.core.errors import CocoonError
from cocoon.core.outside.events import checked_event
from cocoon.core.records import Dialogue, Profile, Record
from cocoon.models.journal.reader import opened_journal
from cocoon.running.folder import JOURNAL, read_config
from cocoon.running.integrity.journal_check import CheckedJournal, check_journal, report_lost
from cocoon.running.integrity.record_check import check_ratings, check_records, lines_of, report_lost_calls
from cocoon.running.integrity.records import Verification
from cocoon.running.integrity.report_sources import later_sources, read_sources
from cocoon.running.integrity.sealing import file_sha
from cocoon.running.manifest import RunManifest, read_manifest
from cocoon.running.sample import read_sample

_KINDS: dict[str, type[Record]] = {"dialogues.jsonl": Dialogue, "profiles.jsonl": Profile}


def verify_run(run: Path) -> Verification:
    """Return what is not as it was made in a run folder, and what cannot be checked. Nothing is written.

    Raises CocoonError for a folder that has no run, and for one that a process is working on.
    """
    if not any((run / name).exists() for name in (*_KINDS, JOURNAL, "manifest.json")):
        raise CocoonError(f"{run}: has no run. Give a folder that a command wrote.")
    result = Verification(path=str(run))
    with nobody_at_work(run):
        manifest = _manifest(run, result)
        killed = _killed(run, manifest, result)
        try:
            with opened_journal(run / JOURNAL) as reader:
                journal = check_journal(reader, result) if reader else None
                _check_files(run, journal, killed, result)
        except (CocoonError, sqlite3.Error) as error:
            result.add(JOURNAL, str(error).removeprefix(f"{run / JOURNAL}: "))
            _check_files(run, None, killed, result)
        if not (run / JOURNAL).exists():
            _no_journal(manifest, result)
    _check_report(run, result)
    return result


@contextmanager
def nobody_at_work(run: Path) -> Iterator[None]:
    """Keep every process from starting to work on a run inside the block. Raises CocoonError where one is working."""
    lock = os.open(run / ".lock", os.O_RDONLY) if (run / ".lock").exists() else None
    try:
        try:
            if lock is not None:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CocoonError(f"{run}: a process is working on this run; wait until it has ended") from None
        yield
    finally:
        if lock is not None:
            os.close(lock)


def _manifest(run: Path, result: Verification) -> RunManifest | None:
    try:
        return read_manifest(run)
    except CocoonError as error:
        result.add("manifest.json", str(error).removeprefix(f"{run / 'manifest.json'}: "))
        return None


def _killed(run: Path, manifest: RunManifest | None, result: Verification) -> bool:
    """Return whether the last session did not come to its end, and note what follows from that."""
    sessions = manifest.sessions if manifest else []
    if again := sum(session.paid_again for session in sessions):
        result.add(JOURNAL, f"{again} calls were paid for again, because their answers had been lost")
    if not sessions or sessions[-1].ended is not None:
        return False
    log = " Keep journal.sqlite-wal with journal.sqlite." if (run / f"{JOURNAL}-wal").exists() else ""
    result.notes.append(f"the last session was killed; the same command goes on and puts the files in order.{log}")
    return True


def _no_journal(manifest: RunManifest | None, result: Verification) -> None:
    if manifest is not None and manifest.sessions:
        result.add(JOURNAL, "is missing, and the run had one")
    result.unchecked.append("there is no journal, so there are no hashes to hold the files against")


def _check_files(run: Path, journal: CheckedJournal | None, killed: bool, result: Verification) -> None:
    dropped = {str(line.get("id")) for _, line in lines_of(run / "dropped.jsonl", result) if isinstance(line, dict)}
    # A file with a seal of its own holds what the run was given, and no records that it made.
    whole = journal.reader.seals("file") if journal else {}
    records = {
        name: check_records(run / name, kind, journal, dropped, result)
        for name, kind in _KINDS.items()
        if name not in whole and ((run / name).exists() or journal)
    }
    dialogues = records.get("dialogues.jsonl")
    ratings = check_ratings(run / "ratings.jsonl", dialogues, journal, result) if dialogues else []
    if journal is not None:
        # Without settings the run only judged: its dialogues were made elsewhere, where their calls are.
        made = list(dialogues.dialogues.values()) if dialogues and (run / "config.yaml").exists() else []
        report_lost_calls("dialogues.jsonl", made, journal, result)
        report_lost_calls("ratings.jsonl", ratings, journal, result)
    _check_trace(run, journal, result)
    _check_whole_files(run, journal, killed, result)


def _check_trace(run: Path, journal: CheckedJournal | None, result: Verification) -> None:
    named: list[tuple[str, str]] = []
    for number, event in lines_of(run / "trace.jsonl", result):
        try:
            checked_event(event, "")
        except CocoonError as error:
            result.add("trace.jsonl", str(error).removeprefix(": "), f"line {number}")
            continue
        if event["event"] == "call":
            named.append((event["dialogue"], event["call"]))
    if journal is not None:
        report_lost(journal, "trace.jsonl", named, result)


def _check_whole_files(run: Path, journal: CheckedJournal | None, killed: bool, result: Verification) -> None:
    for reads, name in ((read_config, "config.yaml"), (read_sample, "sample.json")):
        try:
            reads(run)
        except CocoonError as error:
            result.add(name, str(error).removeprefix(f"{run / name}: "))
    lines_of(run / "failures.jsonl", result)
    seals = journal.reader.seals("file") if journal and not killed else {}
    for name, seal in sorted(seals.items()):
        file = run / name
        if not file.is_file():
            result.add(name, "is missing")
        elif file_sha(file) != seal.sha:
            result.add(name, "was changed after the last session ended")
    result.count("files", len(seals))
    if journal is not None and not seals and not killed:
        result.unchecked.append("manifest, settings, trace and failures have no hash (made before release 0.2)")


def _check_report(run: Path, result: Verification) -> None:
    try:
        sources = read_sources(run)
    except CocoonError as error:
        result.add("report_sources.json", str(error).removeprefix(f"{run / 'report_sources.json'}: "))
        return
    if sources is None:
        if (run / "report.md").exists():
            result.unchecked.append("report.md: it is not known what it was made of; make the report again")
        return
    for name, sha in sources.written.items():
        file = run / name
        if not file.is_file() or file_sha(file) != sha:
            result.add(name, "was changed after the report was made" if file.is_file() else "is missing")
    if later := later_sources(run, sources):
        result.add("report.md", f"is older than its run ({', '.join(later)} changed since); make the report again")
    result.count("files of the report", len(sources.written))
