"""Files of one JSON value a line: read with errors that name the line, written whole or appended, never torn."""

import difflib
import errno
import hashlib
import os
from collections.abc import Iterable, Iterator
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, get_origin

import orjson
from pydantic import BaseModel, ValidationError

from cocoon.core.errors import CocoonError, NotSavedError
from cocoon.core.model_spec import without_secrets
from cocoon.core.outside.yaml_text import read_yaml

RecordT = TypeVar("RecordT", bound=BaseModel)
_BOM = b"\xef\xbb\xbf"


def read_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield (line number from 1, value) of a JSONL file. Blank lines are skipped.

    Raises CocoonError naming the file and the line of broken JSON or of bytes that are not UTF-8.
    """
    try:
        handle = path.open("rb")
    except OSError as error:
        raise CocoonError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    with handle:
        for number, line in enumerate(handle, 1):
            if line.removeprefix(_BOM).strip():
                yield number, parse_line(path, number, line)


def parse_line(path: Path, number: int, line: bytes) -> Any:
    """Return the value of a line. Raises CocoonError naming the file and the line."""
    try:
        return orjson.loads(line.removeprefix(_BOM) if number == 1 else line)
    except orjson.JSONDecodeError as error:
        raise CocoonError(
            f"{path}, line {number}: not JSON ({error}); each line must be one complete value; fix or remove this line"
        ) from None


def read_objects(path: Path, *keys: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number, object) of a JSONL file. Raises CocoonError for a line without a text under one of `keys`."""
    for number, value in read_lines(path):
        yield number, checked_object(value, f"{path}, line {number}", *keys)


def checked_object(value: Any, where: str, *keys: str) -> dict[str, Any]:
    """Return a JSON object that has a text under each of `keys`. Raises CocoonError that begins with `where`."""
    wrong = [key for key in keys if not isinstance(value, dict) or not isinstance(value.get(key), str)]
    if wrong:
        raise CocoonError(f"{where}: has no {wrong[0]!r}; fix or remove this line")
    return value


def read_records(path: Path, kind: type[RecordT]) -> Iterator[RecordT]:
    """Yield the records of a JSONL file. Raises CocoonError naming file, line, key and the nearest known key."""
    for number, value in read_lines(path):
        yield parse_record(value, kind, f"{path}, line {number}")


def parse_record(value: Any, kind: type[RecordT], where: str) -> RecordT:
    """One validated record, or a CocoonError in one line that begins with `where`."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise CocoonError(f"{where}: {explain(error, kind)}") from None


def read_json_record(file: Path, kind: type[RecordT], advice: str) -> RecordT | None:
    """Return the record that a JSON file is, or None where there is no file.

    Raises CocoonError that ends with `advice` for a file that cannot be read.
    """
    if not file.exists():
        return None
    try:
        value = orjson.loads(file.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise CocoonError(f"{file}: cannot be read ({error}); {advice}") from None
    return parse_record(value, kind, str(file))


def is_json(text: str | bytes) -> bool:
    """Return whether a text is one complete JSON value."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def read_yaml_record(file: Traversable, kind: type[RecordT]) -> RecordT:
    """Return the record of a YAML file. Raises CocoonError naming the file and the key at fault."""
    return parse_record(read_yaml(file), kind, str(file))


def explain(error: ValidationError, kind: type[BaseModel]) -> str:
    """Return the first problem of a validation error in plain words, with the key and, for a wrong key, the nearest."""
    first = error.errors(include_url=False)[0]
    key = ".".join(_short(str(part), 80) for part in first["loc"]) or "the whole record"
    if first["type"] == "extra_forbidden":
        return f"unknown key {key!r}{_nearest([str(part) for part in first['loc']], kind)}"
    if first["type"] == "missing":
        return f"key {key!r} is missing"
    value = without_secrets(repr(first.get("input")))
    return f"key {key!r}: {first['msg']} (found {_short(value, 60)})"


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."


def _nearest(place: list[str], kind: type[BaseModel]) -> str:
    """Return the nearest key beside a wrong one, or else the places of the nearest key elsewhere."""
    key, parents = _short(place[-1], 80), [part for part in place[:-1] if not part.isdecimal()]
    known = _known_keys(kind)
    beside = [name[-1] for name in known if [part for part in name[:-1] if part != "0"] == parents]
    close = difflib.get_close_matches(key, beside, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]!r}?"
    close = difflib.get_close_matches(key, sorted({name[-1] for name in known}), n=1, cutoff=0.5)
    elsewhere = list(dict.fromkeys(".".join(name) for name in sorted(known, key=len) if close == [name[-1]]))
    if elsewhere:
        return f"; did you mean {' or '.join(map(repr, elsewhere[:3]))}?"
    return f"; known keys: {', '.join(sorted({name[-1] for name in known}))}"


def _known_keys(kind: type[BaseModel], parents: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return every key with the keys above it, and the number of the first record in a list."""
    known = [(*parents, name) for name in kind.model_fields]
    for name, field in kind.model_fields.items():
        for part in getattr(field.annotation, "__args__", (field.annotation,)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                in_list = ("0",) if get_origin(field.annotation) is list else ()
                known += _known_keys(part, (*parents, name, *in_list))
    return known


def dump_line(value: Any) -> bytes:
    """Return one JSON value as a UTF-8 line. Records leave nothing out, so that equal records give equal bytes."""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS)


class Appender:
    """Appends to a file, unbuffered and whole: what a full disk cuts off is taken back, so that no line stays torn."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            drop_torn_tail(path)
            self._file: int | None = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise NotSavedError.at(path, error) from None

    def write(self, lines: bytes) -> None:
        """Append one or more lines. Raises NotSavedError when they cannot all be written."""
        if self._file is None:
            raise NotSavedError(f"{self.path}: is closed; run the same command again to go on")
        written = 0
        try:
            if (written := os.write(self._file, lines)) == len(lines):
                return
            problem = OSError(errno.ENOSPC, "no space left")
        except OSError as error:
            problem = error
        os.ftruncate(self._file, os.fstat(self._file).st_size - written)
        raise NotSavedError.at(self.path, problem)

    def close(self) -> None:
        """Close the file. Its number may then belong to another file, so nothing is written any more."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def write_whole(path: Path, lines: Iterable[bytes]) -> None:
    """Replace a file at once: written beside it, flushed to disk, renamed over it.

    Raises NotSavedError, leaving the file as it was, when there is no room.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("wb") as handle:
            handle.writelines(lines)
            handle.flush()
            os.fsync(handle.fileno())
        beside.replace(path)
    except OSError as error:
        raise NotSavedError.at(path, error) from None
    finally:
        # Also when `lines` end in an error.
        beside.unlink(missing_ok=True)


def file_sha(file: Path) -> str:
    """Return the SHA-256 of a file."""
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def drop_torn_tail(path: Path) -> None:
    """Cut what a killed process left of an unfinished last line, so that appending starts on a new one.

    A last line that is whole and lacks only its end (a file made by hand) gets it: nothing of it is lost.
    """
    if not path.exists():
        return
    with path.open("rb+") as handle:
        keep = _end_of_last_line(handle)
        handle.seek(keep)
        if _is_whole(tail := handle.read()):
            handle.write(b"\n")
        elif tail:
            handle.truncate(keep)


def _end_of_last_line(handle: BinaryIO) -> int:
    keep = handle.seek(0, os.SEEK_END)
    while keep > 0:
        step = min(65536, keep)
        handle.seek(keep - step)
        newline = handle.read(step).rfind(b"\n")
        if newline >= 0:
            return keep - step + newline + 1
        keep -= step
    return 0


def _is_whole(tail: bytes) -> bool:
    """Return whether it is a JSON object: no beginning of one is one."""
    try:
        return isinstance(orjson.loads(tail.removeprefix(_BOM)), dict)
    except orjson.JSONDecodeError:
        return False
