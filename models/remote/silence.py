"""A time limit on silence: it begins anew whenever something of an answer comes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Limit:
    """The limit of one request: so many seconds from one piece to the next, and none after `last` (loop time)."""

    timeout: asyncio.Timeout
    seconds: float
    last: float


_CURRENT: ContextVar[_Limit | None] = ContextVar("limit of silence", default=None)


@asynccontextmanager
async def limit_silence(seconds: float, longest: float) -> AsyncIterator[None]:
    """Raise TimeoutError where nothing is heard for so many seconds, or where the whole takes longer than `longest`.

    A block that never calls `heard` has `seconds` for all of it.
    """
    now = asyncio.get_running_loop().time()
    async with asyncio.timeout_at(now + seconds) as timeout:
        token = _CURRENT.set(_Limit(timeout, seconds, now + max(seconds, longest)))
        try:
            yield
        finally:
            _CURRENT.reset(token)


def heard() -> None:
    """Begin the time limit of the request under way anew."""
    limit = _CURRENT.get()
    if limit is not None and not limit.timeout.expired():
        limit.timeout.reschedule(min(limit.last, asyncio.get_running_loop().time() + limit.seconds))
