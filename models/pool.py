"""The pool of requests to one endpoint: who may send next, how many at once, and what is tried again.

Dialogue calls go before judge calls, and the least-progressed dialogue goes first. With 128 connections this order
reached 0.87 of the ideal time, where a limit per conversation reached 0.66. The limiter decides how many requests are
in flight, and the breaker whether a failure is that of one call or of the endpoint.
"""

import asyncio
import heapq
import itertools
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from cocoon.core.errors import AccessDeniedError, BudgetReachedError, CallFailedError, EndpointDownError, StoppedError
from cocoon.models.ledger import Ledger
from cocoon.models.limiter import Breaker, Limiter
from cocoon.models.remote.silence import Line, limit_silence
from cocoon.models.request_errors import RateLimitedError, TransientError

T = TypeVar("T")
Priority = tuple[int, int]
DIALOGUE, JUDGE = 0, 1
LONGEST_BACKOFF = 30.0
# Between two requests to an endpoint that is down.
LONGEST_PAUSE = 10.0
# Some endpoints ask for an hour and are back in a minute. Asking too early costs nothing but another refusal.
LONGEST_REQUESTED = 60.0


@dataclass
class RequestOutcome(Generic[T]):
    """The result of a request: its value, seconds of the answered attempt, and how often it was tried again."""

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
class _History:
    """A call's earlier attempts. `waited` is the number of seconds that waiting after 429s took.

    `failed` are failures of its own, while other calls were answered, and `shared` those of an endpoint that is down.
    `answered` is how many calls had been answered at the last failure.
    """

    answered: int | None = None
    failed: int = 0
    shared: int = 0
    limited: int = 0
    waited: float = 0.0

    @property
    def retries(self) -> int:
        return self.failed + self.shared + self.limited


class Pool:
    """All requests to one endpoint, in order of priority, with the only retry layer in the package.

    `timeout` is in seconds of silence in one attempt. `attempts` is the number of tries of a call that fails by 5xx,
    silence or a broken connection while others are answered. An endpoint that answers nobody is asked now and then by a
    single request, for at most `patience` seconds, and the run ends after that. A 429 waits too, for at most `patience`
    seconds in total, without the time in the queue. `backoff` is in seconds, for the first wait where the endpoint
    states none. `name` begins the messages.
    """

    def __init__(
        self,
        connections: int,
        *,
        timeout: float = 60.0,
        attempts: int = 5,
        patience: float = 900.0,
        budget: Ledger | None = None,
        backoff: float = 0.5,
        name: str = "",
    ) -> None:
        self.limiter = Limiter(connections)
        self.breaker = Breaker()
        self.counts = PoolCounts()
        self.in_flight = 0
        self._timeout, self._attempts, self._patience, self._backoff = timeout, attempts, patience, backoff
        self._head = f"{name}: " if name else ""
        self.budget = budget or Ledger()
        self._waiting: list[tuple[Priority, int, asyncio.Future[None]]] = []
        self._number = itertools.count()
        self._naps: set[asyncio.Future[None]] = set()
        self._resuming: asyncio.TimerHandle | None = None
        self._line = Line()
        self._stop: Exception | None = None

    @property
    def waiting(self) -> int:
        """Return the number of requests that wait for a free connection."""
        return sum(not turn.done() for _, _, turn in self._waiting)

    def stop(self, reason: Exception | None = None) -> None:
        """Start no new request. Those that wait get `reason` (default StoppedError), and those in flight finish."""
        self._stop = self._stop or reason or StoppedError("stopped; run the same command again to continue")
        waiting, self._waiting = self._waiting, []
        for _, _, turn in waiting:
            if not turn.done():
                turn.set_exception(self._stop)
        for nap in self._naps:
            _wake(nap)

    def hold(self, seconds: float) -> None:
        """Send nothing for so many seconds: another process asks the endpoint, which answers nobody."""
        self.limiter.paused_until = max(self.limiter.paused_until, time.monotonic() + seconds)

    async def call(
        self,
        send: Callable[[], Awaitable[T]],
        priority: Priority,
        keep: Callable[[RequestOutcome[T]], Awaitable[None]] | None = None,
    ) -> RequestOutcome[T]:
        """Run `send` when its turn comes, and again while that helps.

        The connection is free for the next request once `keep` has stored the outcome. A killed process therefore loses
        no more answers than it had connections. Raises CallFailedError when another try no longer helps.
        """
        history = _History()
        while True:
            started, answered = await self._take_turn(priority), self.breaker.answered
            try:
                async with limit_silence(self._timeout, self._patience, self._line) as silence:
                    value = await send()
            except RateLimitedError as error:
                wait = self._wait_after_limit(error, started, history)
            except (TransientError, TimeoutError) as error:
                wait = self._wait_after_failure(error, started, history, answered)
            except BaseException as error:
                if isinstance(error, AccessDeniedError):
                    self.stop(error)
                self._leave()
                raise
            else:
                if silence.queued:
                    self._take_as_load(started, self.breaker.answered - answered)
                else:
                    self.limiter.succeeded(self.in_flight)
                self.breaker.succeeded()
                self.counts.answered += 1
                outcome = RequestOutcome(value, time.monotonic() - started, history.retries)
                try:
                    if keep is not None:
                        await keep(outcome)
                finally:
                    self._leave()
                return outcome
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
        """Give turns to waiting requests while there is room, and call itself again when a pause is over."""
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
        if self._waiting and self._resuming is None and (pause := self.limiter.pause_left) > 0:
            self._resuming = asyncio.get_running_loop().call_later(pause, self._resume)

    def _resume(self) -> None:
        self._resuming = None
        self._admit()

    def _wait_after_limit(self, error: RateLimitedError, started: float, history: _History) -> float:
        """Return the seconds to wait after a 429: as long as the endpoint asks, or longer every time."""
        requested, growing = _bounded(error.retry_after), self._growing_wait(history.limited)
        wait = (requested if requested >= self._backoff else max(requested, growing)) * random.uniform(1.0, 1.25)
        # A wait longer than `patience` fails only this call, and must not delay all others.
        self.limiter.refused(started, self.in_flight - 1, wait if wait <= self._patience else 0.0)
        self.budget.take_back()
        self._leave()
        if history.waited + wait > self._patience:
            raise CallFailedError(
                "429",
                f"{self._head}rate limited: waited {history.waited:.0f} s and would have to wait {wait:.0f} s more, "
                f"longer than {self._patience:g} s in all ({error}); lower --concurrency or run again later",
            ) from None
        history.limited += 1
        history.waited += wait
        self.counts.retry("429")
        return wait

    def _wait_after_failure(
        self, error: TransientError | TimeoutError, started: float, history: _History, answered: int
    ) -> float:
        """Return the seconds to wait before another attempt: longer every time, and no less than the endpoint asks.

        `answered` calls had been answered when this one was sent.
        """
        self._leave()
        kind, requested, problem = "timeout", 0.0, f"no answer in {self._timeout:g} s"
        if isinstance(error, TransientError):
            kind, requested, problem = error.kind, _bounded(error.retry_after), str(error)
        alone = self.breaker.answered == (answered if history.answered is None else history.answered)
        history.answered = self.breaker.answered
        self.breaker.failed(id(history), problem)
        if alone and self.breaker.comes_back(kind):
            history.shared += 1
        else:
            history.failed += 1
        wait = max(requested, self._growing_wait(history.failed + history.shared - 1) * random.uniform(0.5, 1.5))
        if kind == "timeout":
            self._take_as_load(started, self.breaker.answered - answered)
        elif self.breaker.is_open:
            pause = max(requested, min(LONGEST_PAUSE, self._growing_wait(self.breaker.probes)))
            self.breaker.probes += self.limiter.pause(started, pause)
        if history.failed >= self._attempts:
            raise CallFailedError(kind, f"{self._head}{problem} (tried {history.retries} times)") from None
        if self.breaker.is_open and self.breaker.down_for + wait > self._patience:
            raise EndpointDownError(
                f"{self._head}has answered nothing for {self.breaker.down_for:.0f} s ({problem}). What was answered is "
                "kept: run the same command again when it is back, or give it longer (--patience)."
            ) from None
        self.counts.retry(kind)
        return wait

    def _take_as_load(self, started: float, answered: int) -> None:
        """Send fewer requests at once after silence. A lone request gets more time, because the endpoint is slow."""
        if self.limiter.limit > 1:
            self.limiter.overloaded(started, answered)
        elif not answered:
            self._timeout = min(2 * self._timeout, max(self._timeout, self._patience))

    def _growing_wait(self, earlier: int) -> float:
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


def _bounded(requested: float | None) -> float:
    """Return the seconds that an endpoint asks to wait, as far as that is to be believed."""
    return min(requested, LONGEST_REQUESTED) if requested is not None and requested > 0 else 0.0


def _wake(nap: asyncio.Future[None]) -> None:
    if not nap.done():
        nap.set_result(None)
