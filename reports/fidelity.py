"""From run folders to the fidelity report, and to the files that hold it."""

import os
from collections.abc import Sequence
from pathlib import Path

from cocoon.core.errors import CocoonError
from cocoon.core.records import Dialogue, Rating
from cocoon.evaluation.facts import facts_of
from cocoon.evaluation.fidelity.likeness.records import Reference
from cocoon.evaluation.fidelity.users import user_facts
from cocoon.reports.formats.files import write_report_files
from cocoon.reports.origin import origin_warnings
from cocoon.reports.reference import hold_against, keep_reference, measure_people, read_reference
from cocoon.reports.tables.fidelity import SimulatedRun, fidelity_report
from cocoon.reports.tables.records import Report
from cocoon.reports.tables.replies import reply_warnings
from cocoon.running.folder import existing_run, read_run


def fidelity_of(runs: Sequence[Path], against: tuple[str, Path] | None = None) -> Report:
    """Return the report of one run or several, held against the people of a corpus (its name and file) if given.

    The figures of the corpus are kept in each run that can be written to. Without `against`, those that a run has are
    used. Raises CocoonError for a run given twice or without dialogues.
    """
    paths = [run.resolve() for run in runs]
    for path, run in zip(paths, runs, strict=True):
        if paths.count(path) > 1:
            raise CocoonError(f"{run}: is given twice; name another run, or one alone")
        existing_run(run)
    reference = measure_people(*against) if against else None
    simulated = [_read(run, reference) for run in runs]
    odd_replies = [f"{run.name}: {warning}" for run in simulated for warning in reply_warnings(run.dialogues.values())]
    return fidelity_report(simulated, [*origin_warnings(runs), *odd_replies])


def _read(run: Path, reference: Reference | None) -> SimulatedRun:
    if reference is not None and os.access(run, os.W_OK):
        keep_reference(run, reference)
    reference = reference or read_reference(run)
    simulated = SimulatedRun(str(run), [], {}, list(read_run(run, "ratings.jsonl", Rating)))
    simulated.against = hold_against(run, reference) if reference else None
    for dialogue in read_run(run, "dialogues.jsonl", Dialogue):
        simulated.users.append(user_facts(dialogue))
        simulated.dialogues[dialogue.id] = facts_of(dialogue)
    return simulated


def write_fidelity(report: Report, out: Path) -> None:
    """Write fidelity.md, fidelity.html and tables/*.csv into a folder, made if it is not there."""
    write_report_files(report, out, "fidelity")
