"""The pool of requests to one endpoint: who may send next, how many at once, and what is tried again.

Dialogue calls go before judge calls and the least-progressed dialogue first: with 128 connections that order reached
0.87 of the ideal time where a limit per conversation reached 0.66. How many are in flight is the limiter's matter.
"""

import asyncio
import heapq
import itertools
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from cocoon.core.budget import Budget
from cocoon.core.errors import BudgetReachedError, CallFailedError, StoppedError
from cocoon.core.limiter import Limiter
from cocoon.core.request_errors import RateLimitedError, TransientError

T = TypeVar("T")
Priority = tuple[int, int]
DIALOGUE, JUDGE = 0, 1
LONGEST_BACKOFF = 30.0


@dataclass
class Outcome(Generic[T]):
    """What a request came to: its value, seconds of the answered attempt, and how often it was tried again."""

    value: T
    latency: float
    retries: int


@dataclass
class PoolCounts:
    """Running counts for the progress line and the report."""

    started: int = 0
    answered: int = 0
    retried: dict[str, int] = field(default_factory=dict)
    most_in_flight: int = 0

    def retry(self, kind: str) -> None:
        self.retried[kind] = self.retried.get(kind, 0) + 1


@dataclass
class _Past:
    """What became of a call's earlier attempts; `waited` counts the seconds between them that 429s cost."""

    failed: int = 0
    limited: int = 0
    waited: float = 0.0


class Pool:
    """All requests to one endpoint, in order of priority, with the only retry layer there is.

    `timeout`: seconds for one attempt. `attempts`: tries of a call that fails by 5xx, time-out or a broken connection;
    a 429 does not count among them but waits, for at most `patience` seconds in all, the time in the queue not counted.
    `backoff`: seconds of the first wait that the endpoint does not tell. `name` begins the messages.
    """

    def __init__(
        self,
        connections: int,
        *,
        timeout: float = 60.0,
        attempts: int = 5,
        patience: float = 900.0,
        budget: Budget | None = None,
        backoff: float = 0.5,
        name: str = "",
    ) -> None:
        self.limiter = Limiter(connections)
        self.counts = PoolCounts()
        self.in_flight = 0
        self._timeout, self._attempts, self._patience, self._backoff = timeout, attempts, patience, backoff
        self._head = f"{name}: " if name else ""
        self.budget = budget or Budget()
        self._waiting: list[tuple[Priority, int, asyncio.Future[None]]] = []
        self._number = itertools.count()
        self._naps: set[asyncio.Future[None]] = set()
        self._resuming: asyncio.TimerHandle | None = None
        self._stop: Exception | None = None

    @property
    def waiting(self) -> int:
        """Requests that wait for a free connection."""
        return sum(not turn.done() for _, _, turn in self._waiting)

    def stop(self, reason: Exception | None = None) -> None:
        """Start no new request; those waiting get `reason` (default StoppedError), those in flight finish."""
        self._stop = self._stop or reason or StoppedError("stopped; run the same command again to go on")
        waiting, self._waiting = self._waiting, []
        for _, _, turn in waiting:
            if not turn.done():
                turn.set_exception(self._stop)
        for nap in self._naps:
            _wake(nap)

    async def call(self, send: Callable[[], Awaitable[T]], priority: Priority) -> Outcome[T]:
        """Run `send` when its turn comes, again while that helps; raises CallFailedError when it no longer does."""
        past = _Past()
        while True:
            started = await self._take_turn(priority)
            try:
                async with asyncio.timeout(self._timeout):
                    value = await send()
            except RateLimitedError as error:
                wait = self._limited(error, started, past)
            except (TransientError, TimeoutError) as error:
                wait = self._failed(error, past)
            except BaseException:
                self._leave()
                raise
            else:
                self.limiter.succeeded(self.in_flight)
                self.counts.answered += 1
                self._leave()
                return Outcome(value, time.monotonic() - started, past.failed + past.limited)
            await self._nap(wait)

    async def _take_turn(self, priority: Priority) -> float:
        if self._stop:
            raise self._stop.with_traceback(None)
        if not self._waiting and self.limiter.room(self.in_flight):
            self._enter()
        else:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            heapq.heappush(self._waiting, (priority, next(self._number), turn))
            self._admit()
            await self._wait_for(turn)
        return time.monotonic()

    async def _wait_for(self, turn: asyncio.Future[None]) -> None:
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.budget.take_back()
                self._leave()
            raise

    def _enter(self) -> None:
        self.budget.start_call()
        self.in_flight += 1
        self.counts.started += 1
        self.counts.most_in_flight = max(self.counts.most_in_flight, self.in_flight)

    def _leave(self) -> None:
        self.in_flight -= 1
        self._admit()

    def _admit(self) -> None:
        """Give turns to those who wait, as far as there is room; comes back by itself when a pause is over."""
        while self._waiting and self.limiter.room(self.in_flight):
            _, _, turn = heapq.heappop(self._waiting)
            if turn.done():
                continue
            try:
                self._enter()
            except BudgetReachedError as error:
                turn.set_exception(error)
                self.stop(error)
                return
            turn.set_result(None)
        if self._waiting and self._resuming is None and (left := self.limiter.pause_left) > 0:
            self._resuming = asyncio.get_running_loop().call_later(left, self._resume)

    def _resume(self) -> None:
        self._resuming = None
        self._admit()

    def _limited(self, error: RateLimitedError, started: float, past: _Past) -> float:
        """Seconds to wait after a 429: as long as told, or longer every time."""
        told, own = error.retry_after or 0.0, self._grown(past.limited)
        wait = (told if told >= self._backoff else max(told, own)) * random.uniform(1.0, 1.25)
        # A wait that nobody is patient enough for fails this call alone, and must not hold up all others.
        self.limiter.refused(started, self.in_flight - 1, wait if wait <= self._patience else 0.0)
        self.budget.take_back()
        self._leave()
        if past.waited + wait > self._patience:
            raise CallFailedError(
                "429",
                f"{self._head}rate limited: waited {past.waited:.0f} s and would have to wait {wait:.0f} s more, "
                f"longer than {self._patience:g} s in all ({error}); lower --concurrency or run again later",
            ) from None
        past.limited += 1
        past.waited += wait
        self.counts.retry("429")
        return wait

    def _failed(self, error: TransientError | TimeoutError, past: _Past) -> float:
        """Seconds to wait before another attempt; longer every time, and no less than told."""
        self._leave()
        kind, told = "timeout", 0.0
        if isinstance(error, TransientError):
            kind, told = error.kind, min(error.retry_after or 0.0, self._patience)
        past.failed += 1
        if past.failed >= self._attempts:
            said = f"no answer in {self._timeout:g} s" if isinstance(error, TimeoutError) else str(error)
            raise CallFailedError(kind, f"{self._head}{said} (tried {past.failed} times)") from None
        self.counts.retry(kind)
        return max(told, self._grown(past.failed - 1) * random.uniform(0.5, 1.5))

    def _grown(self, earlier: int) -> float:
        return min(LONGEST_BACKOFF, self._backoff * 2.0 ** min(earlier, 30))

    async def _nap(self, wait: float) -> None:
        """Sleep, but no longer than until `stop`."""
        if self._stop:
            return
        loop = asyncio.get_running_loop()
        nap: asyncio.Future[None] = loop.create_future()
        timer = loop.call_later(wait, _wake, nap)
        self._naps.add(nap)
        try:
            await nap
        finally:
            timer.cancel()
            self._naps.discard(nap)


def _wake(nap: asyncio.Future[None]) -> None:
    if not nap.done():
        nap.set_result(None)
