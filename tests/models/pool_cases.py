"""Calls that stay open until they are answered, for the tests of the pool."""

import asyncio
from collections.abc import Callable
from typing import Any


class Server:
    """Calls that stay open until `answer` or `fail`."""

    def __init__(self) -> None:
        self.open: list[tuple[Any, asyncio.Future[Any]]] = []
        self.begun: list[Any] = []

    def send(self, name: Any) -> Callable[[], Any]:
        async def sent() -> Any:
            self.begun.append(name)
            future = asyncio.get_running_loop().create_future()
            self.open.append((name, future))
            return await future

        return sent

    def answer(self) -> None:
        name, future = self.open.pop(0)
        future.set_result(name)


async def settle() -> None:
    """Let every task run as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)
