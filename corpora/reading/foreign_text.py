"""Read foreign files as texts in any common encoding, packed with gzip or not."""

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from cocoon.core.errors import CocoonError

ENCODINGS = ("utf-8", "gb18030")
LONGEST_LINE = 64 << 20
"""Characters of a line at most. A packed file of a few kilobytes may hold a line of gigabytes."""
MOST_BYTES = 1 << 30
"""Bytes of a record that is read at once, unpacked, at most."""
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_GZIP = b"\x1f\x8b"
_CHUNK = 1 << 20


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn the errors of a file that cannot be opened or unpacked into a CocoonError with advice."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CocoonError(f"{path}: cannot be unpacked ({error}); download it again, or unpack it yourself") from None
    except OSError as error:
        raise CocoonError(f"{path}: cannot be read ({error.strerror}); check the path") from None


def head_of(path: Path, size: int = 4) -> bytes:
    """Return the first bytes of a file, unpacked. Raises CocoonError for a file that cannot be read."""
    with readable(path), open_bytes(path) as file:
        return file.read(size)


def open_bytes(path: Path) -> gzip.GzipFile | io.BufferedReader:
    """Open a file for reading, and unpack it where it is packed with gzip."""
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
    return gzip.open(path) if packed else path.open("rb")


def open_text(path: Path, encoding: str) -> TextIO:
    """Open a file as text, with the ends of its lines as they are."""
    return io.TextIOWrapper(open_bytes(path), encoding=encoding, newline="\n")


def lines_of(file: TextIO, path: Path) -> Iterator[str]:
    """Yield the lines of a file. Raises CocoonError for a line that is too long to be a record."""
    while line := file.readline(LONGEST_LINE):
        if len(line) >= LONGEST_LINE:
            raise CocoonError(f"{path}: has a line of more than {LONGEST_LINE} characters; split the file into records")
        yield line


def encoding_of(path: Path) -> str:
    """Return the encoding of a file by its byte order mark, else the first of UTF-8 and GB 18030 that reads all of it.

    Raises CocoonError for a file that cannot be read or that has another encoding.
    """
    head = head_of(path)
    marked_encoding = next((name for bom, name in _BOMS if head.startswith(bom)), None)
    for name in [marked_encoding] if marked_encoding else ENCODINGS:
        if _decodes(path, name):
            return name
    line = _first_other_line(path)
    raise CocoonError(f"{path}, line {line}: has bytes that are neither UTF-8, UTF-16 nor GB 18030; save it as UTF-8")


def _first_other_line(path: Path) -> int:
    """Return the number of the first line that is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    number = 1
    with readable(path), open_bytes(path) as file:
        while chunk := file.read(_CHUNK):
            try:
                number += decoder.decode(chunk).count("\n")
            except UnicodeDecodeError as error:
                return number + chunk[: error.start].count(b"\n")
    return number


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with readable(path), open_bytes(path) as file:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def texts(path: Path, pattern: str) -> Iterator[tuple[str, Path, str]]:
    """Yield (where, file, text) for a file, or for the files of a folder that match the pattern.

    The files of a folder are ordered by the numbers in their names.
    """
    for file in files_of(path, pattern):
        yield str(file), file, read_text(file)


def files_of(path: Path, pattern: str) -> list[Path]:
    """Return a file, or the files within a folder that match the pattern, ordered by the numbers in their names."""
    files = sorted(path.glob(pattern), key=_number) if path.is_dir() else [path]
    if not files:
        raise CocoonError(f"{path}: has no file {pattern}; give the folder of the corpus")
    return files


def _number(path: Path) -> tuple[str, int, str]:
    digits = "".join(character for character in path.stem if character.isdigit())
    return str(path.parent), int(digits) if digits else 0, path.name


def read_text(path: Path) -> str:
    """Return the text of a file. Raises CocoonError for a file that cannot be read."""
    encoding = encoding_of(path)
    with readable(path), open_bytes(path) as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise CocoonError(f"{path}: is one record of more than {MOST_BYTES} bytes; write one record on each line")
    return content.decode(encoding)
