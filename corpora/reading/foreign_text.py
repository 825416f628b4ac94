"""Read foreign files as JSON values or plain texts in any common encoding, as a stream where possible."""

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import is_json
from cocoon.corpora.reading.json_list import elements

ENCODINGS = ("utf-8", "gb18030")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_CHUNK = 1 << 20


def encoding_of(path: Path) -> str:
    """Return the encoding of a file by its byte order mark, else the first of UTF-8 and GB 18030 that reads all of it.

    Raises CocoonError for a file that cannot be read or that has another encoding.
    """
    try:
        with path.open("rb") as file:
            head = file.read(4)
        marked_encoding = next((name for bom, name in _BOMS if head.startswith(bom)), None)
        for name in [marked_encoding] if marked_encoding else ENCODINGS:
            if _decodes(path, name):
                return name
    except OSError as error:
        raise CocoonError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    raise CocoonError(f"{path}: is neither UTF-8, UTF-16 nor GB 18030; save it as UTF-8")


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
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
    files = sorted(path.glob(pattern), key=_number) if path.is_dir() else [path]
    if not files:
        raise CocoonError(f"{path}: has no file {pattern}; give the folder of the corpus")
    for file in files:
        yield str(file), file, _read(file)


def _number(path: Path) -> tuple[int, str]:
    digits = "".join(character for character in path.stem if character.isdigit())
    return int(digits) if digits else 0, path.name


def _read(path: Path) -> str:
    encoding = encoding_of(path)
    try:
        return path.read_text(encoding)
    except OSError as error:
        raise CocoonError(f"{path}: cannot be read ({error.strerror}); check the path") from None


def values(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield (where, value) for each record as a stream, from one JSON object per line or from a JSON list.

    A file with one object is read at once. Raises CocoonError with the line or record for anything that is not JSON.
    """
    encoding = encoding_of(path)
    with path.open(encoding=encoding, newline="\n") as file:
        first = next((line for line in file if line.strip()), "")
    if not first:
        raise CocoonError(f"{path}: is empty")
    if first.lstrip().startswith("{") and is_json(first):
        yield from _lines(path, encoding)
        return
    if first.lstrip().startswith("["):
        with path.open(encoding=encoding, newline="\n") as file:
            yield from elements(file, str(path))
        return
    yield f"{path}, record 1", _parse(_read(path), str(path))


def _lines(path: Path, encoding: str) -> Iterator[tuple[str, Any]]:
    with path.open(encoding=encoding, newline="\n") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                where = f"{path}, line {number}"
                yield where, _parse(line, where)


def _parse(text: str, where: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        location = where if ", line " in where else f"{where}, line {error.lineno}"
        raise CocoonError(f"{location}: not JSON ({error.msg}); fix this line") from None
