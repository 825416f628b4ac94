"""Stream several replies at once, with their pieces in the order in which they are written."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage

from cocoon.models.local.model import LocalChat
from cocoon.serving.completion import Head

Piece = tuple[int, AIMessageChunk | None]


class Streams:
    """The choices of one request. Leaving the block stops the replies that are not finished."""

    def __init__(
        self, model: LocalChat, talk: list[BaseMessage], stop: list[str] | None, settings: Sequence[dict[str, Any]]
    ) -> None:
        self._model = model
        self._talk = talk
        self._stop = stop
        self._settings = settings
        self._pieces: asyncio.Queue[Piece | Exception] = asyncio.Queue()
        self._collected: dict[int, AIMessageChunk] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Streams":
        self._tasks = [asyncio.ensure_future(self._listen(number)) for number in range(len(self._settings))]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _listen(self, number: int) -> None:
        try:
            async for chunk in self._model.astream(self._talk, stop=self._stop, **self._settings[number]):
                if isinstance(chunk, AIMessageChunk):
                    self._pieces.put_nowait((number, chunk))
        except Exception as error:
            self._pieces.put_nowait(error)
        else:
            self._pieces.put_nowait((number, None))

    async def events(self, head: Head, *, with_usage: bool) -> AsyncIterator[dict[str, Any]]:
        """Yield the chunks of all choices, and raise the error of the first choice that fails."""
        unfinished = len(self._settings)
        while unfinished:
            piece = await self._pieces.get()
            if isinstance(piece, Exception):
                raise piece
            number, chunk = piece
            if chunk is None:
                unfinished -= 1
                finish = self._collected[number].response_metadata.get("finish_reason")
                yield head.chunk(number, {}, finish)
                continue
            if number not in self._collected:
                yield head.chunk(number, {"role": "assistant", "content": ""})
            self._note(number, chunk)
            if chunk.content:
                yield head.chunk(number, {"content": str(chunk.content)})
        if with_usage:
            yield head.last_chunk(self._replies())

    def _note(self, number: int, chunk: AIMessageChunk) -> None:
        self._collected[number] = self._collected[number] + chunk if number in self._collected else chunk

    def _replies(self) -> list[AIMessage]:
        return [self._collected[number] for number in sorted(self._collected)]
