"""The event loop that a command runs in, and what it does when there is nothing else to do."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Hashable
from importlib.util import find_spec
from typing import Any, TypeVar

T = TypeVar("T")
_BUSY = 0.0005
"""Seconds of one turn of the loop beyond which others are at work."""
_PAUSE = 0.02
"""Seconds to wait then."""


def run_coroutine(work: Coroutine[Any, Any, T]) -> T:
    """Return what a coroutine gives, as `asyncio.run` does, in uvloop's event loop where that is installed.

    It takes 4 % less CPU time for a call (docs/benchmarks.md). It is not made for Windows.
    """
    if find_spec("uvloop") is None:
        return asyncio.run(work)
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


class IdleMoments:
    """Does small jobs in the moments in which the event loop has nothing else to do, one at a time.

    A job that fails is dropped, so it should be one that is done again where its result is needed. Jobs that are not
    done when the loop ends never will be.
    """

    def __init__(self) -> None:
        self._jobs: dict[Hashable, Callable[[], object]] = {}
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """Return the number of jobs that are not done yet."""
        return len(self._jobs)

    def put(self, name: Hashable, job: Callable[[], object]) -> None:
        """Have a job done, known by a name. Must be called in the event loop that is to do it."""
        self._jobs[name] = job
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._work())

    def drop(self, name: Hashable) -> None:
        """Leave a job undone, if it is not done yet."""
        self._jobs.pop(name, None)

    async def _work(self) -> None:
        clock = asyncio.get_running_loop().time
        while self._jobs:
            before = clock()
            await asyncio.sleep(0)
            if clock() - before > _BUSY:
                await asyncio.sleep(_PAUSE)
            elif self._jobs:
                with contextlib.suppress(Exception):
                    self._jobs.pop(next(iter(self._jobs)))()
