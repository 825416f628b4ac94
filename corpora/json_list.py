"""A JSON list read element by element, so that a file of any size takes the memory of its longest element."""

import json
from collections.abc import Iterator
from typing import Any, TextIO

import orjson

from cocoon.core.errors import CocoonError

_CHUNK = 1 << 20
_SPACE = " \t\r\n"
_AFTER = {*_SPACE, ",", "]"}
# An error this far before the end of what was read is none of being cut off there.
_NEAR = 64


def elements(file: TextIO, path: str) -> Iterator[tuple[str, Any]]:
    """(where, value) of each element of the list that a file holds; CocoonError with the line of what is no JSON."""
    window = _Window(file, path)
    window.take("[")
    if window.peek() == "]":
        window.take("]")
    else:
        number = 0
        while True:
            number += 1
            yield f"{path}, record {number}", window.value()
            if window.take(",]") == "]":
                break
    if window.peek():
        raise window.error("unexpected content after document", window.at)


class _Window:
    """The part of the file that is being parsed: `text` from `at` on; `lines` were left behind."""

    def __init__(self, file: TextIO, path: str) -> None:
        self.file, self.path = file, path
        self.text, self.at, self.lines = "", 0, 1
        self.decoder = json.JSONDecoder()

    def more(self) -> bool:
        """Read on, at least as much as there is, and forget what is behind; whether there was more."""
        found = self.file.read(max(_CHUNK, len(self.text) - self.at))
        if not found:
            return False
        self.lines += self.text.count("\n", 0, self.at)
        self.text, self.at = self.text[self.at :] + found, 0
        return True

    def peek(self) -> str:
        """The next character that is no space, empty at the end of the file."""
        while True:
            while self.at < len(self.text) and self.text[self.at] in _SPACE:
                self.at += 1
            if self.at < len(self.text) or not self.more():
                return self.text[self.at : self.at + 1]

    def take(self, wanted: str) -> str:
        """The next character, which has to be one of `wanted`."""
        found = self.peek()
        if not found or found not in wanted:
            raise self.error(f"expected {' or '.join(wanted)}", self.at)
        self.at += 1
        return found

    def value(self) -> Any:
        """The next value, by orjson's rules."""
        self.peek()
        end = self._end()
        try:
            found = orjson.loads(self.text[self.at : end])
        except orjson.JSONDecodeError as error:
            raise self.error(error.msg, self.at + error.pos) from None
        self.at = end
        return found

    def _end(self) -> int:
        while True:
            try:
                end = self.decoder.raw_decode(self.text, self.at)[1]
            except RecursionError:
                raise self.error("nested too deep", self.at) from None
            except json.JSONDecodeError as error:
                cut = error.pos > len(self.text) - _NEAR or error.msg.startswith("Unterminated")
                if not cut or not self.more():
                    raise self.error(error.msg, error.pos) from None
            else:
                # A number may go on in what was not read yet (`0.`).
                if self.text[end : end + 1] in _AFTER or not self.more():
                    return end

    def error(self, message: str, place: int) -> CocoonError:
        """The error of a place in `text`, by its line in the file."""
        line = self.lines + self.text.count("\n", 0, place)
        return CocoonError(f"{self.path}, line {line}: not JSON ({message}); mend this line")
