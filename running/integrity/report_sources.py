"""What a report was made of, kept beside it, so that a report older than its run is told."""

from collections.abc import Sequence
from pathlib import Path

import orjson

from cocoon.core.jsonl import file_sha, read_json_record, write_whole
from cocoon.core.records import Record

SOURCES = "report_sources.json"
_READ = ("dialogues.jsonl", "ratings.jsonl", "failures.jsonl", "people.jsonl", "reference.json")


class ReportSources(Record):
    """SHA-256 of the files that a report was made of, and of the files that it was written into, by their paths."""

    made_of: dict[str, str]
    written: dict[str, str]


def keep_sources(run: Path, out: Path, written: Sequence[Path]) -> None:
    """Keep what the report of a run was made of, beside the report in `out`."""
    sources = ReportSources(
        made_of={file.name: file_sha(file) for file in _sources(run)},
        written={str(file.relative_to(out)): file_sha(file) for file in sorted(written)},
    )
    write_whole(out / SOURCES, [orjson.dumps(sources.model_dump(), option=orjson.OPT_INDENT_2), b"\n"])


def read_sources(out: Path) -> ReportSources | None:
    """Return what the report in a folder was made of, or None. Raises CocoonError for a file that cannot be read."""
    return read_json_record(out / SOURCES, ReportSources, "make the report again")


def later_sources(run: Path, sources: ReportSources) -> list[str]:
    """Return the files of a run that are other ones than its report was made of."""
    now = {file.name: file_sha(file) for file in _sources(run)}
    return sorted(name for name in now.keys() | sources.made_of.keys() if now.get(name) != sources.made_of.get(name))


def _sources(run: Path) -> list[Path]:
    files = [*(run / name for name in _READ), *sorted((run / "scales").glob("[!.]*.yaml"))]
    return [file for file in files if file.is_file()]
