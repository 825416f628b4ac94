"""The pool against an endpoint that takes 32 requests at once, in virtual time: minutes pass in a moment."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from cocoon.models.pool import Pool
from cocoon.models.request_errors import RateLimitedError
from cocoon.tests.models.virtual_loop import VirtualLoop

CAP, START, DIALOGUES = 32, 96, 200


class Server:
    """Takes `cap` requests at once and turns others away; counts what is in flight over time."""

    def __init__(self, loop: VirtualLoop, latency: Callable[[], float], cap: int) -> None:
        self.loop, self.latency, self.cap = loop, latency, cap
        self.accepted = self.refused = self.answered = 0
        self.steps: list[tuple[float, int]] = [(0.0, 0)]

    async def send(self) -> str:
        await asyncio.sleep(0.002)
        if self.accepted >= self.cap:
            self.refused += 1
            raise RateLimitedError("HTTP 429", 1.0)
        self._change(1)
        await asyncio.sleep(self.latency())
        self._change(-1)
        self.answered += 1
        return "ok"

    def _change(self, by: int) -> None:
        self.accepted += by
        self.steps.append((self.loop.now, self.accepted))

    def mean(self, start: float, end: float) -> float:
        """Mean number in flight between two moments."""
        area, ends = 0.0, [*(at for at, _ in self.steps[1:]), self.loop.now]
        for (at, level), until in zip(self.steps, ends, strict=True):
            area += level * max(0.0, min(until, end) - max(at, start))
        return area / (end - start)


def work(pool: Pool, server: Server, calls: int) -> Coroutine[Any, Any, Any]:
    async def dialogue() -> None:
        for made in range(calls):
            await pool.call(server.send, (0, made))

    async def all_dialogues() -> None:
        await asyncio.gather(*(dialogue() for _ in range(DIALOGUES)))

    return all_dialogues()


def lognormal(mean: float, generator: random.Random) -> Callable[[], float]:
    return lambda: mean * generator.lognormvariate(-0.155, 0.555)


@pytest.mark.parametrize("latency", [0.1, 0.2, 0.5, 2.0])
@pytest.mark.parametrize("varied", [False, True])
def test_back_at_the_cap_within_seconds_and_never_far_from_it(
    virtual: VirtualLoop, latency: float, varied: bool
) -> None:
    server = Server(virtual, lognormal(latency, random.Random(1)) if varied else lambda: latency, CAP)
    pool, calls = Pool(START), int(60 * CAP / latency / DIALOGUES)
    virtual.run_until_complete(work(pool, server, calls))
    assert server.answered == DIALOGUES * calls and pool.in_flight == pool.waiting == 0
    # The last calls do not fill the connections.
    windows = [server.mean(second, second + 1) for second in range(3, int(virtual.now - 4 * latency - 2))]
    assert len(windows) > 30 and all(0.8 * CAP <= mean <= CAP for mean in windows), min(windows)
    assert server.refused < START + 5 * virtual.now


def test_a_cap_that_rises_again_is_used_within_seconds(virtual: VirtualLoop) -> None:
    server = Server(virtual, lambda: 0.2, 8)
    pool = Pool(START)

    async def run() -> None:
        working = asyncio.ensure_future(work(pool, server, 60))
        await asyncio.sleep(20)
        assert pool.limiter.limit < 10
        server.cap = 1000
        await asyncio.sleep(10)
        assert pool.limiter.limit == START
        await working

    virtual.run_until_complete(run())
    assert server.answered == DIALOGUES * 60


def test_an_endpoint_that_limits_a_rate_is_not_stormed(virtual: VirtualLoop) -> None:
    """At most 100 requests in every ten seconds; what is above is told to come back in the next ten."""
    answered: list[int] = []
    refused: list[int] = []

    async def send() -> str:
        window = int(virtual.now / 10)
        await asyncio.sleep(0.002)
        if answered.count(window) >= 100:
            refused.append(window)
            raise RateLimitedError("HTTP 429", 10 - virtual.now % 10)
        answered.append(window)
        await asyncio.sleep(0.5)
        return "ok"

    pool = Pool(START)
    virtual.run_until_complete(asyncio.wait_for(_many(pool, send), None))
    assert len(answered) == 1000
    assert virtual.now < 400
    assert len(refused) < 1000


async def _many(pool: Pool, send: Callable[[], Any]) -> None:
    await asyncio.gather(*(pool.call(send, (0, number % 5)) for number in range(1000)))
