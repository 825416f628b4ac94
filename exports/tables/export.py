"""Write a run as tidy tables, one file each, all of them or none."""

from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import parse_record
from cocoon.core.records import Failure
from cocoon.exports.file import refuse_existing, whole_file
from cocoon.exports.material import materials
from cocoon.exports.tables.columns import TABLES
from cocoon.exports.tables.files import FORMATS, TableFile
from cocoon.exports.tables.rows import failure_row, rows_of
from cocoon.running.reading.reader import RunReader


def export_tables(run: RunReader, out: Path, form: str, *, force: bool = False) -> dict[Path, int]:
    """Write the tables into the folder `out` as `csv` or `parquet`, and return the files with their numbers of rows."""
    run.refresh()
    if not run.names():
        raise CocoonError(f"{run.path}: has no dialogue to export")
    paths = {name: out / f"{name}.{form}" for name in TABLES}
    for path in paths.values():
        refuse_existing(path, force=force)
    counts: Counter[str] = Counter()
    with ExitStack() as stack:
        partials = {name: stack.enter_context(whole_file(path)) for name, path in paths.items()}
        files = {name: FORMATS[form](partial, TABLES[name]) for name, partial in partials.items()}
        for name in files:
            stack.callback(files[name].close)
        _fill(run, files, counts)
    return {path: counts[name] for name, path in paths.items()}


def _fill(run: RunReader, files: dict[str, TableFile], counts: Counter[str]) -> None:
    journal = run.journal is not None and run.journal.exists()
    for material in materials(run):
        for table, row in rows_of(material, run.scales, journal=journal):
            files[table].add(row)
            counts[table] += 1
    for name in run.failures.places:
        if name not in run.dialogues.places:
            for line in run.failures.of(name):
                files["failures"].add(failure_row(parse_record(line, Failure, f"{run.failures.path}: {name!r}")))
                counts["failures"] += 1
