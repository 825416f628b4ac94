"""Files of one record a line, read by what they belong to, without holding their text: any size, growing."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from cocoon.core.errors import CocoonError


class LineIndex:
    """Where the lines of each dialogue stand in a file; `refresh` takes in what was appended since.

    `key` names the field by which lines are found. A file that was rewritten (shorter, or another one under its name)
    is read anew. A torn last line is left for the next time. A file that is not there is empty.
    """

    def __init__(self, path: Path, key: str) -> None:
        self.path = path
        self.key = key
        self.places: dict[str, list[int]] = {}
        self._read = 0
        self._file: tuple[int, int] | None = None
        self._head = 0

    def refresh(self) -> bool:
        """Whether anything changed."""
        try:
            handle = self.path.open("rb")
        except FileNotFoundError:
            return self._forget()
        except OSError as error:
            raise CocoonError(f"{self.path}: cannot be read ({error.strerror}); check the path") from None
        with handle:
            head = zlib.crc32(handle.read(256))
            size = handle.seek(0, 2)
            if size < self._read or (self._read >= 256 and head != self._head):
                self._forget()
            self._head = head
            before = self._read
            handle.seek(self._read)
            for line in handle:
                if not line.endswith(b"\n") and not _whole(line):
                    break
                self._note(line)
                self._read += len(line)
            return self._read != before

    def _note(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            name = orjson.loads(line)[self.key]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            number = sum(map(len, self.places.values())) + 1
            raise CocoonError(f"{self.path}: record {number} has no {self.key!r}; mend or remove that line") from None
        self.places.setdefault(str(name), []).append(self._read)

    def _forget(self) -> bool:
        changed = bool(self.places)
        self.places, self._read = {}, 0
        return changed

    def of(self, name: str) -> Iterator[Any]:
        """The values of one dialogue, in the order of the file."""
        if name not in self.places:
            return
        with self.path.open("rb") as handle:
            for place in self.places[name]:
                handle.seek(place)
                yield orjson.loads(handle.readline())


def _whole(line: bytes) -> bool:
    """Whether a last line without an end is a value all the same."""
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True
