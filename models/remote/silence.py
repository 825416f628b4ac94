"""A time limit on silence: it begins anew whenever something of an answer comes.

A server that is busy may keep requests waiting in line without a word. While it is heard from in other requests, and
answers none that was sent later, a request waits on. Asking again would only make the line longer.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

_TOGETHER = 1.0
"""Requests that are sent within so many seconds may reach the server in any order."""


@dataclass(slots=True)
class Line:
    """What was heard of one endpoint, in any of its requests, in loop time.

    `latest` is when that request was sent which was sent last of those that the endpoint has begun to answer.
    """

    heard_at: float = float("-inf")
    latest: float = float("-inf")


@dataclass(slots=True)
class Silence:
    """The limit of one request: so many seconds from one piece to the next, and none after `last` (loop time).

    `queued` says that it waited longer than the limit, in line behind others.
    """

    line: Line
    seconds: float
    sent_at: float
    last: float
    heard_at: float = field(init=False)
    begun: bool = False
    queued: bool = False

    def __post_init__(self) -> None:
        self.heard_at = self.sent_at

    def end(self, now: float) -> None:
        """Note that something of the answer came."""
        self.heard_at = self.line.heard_at = now
        if not self.begun:
            self.begun, self.line.latest = True, max(self.line.latest, self.sent_at)

    def deadline(self) -> float:
        """Return when to give up, as things stand."""
        is_in_line = not self.begun and self.line.latest <= self.sent_at + _TOGETHER
        heard_at = max(self.heard_at, self.line.heard_at) if is_in_line else self.heard_at
        return min(self.last, heard_at + self.seconds)


_CURRENT: ContextVar[Silence | None] = ContextVar("silence", default=None)


@asynccontextmanager
async def limit_silence(seconds: float, longest: float, line: Line | None = None) -> AsyncIterator[Silence]:
    """Raise TimeoutError where nothing is heard for so many seconds, or where the whole takes longer than `longest`.

    A block that never calls `heard` has `seconds` for all of it, unless it waits in `line` behind others.
    """
    loop = asyncio.get_running_loop()
    now = loop.time()
    silence = Silence(line or Line(), seconds, now, now + max(seconds, longest))
    async with asyncio.timeout(None) as timeout:
        watch = _Watch(silence, timeout, loop)
        token = _CURRENT.set(silence)
        try:
            yield silence
            silence.end(loop.time())
        finally:
            _CURRENT.reset(token)
            watch.end()


class _Watch:
    """Looks at a silence whenever it may have become too long.

    It lets go of its timer at the end. Otherwise each would keep the other, and all that the request was made of, until
    the garbage collector finds them.
    """

    def __init__(self, silence: Silence, timeout: asyncio.Timeout, loop: asyncio.AbstractEventLoop) -> None:
        self._silence, self._timeout, self._loop = silence, timeout, loop
        self._timer: asyncio.TimerHandle | None = loop.call_at(silence.sent_at + silence.seconds, self._look)

    def _look(self) -> None:
        now, deadline = self._loop.time(), self._silence.deadline()
        if now >= deadline:
            self._timeout.reschedule(now)
        else:
            self._silence.queued |= not self._silence.begun
            self._timer = self._loop.call_at(deadline, self._look)

    def end(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def wait_in(line: Line) -> None:
    """Let the request under way begin anew in the line of another server. Its longest time stays."""
    silence = _CURRENT.get()
    if silence is not None:
        now = asyncio.get_running_loop().time()
        silence.line, silence.sent_at, silence.heard_at, silence.begun = line, now, now, False


def heard() -> None:
    """Begin the time limit of the request under way anew."""
    silence = _CURRENT.get()
    if silence is not None:
        silence.end(asyncio.get_running_loop().time())
