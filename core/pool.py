"""The pool of requests to one endpoint: who may send next, how many at once, and what is tried again.

Dialogue calls go before judge calls and the least-progressed dialogue first: with 128 connections that order reached
0.87 of the ideal time where a limit per conversation reached 0.66. The limit adapts: a 429 halves it at
once, successes grow it back within seconds, slower above the level at which the endpoint last refused.
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
from cocoon.core.errors import CallFailedError, StoppedError

T = TypeVar("T")
Priority = tuple[int, int]
DIALOGUE, JUDGE = 0, 1


class RateLimitedError(Exception):
    """The endpoint answered 429; `retry_after` in seconds where it told one."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TransientError(Exception):
    """Worth another try: a 5xx, a broken connection, a reply that is no reply. `kind` is one word for tables."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass
class Limiter:
    """How many requests may be in flight: additive growth, halved on refusal (AIMD), at most `most`.

    `refused_at` remembers the number in flight that the endpoint had accepted when it last refused: growth is quick
    up to there and slow above.
    """

    most: int
    limit: float = 0.0
    refused_at: float = float("inf")
    cut_at: float = 0.0
    history: list[tuple[float, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.limit = self.limit or float(self.most)

    def succeeded(self, in_flight: int) -> None:
        """Grow after a success, but only while the limit is really in use."""
        if self.limit >= self.most or in_flight < 0.8 * self.limit:
            return
        step = 0.5 if self.limit < 0.95 * self.refused_at else 0.5 / self.limit
        self.limit = min(self.most, self.limit + step)

    def refused(self, sent_at: float, accepted: int) -> None:
        """Halve after a 429 to a request that was sent since the last cut; `accepted` are still in flight."""
        now = time.monotonic()
        if sent_at < self.cut_at:
            self.refused_at = max(1.0, min(self.refused_at, float(accepted)))
            return
        self.cut_at = now
        self.refused_at = max(1.0, float(accepted))
        self.limit = max(1.0, self.limit / 2)
        self.history = [*self.history[-199:], (now, int(self.limit))]


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


class Pool:
    """All requests to one endpoint, in order of priority, with the only retry layer there is.

    `timeout`: seconds for one attempt. `attempts`: tries of a call that fails by 5xx, time-out or a broken connection;
    a 429 does not count among them but waits, for at most `patience` seconds in all.
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
    ) -> None:
        self.limiter = Limiter(connections)
        self.counts = PoolCounts()
        self.in_flight = 0
        self._timeout, self._attempts, self._patience, self._backoff = timeout, attempts, patience, backoff
        self.budget = budget or Budget()
        self._waiting: list[tuple[Priority, int, asyncio.Future[None]]] = []
        self._number = itertools.count()
        self._stop: Exception | None = None

    @property
    def waiting(self) -> int:
        """Requests that wait for a free connection."""
        return len(self._waiting)

    def stop(self, reason: Exception | None = None) -> None:
        """Start no new request; those waiting get `reason` (default StoppedError), those in flight finish."""
        self._stop = reason or StoppedError("stopped; run the same command again to go on")
        waiting, self._waiting = self._waiting, []
        for _, _, turn in waiting:
            if not turn.done():
                turn.set_exception(self._stop)

    async def call(self, send: Callable[[], Awaitable[T]], priority: Priority) -> Outcome[T]:
        """Run `send` when its turn comes, again while that helps; raises CallFailedError when it no longer does."""
        began, tries, retries = time.monotonic(), 0, 0
        while True:
            started = await self._take_turn(priority)
            try:
                async with asyncio.timeout(self._timeout):
                    value = await send()
            except RateLimitedError as error:
                self.limiter.refused(started, self.in_flight - 1)
                self._leave()
                await self._wait_out(error, began)
                self.counts.retry("429")
            except (TransientError, TimeoutError) as error:
                self._leave()
                tries += 1
                kind = error.kind if isinstance(error, TransientError) else "timeout"
                await self._wait_between(kind, error, tries)
            except BaseException:
                self._leave()
                raise
            else:
                self.limiter.succeeded(self.in_flight)
                self.counts.answered += 1
                self._leave()
                return Outcome(value, time.monotonic() - started, retries)
            retries += 1

    async def _take_turn(self, priority: Priority) -> float:
        if self._stop:
            raise self._stop
        if self.in_flight < int(self.limiter.limit) and not self._waiting:
            self._enter()
        else:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            heapq.heappush(self._waiting, (priority, next(self._number), turn))
            await self._wait_for(turn)
        return time.monotonic()

    async def _wait_for(self, turn: asyncio.Future[None]) -> None:
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._leave()
            raise

    def _enter(self) -> None:
        self.budget.start_call()
        self.in_flight += 1
        self.counts.started += 1
        self.counts.most_in_flight = max(self.counts.most_in_flight, self.in_flight)

    def _leave(self) -> None:
        self.in_flight -= 1
        while self._waiting and self.in_flight < int(self.limiter.limit):
            _, _, turn = heapq.heappop(self._waiting)
            if turn.done():
                continue
            try:
                self._enter()
            except Exception as error:
                turn.set_exception(error)
                self.stop(error)
                return
            turn.set_result(None)

    async def _wait_out(self, error: RateLimitedError, began: float) -> None:
        wait = error.retry_after if error.retry_after is not None else self._backoff
        if time.monotonic() - began + wait > self._patience:
            raise CallFailedError("429", f"rate limited for more than {self._patience:g} s: {error}") from None
        await asyncio.sleep(wait * random.uniform(1.0, 1.25))

    async def _wait_between(self, kind: str, error: Exception, tries: int) -> None:
        if tries >= self._attempts:
            told = f"no answer in {self._timeout:g} s" if kind == "timeout" else str(error)
            raise CallFailedError(kind, f"{told} (tried {tries} times)") from None
        self.counts.retry(kind)
        await asyncio.sleep(min(30.0, self._backoff * 2 ** (tries - 1)) * random.uniform(0.5, 1.5))


_RETRIABLE_STATUS: frozenset[int] = frozenset({408, 409, 425, 500, 502, 503, 504, 520, 522, 524, 529})


def error_for_status(status: int, text: str, retry_after: float | None) -> Exception:
    """The error that an HTTP status stands for: rate limit, worth another try, or final."""
    shown = " ".join(text.split())[:300]
    if status == 429:
        return RateLimitedError(f"HTTP 429 {shown}", retry_after)
    if status in _RETRIABLE_STATUS:
        return TransientError(str(status), f"HTTP {status} {shown}")
    return RefusedError(status, shown)


class RefusedError(Exception):
    """The endpoint refuses this request for good (4xx): `status` and its words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"HTTP {status} {message}")
        self.status = status


def classify(error: Exception) -> Exception:
    """Map another library's error (any LangChain chat model) to ours by its `status_code` or kind."""
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        header = getattr(getattr(error, "response", None), "headers", {}) or {}
        return error_for_status(status, str(error), seconds(header.get("retry-after")))
    if isinstance(error, (ConnectionError, TimeoutError)) or "Connection" in type(error).__name__:
        return TransientError("connection", f"{type(error).__name__}: {error}")
    return error


def seconds(header: str | None) -> float | None:
    """A Retry-After header in seconds; none where it is absent or a date."""
    try:
        return max(0.0, float(header)) if header is not None else None
    except ValueError:
        return None
