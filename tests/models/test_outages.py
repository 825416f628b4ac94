"""Endpoints that are down, slow or closed to this user: who waits, who is asked meanwhile, and when a run stops."""

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest

from cocoon.core.errors import CallFailedError, EndpointDownError
from cocoon.models.pool import Pool
from cocoon.models.request_errors import RateLimitedError, TransientError
from cocoon.tests.models.virtual_loop import VirtualLoop

Send = Callable[[], Any]


def talk(loop: VirtualLoop, pool: Pool, send: Send, dialogues: int, calls: int) -> list[Any]:
    """Return how each of so many dialogues ended: its last reply, or the error. What ends a run stops the pool."""

    async def dialogue() -> str:
        outcome = None
        for made in range(calls):
            try:
                outcome = await pool.call(send, (0, made))
            except EndpointDownError as error:
                pool.stop(error)
                raise
        return outcome.value if outcome else ""

    async def work() -> list[Any]:
        return await asyncio.gather(*(dialogue() for _ in range(dialogues)), return_exceptions=True)

    return loop.run_until_complete(work())


class Server:
    """Fails with `error` between two moments, and else answers after `latency` seconds."""

    def __init__(self, loop: VirtualLoop, error: Exception, start: float, end: float, latency: float = 0.5) -> None:
        self.loop, self.error, self.start, self.end, self.latency = loop, error, start, end, latency
        self.failed = 0

    async def send(self) -> str:
        await asyncio.sleep(0.01)
        if self.start <= self.loop.now < self.end:
            self.failed += 1
            raise self.error
        await asyncio.sleep(self.latency)
        return "ok"


@pytest.mark.parametrize("kind", ["503", "502", "500", "connection", "no_reply"])
def test_an_outage_of_a_minute_loses_no_dialogue(virtual: VirtualLoop, kind: str) -> None:
    server = Server(virtual, TransientError(kind, "away"), 5.0, 65.0)
    done = talk(virtual, Pool(32), server.send, 200, 8)
    assert done == ["ok"] * 200
    # Those in flight when it began, and then a probe now and then.
    assert server.failed <= 32 + 20 and virtual.now < 65 + 30 + 60


def test_an_endpoint_that_is_away_from_the_beginning_is_waited_for(virtual: VirtualLoop) -> None:
    server = Server(virtual, TransientError("503", "HTTP 503 overloaded"), 0.0, 25.0)
    assert talk(virtual, Pool(32), server.send, 200, 2) == ["ok"] * 200


def test_an_endpoint_that_stays_away_ends_the_run_after_the_patience_of_the_user(virtual: VirtualLoop) -> None:
    server = Server(virtual, TransientError("503", "HTTP 503 overloaded"), 5.0, 1e9)
    pool = Pool(4, patience=120.0, name="a.host")

    first, *rest = talk(virtual, pool, server.send, 200, 90)
    assert all(isinstance(error, EndpointDownError) for error in (first, *rest))
    assert re.search(r"^a\.host: has answered nothing for \d+ s \(HTTP 503 over.*--patience", str(first))
    assert 100 <= virtual.now <= 160


def test_a_call_that_fails_while_others_are_answered_is_tried_five_times(virtual: VirtualLoop) -> None:
    pool = Pool(4)

    async def poison() -> str:
        raise TransientError("500", "HTTP 500 bad prompt")

    async def healthy() -> str:
        await asyncio.sleep(0.1)
        return "ok"

    async def work() -> list[Any]:
        others = [pool.call(healthy, (0, number)) for number in range(400)]
        return await asyncio.gather(pool.call(poison, (0, 0)), *others, return_exceptions=True)

    first, *rest = virtual.run_until_complete(work())
    assert isinstance(first, CallFailedError) and first.reason == "500" and "tried 5 times" in str(first)
    assert all(outcome.value == "ok" for outcome in rest)


class BusyServer:
    """Answers two requests at a time, in 25 s each, and is silent to those that wait meanwhile.

    Of those that wait, the one that came first is next, or the one that came last. It never answers `lost`, if any.
    """

    def __init__(self, loop: VirtualLoop, first_is_next: bool, lost: int | None = None) -> None:
        self.loop, self.next, self.lost = loop, 0 if first_is_next else -1, lost
        self.waiting: list[asyncio.Future[None]] = []
        self.requests, self.working = 0, 0

    async def send(self) -> str:
        number, self.requests = self.requests, self.requests + 1
        if number == self.lost:
            await asyncio.sleep(1e9)
        if self.working < 2:
            self.working += 1
        else:
            turn: asyncio.Future[None] = self.loop.create_future()
            self.waiting.append(turn)
            await turn
        try:
            await asyncio.sleep(25)
        finally:
            if waiting := [turn for turn in self.waiting if not turn.done()]:
                waiting[self.next].set_result(None)
            else:
                self.working -= 1
        return "ok"


def test_a_request_in_line_at_a_busy_server_is_not_sent_again(virtual: VirtualLoop) -> None:
    """Of eight at once, most wait beyond 60 s."""
    server = BusyServer(virtual, first_is_next=True)
    pool = Pool(8)
    assert talk(virtual, pool, server.send, 8, 4) == ["ok"] * 8
    assert pool.counts.retried == {} and server.requests == 32
    # The line was taken as load.
    assert pool.limiter.limit <= 5


def test_silence_is_taken_as_load_and_not_as_a_reason_to_ask_again(virtual: VirtualLoop) -> None:
    pool = Pool(8)
    assert talk(virtual, pool, BusyServer(virtual, first_is_next=False).send, 8, 4) == ["ok"] * 8
    # Those in flight when it was found out, and none later.
    assert pool.counts.retried["timeout"] <= 8


def test_a_request_that_later_ones_overtake_is_given_up_after_the_limit(virtual: VirtualLoop) -> None:
    server = BusyServer(virtual, first_is_next=True, lost=2)
    pool = Pool(3)
    assert talk(virtual, pool, server.send, 3, 6) == ["ok"] * 3
    assert pool.counts.retried == {"timeout": 1} and virtual.now < 500


def test_a_lone_request_to_a_slow_endpoint_gets_more_time(virtual: VirtualLoop) -> None:

    async def send() -> str:
        await asyncio.sleep(200)
        return "ok"

    assert talk(virtual, Pool(1), send, 1, 3) == ["ok"] and virtual.now < 60 + 120 + 3 * 200 + 10


def test_a_rate_limit_that_asks_for_an_hour_is_tried_within_the_minute(virtual: VirtualLoop) -> None:
    server = Server(virtual, RateLimitedError("HTTP 429", 3600.0), 0.0, 50.0)
    assert talk(virtual, Pool(4), server.send, 20, 1) == ["ok"] * 20 and virtual.now < 200
