"""Read files with one record per line by the dialogue they belong to, without keeping the text, at any size.

The files may grow while they are read.
"""

import zlib
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import checked_object, is_json

_TAIL = 64
_BOM = b"\xef\xbb\xbf"


class LineIndex:
    """The positions of the lines of each dialogue in a file. `refresh` adds the lines that were appended since.

    `key` names the field by which lines are found. `places` maps its values to the offset and checksum of each line, in
    turn (a tenth of the memory of pairs). `checked` returns a value as it is, and
    raises CocoonError where it is wrong. A file that was rewritten (another file under its name, or other text where
    reading stopped) is read again from the start. A torn last line is left for the next time. A missing file is empty.
    """

    def __init__(self, path: Path, key: str, checked: Callable[[Any, str], Any] | None = None) -> None:
        self.path = path
        self.key = key
        self._checked = checked
        self.places: dict[str, array[int]] = {}
        self._read = 0
        self._tail = b""
        self._file: tuple[int, int] | None = None

    def mark(self, name: str) -> frozenset[int]:
        """Return the checksums of the lines of a dialogue, which do not change when the file is reordered."""
        return frozenset(self.places.get(name, ())[1::2])

    def refresh(self) -> None:
        """Add the new lines.

        Raises CocoonError for a line that is not a record.
        """
        try:
            handle = self.path.open("rb")
        except FileNotFoundError:
            self._forget()
            return
        except OSError as error:
            raise CocoonError(f"{self.path}: cannot be read ({error.strerror}); check the path") from None
        with handle:
            if self._rewritten(handle):
                self._forget()
            handle.seek(self._read)
            for line in handle:
                if not line.endswith(b"\n") and not is_json(line):
                    break
                self._note(line)
                self._read += len(line)
                self._tail = line[-_TAIL:]

    def _rewritten(self, handle: BinaryIO) -> bool:
        stat = self.path.stat()
        known_file, self._file = self._file, (stat.st_dev, stat.st_ino)
        handle.seek(max(self._read - len(self._tail), 0))
        return known_file != self._file or handle.read(len(self._tail)) != self._tail

    def _note(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            name = checked_object(orjson.loads(line.removeprefix(_BOM)), "", self.key)[self.key]
        except (orjson.JSONDecodeError, CocoonError):
            number = sum(map(len, self.places.values())) // 2 + 1
            raise CocoonError(f"{self.path}: record {number} has no {self.key!r}; fix or remove that line") from None
        if name not in self.places:
            self.places[name] = array("q")
        self.places[name].extend((self._read, zlib.crc32(line.rstrip())))

    def _forget(self) -> None:
        self.places, self._read, self._tail = {}, 0, b""

    def of(self, name: str) -> Iterator[Any]:
        """Yield the values of one dialogue, in the order of the file."""
        if name not in self.places:
            return
        with self.path.open("rb") as handle:
            for offset in self.places[name][::2]:
                handle.seek(offset)
                value = orjson.loads(handle.readline().removeprefix(_BOM))
                yield self._checked(value, f"{self.path}: {name!r}") if self._checked else value
