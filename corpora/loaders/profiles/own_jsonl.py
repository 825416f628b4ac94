"""Read our own profile records, one JSON object per line, strictly and without any repair."""

from collections.abc import Iterator
from pathlib import Path

from cocoon.core.jsonl import parse_record, read_lines
from cocoon.core.records import Profile
from cocoon.corpora.reading.foreign_file import check_texts
from cocoon.corpora.reading.repair import ReadProfile


def load_own_jsonl(path: Path) -> Iterator[ReadProfile]:
    """Yield the profile of each line.

    Raises CocoonError naming the file, the line and the key that cannot be read.
    """
    for number, value in read_lines(path):
        where = f"{path}, line {number}"
        check_texts(value, where)
        yield ReadProfile(where, parse_record(value, Profile, where))
