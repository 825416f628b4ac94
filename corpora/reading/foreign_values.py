"""Read the records of a file of any kind as a stream: JSON, JSON lines, CSV, TSV, Parquet, Inspect's logs, gzip."""

import csv
import json
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import orjson

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import is_json
from cocoon.corpora.reading.foreign_text import (
    LONGEST_LINE,
    MOST_BYTES,
    encoding_of,
    head_of,
    lines_of,
    open_text,
    read_text,
    readable,
)
from cocoon.corpora.reading.json_list import elements
from cocoon.corpora.reading.parquet_rows import read_parquet_rows

ROWS = ""
"""The key under which rows of one dialogue stand together. It is in no file, so that no ledger counts it."""
_CHUNK = 1 << 20
_DELIMITERS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
_OTHER_DELIMITERS = (";", "\t", "|", ",")
_SAMPLES = "samples/"
_ZIP, _PARQUET = b"PK\x03\x04", b"PAR1"


def each_value(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield (where, value) for each record of a file as a stream.

    A record that cannot be read is yielded as the CocoonError that says why, where reading can go on after it.
    """
    with readable(path):
        head = head_of(path)
        if head == _PARQUET or path.suffix.lower() == ".parquet":
            yield from ((f"{path}, row {number}", row) for number, row in enumerate(read_parquet_rows(path), 1))
        elif head == _ZIP:
            yield from _log_samples(path)
        elif table_suffix(path) is not None:
            yield from _table_rows(path)
        else:
            yield from _json_values(path)


def values(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield (where, value) for each record of a file. Raises the CocoonError of a record that cannot be read."""
    for where, value in each_value(path):
        if isinstance(value, CocoonError):
            raise value
        yield where, value


def table_suffix(path: Path) -> str | None:
    """Return `.csv`, `.tsv` or `.tab` for a file that is named so, packed with gzip or not, else None."""
    name = path.name.lower().removesuffix(".gz")
    return next((suffix for suffix in _DELIMITERS if name.endswith(suffix)), None)


def _json_values(path: Path) -> Iterator[tuple[str, Any]]:
    encoding = encoding_of(path)
    first, more = _first_line(path, encoding)
    if not first:
        raise CocoonError(f"{path}: is empty")
    if first.lstrip().startswith("[") and not (more and is_json(first)):
        with open_text(path, encoding) as file:
            yield from elements(file, str(path))
    elif is_json(first):
        yield from _json_lines(path, encoding)
    else:
        yield f"{path}, record 1", _parse(read_text(path), str(path))


def _first_line(path: Path, encoding: str) -> tuple[str, bool]:
    """Return the first line with text, of a long list only its beginning, and whether a line with text follows it."""
    with open_text(path, encoding) as file:
        first = next((line for line in iter(lambda: file.readline(_CHUNK), "") if line.strip()), "")
        if not first.endswith("\n") and not first.lstrip().startswith("["):
            first += file.readline(LONGEST_LINE)
        more = first.endswith("\n") and any(line.strip() for line in iter(lambda: file.readline(_CHUNK), ""))
    return first, more


def _json_lines(path: Path, encoding: str) -> Iterator[tuple[str, Any]]:
    with open_text(path, encoding) as file:
        for number, line in enumerate(lines_of(file, path), 1):
            if line.strip():
                where = f"{path}, line {number}"
                try:
                    yield where, _parse(line, where)
                except CocoonError as error:
                    yield where, error


def _parse(text: str, where: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        location = where if ", line " in where else f"{where}, line {error.lineno}"
        raise CocoonError(f"{location}: not JSON ({error.msg}); fix this line") from None


def _table_rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    encoding = encoding_of(path)
    with open_text(path, encoding) as file:
        delimiter = _delimiter(file.readline(LONGEST_LINE), _DELIMITERS[table_suffix(path) or ".csv"])
    with open_text(path, encoding) as file:
        # Without the strict rules a quotation mark that never closes would take in the rest of the file.
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        try:
            columns = _columns(next(reader, []), path)
            for cells in reader:
                if not any(cell.strip() for cell in cells):
                    continue
                where = f"{path}, line {reader.line_num}"
                if len(cells) > len(columns):
                    raise CocoonError(
                        f"{where}: has {len(cells)} cells, but the table has {len(columns)} columns; put text with a "
                        "delimiter in it into quotation marks"
                    )
                yield where, dict(zip(columns, [*cells, *[""] * (len(columns) - len(cells))], strict=True))
        except csv.Error as error:
            raise CocoonError(f"{path}, line {reader.line_num}: not a table row ({error}); fix this row") from None


def _delimiter(header: str, usual: str) -> str:
    """Return what stands between the columns: the usual sign, or another one where only that is in the header."""
    return usual if usual in header else next((sign for sign in _OTHER_DELIMITERS if sign in header), usual)


def _columns(cells: list[str], path: Path) -> list[str]:
    names = [cell.strip() or f"column {number}" for number, cell in enumerate(cells, 1)]
    if not any(cell.strip() for cell in cells):
        raise CocoonError(f"{path}: is empty")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise CocoonError(f"{path}: has two columns named {twice!r}; rename one of them")
    return names


def _log_samples(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield the samples of an Inspect log, which is a zip archive."""
    # Registers the compression of recent logs with zipfile, where it is installed.
    with suppress(ImportError):
        import_module("zipfile_zstd")
    try:
        with zipfile.ZipFile(path) as archive:
            names = [entry for entry in archive.infolist() if entry.filename.startswith(_SAMPLES)]
            if "xl/workbook.xml" in archive.namelist():
                raise CocoonError(f"{path}: is an Excel file; save its sheet as CSV")
            if not names:
                raise CocoonError(f"{path}: is a zip archive without Inspect's samples; unpack it first")
            for entry in names:
                if entry.file_size > MOST_BYTES:
                    raise CocoonError(f"{path}, {entry.filename}: is larger than {MOST_BYTES} bytes unpacked")
                where = f"{path}, {entry.filename}"
                yield where, _sample(archive.read(entry).decode("utf-8", "replace"), where)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise CocoonError(
            f"{path}: cannot be unpacked ({error}); convert it with `inspect log convert --to json`"
        ) from None


def _sample(text: str, where: str) -> Any:
    """Return the value of a sample. A score that is missing is written as NaN, which is no JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        return CocoonError(f"{where}: not JSON ({error}); leave this sample out")


def inner_values(path: Path, keys: Sequence[str], noun: str) -> Iterator[tuple[str, Any]]:
    """Yield the records of a file, and in place of an object with a list under one of the keys those of the list."""
    for where, value in each_value(path):
        fields = value if isinstance(value, dict) else {}
        inner = next((fields[key] for key in keys if isinstance(fields.get(key), list)), None)
        if inner is None:
            yield where, value
        else:
            yield from ((f"{path}, {noun} {number}", item) for number, item in enumerate(inner, 1))


def text_of_json(text: str) -> Any:
    """Return the value of a text that is a JSON object or list, else the text itself (a cell of an exported table)."""
    if text.lstrip()[:1] not in ("{", "["):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
