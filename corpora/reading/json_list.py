"""Read a JSON list element by element, so that a file of any size needs only the memory of its longest element."""

import json
from collections.abc import Iterator
from typing import Any, TextIO

import orjson

from cocoon.core.errors import CocoonError

_CHUNK = 1 << 20
_SPACE = " \t\r\n"
_AFTER = {*_SPACE, ",", "]"}
# An error at least this many characters before the end of the text read so far is not caused by the cut there.
_NEAR = 64


def elements(file: TextIO, path: str) -> Iterator[tuple[str, Any]]:
    """Yield (where, value) for each element of the list in a file.

    Raises CocoonError with the line of anything that is not JSON.
    """
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
    """The part of the file that is being parsed.

    `text` is read from the offset `at`, and `lines` counts the lines before `text`.
    """

    def __init__(self, file: TextIO, path: str) -> None:
        self.file, self.path = file, path
        self.text, self.at, self.lines = "", 0, 1
        self.decoder = json.JSONDecoder()

    def more(self) -> bool:
        """Read at least as much as is still unread, forget the text before `at`, and return whether there was more."""
        chunk = self.file.read(max(_CHUNK, len(self.text) - self.at))
        if not chunk:
            return False
        self.lines += self.text.count("\n", 0, self.at)
        self.text, self.at = self.text[self.at :] + chunk, 0
        return True

    def peek(self) -> str:
        """Return the next character that is not a space, or "" at the end of the file."""
        while True:
            while self.at < len(self.text) and self.text[self.at] in _SPACE:
                self.at += 1
            if self.at < len(self.text) or not self.more():
                return self.text[self.at : self.at + 1]

    def take(self, expected: str) -> str:
        """Return the next character, which has to be one of `expected`."""
        character = self.peek()
        if not character or character not in expected:
            raise self.error(f"expected {' or '.join(expected)}", self.at)
        self.at += 1
        return character

    def value(self) -> Any:
        """Return the next value, by the rules of orjson."""
        self.peek()
        end = self._end()
        try:
            element = orjson.loads(self.text[self.at : end])
        except orjson.JSONDecodeError as error:
            raise self.error(error.msg, self.at + error.pos) from None
        self.at = end
        return element

    def _end(self) -> int:
        while True:
            try:
                end = self.decoder.raw_decode(self.text, self.at)[1]
            except RecursionError:
                raise self.error("nested too deep", self.at) from None
            except json.JSONDecodeError as error:
                cut_off = error.pos > len(self.text) - _NEAR or error.msg.startswith("Unterminated")
                if not cut_off or not self.more():
                    raise self.error(error.msg, error.pos) from None
            else:
                # A number may continue in the part of the file that was not read yet (`0.`).
                if self.text[end : end + 1] in _AFTER or not self.more():
                    return end

    def error(self, message: str, offset: int) -> CocoonError:
        """Return the error for an offset in `text`, naming its line in the file."""
        line = self.lines + self.text.count("\n", 0, offset)
        return CocoonError(f"{self.path}, line {line}: not JSON ({message}); fix this line")
