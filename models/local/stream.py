"""Stream a reply while it is written, in pieces of text that are never taken back."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from cocoon.models.local.sampling import ReplyRow, text_of
from cocoon.models.local.weights import Weights


class Listener:
    """Hands the text of one row from the writing thread to the event loop that created this listener.

    A piece is held back while it may still be the beginning of a stop word, or half of a character.
    """

    def __init__(self, weights: Weights, row: ReplyRow) -> None:
        self._weights = weights
        self._row = row
        self._loop = asyncio.get_running_loop()
        self._texts: asyncio.Queue[str | None] = asyncio.Queue()
        row.heard = self._hear

    def _hear(self, row: ReplyRow) -> None:
        text = final_part(text_of(self._weights, row), row.stop, over=row.finish is not None)
        self._put(text)

    def _put(self, text: str | None) -> None:
        try:
            self._loop.call_soon_threadsafe(self._texts.put_nowait, text)
        except RuntimeError:
            # The loop that asked is closed, so nobody listens any more.
            self._row.abandoned = True

    def _end(self, writing: "asyncio.Future[Any]") -> None:
        # The exception is read here too, because a listener that has gone away never awaits the future.
        if not writing.cancelled():
            writing.exception()
        self._texts.put_nowait(None)

    async def pieces(self, writing: "asyncio.Future[Any]") -> AsyncIterator[str]:
        """Yield each new piece of text.

        Raises what `writing`, the row's future, raises.
        """
        writing.add_done_callback(self._end)
        sent = ""
        while (text := await self._texts.get()) is not None:
            if len(text) > len(sent) and text.startswith(sent):
                yield text[len(sent) :]
                sent = text
        await writing


def final_part(text: str, stop: Any, *, over: bool) -> str:
    """Return the part of a reply so far that is final: before a stop word, and before what may become one."""
    for word in stop:
        text = text.partition(word)[0]
    if over:
        return text
    held_back = max((_overlap(text, word) for word in stop), default=0)
    return text[: len(text) - held_back]


def _overlap(text: str, word: str) -> int:
    """Return the number of characters at the end of `text` with which `word` begins."""
    longest = min(len(text), len(word) - 1)
    return next((size for size in range(longest, 0, -1) if text.endswith(word[:size])), 0)
