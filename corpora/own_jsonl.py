"""Our own profile records, a JSON object a line, read strictly: nothing is mended."""

from collections.abc import Iterator
from pathlib import Path

from cocoon.core.jsonl import parse_record, read_lines
from cocoon.core.records import Profile
from cocoon.corpora.foreign_file import check_texts
from cocoon.corpora.repair import RepairNote


def load(path: Path) -> Iterator[tuple[str, Profile, list[RepairNote]]]:
    """Yield (where, profile, no repairs) of each line; raises CocoonError naming file, line and key."""
    for number, value in read_lines(path):
        where = f"{path}, line {number}"
        check_texts(value, where)
        yield where, parse_record(value, Profile, where), []
