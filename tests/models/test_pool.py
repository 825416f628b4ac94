"""The pool: order, limits, retries, patience, budget, stop; no slot is ever lost."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cocoon.models.limiter as limiter_module
from cocoon.core.config import BudgetConfig
from cocoon.core.errors import BudgetReachedError, CallFailedError, StoppedError
from cocoon.models.ledger import Ledger, Usage
from cocoon.models.limiter import HOLD, Limiter
from cocoon.models.pool import DIALOGUE, JUDGE, LONGEST_REQUESTED, Pool
from cocoon.models.request_errors import RateLimitedError, RefusedError, TransientError
from cocoon.tests.models.pool_cases import Server, settle

TINY: dict[str, Any] = {"backoff": 0.001}


class Clock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(limiter_module, "time", made)
    return made


def raising(*errors: Exception | None) -> Callable[[], Any]:
    """Raises each in turn, then answers for ever."""
    left = list(errors)

    async def send() -> str:
        error = left.pop(0) if left else None
        if error is not None:
            raise error
        return "ok"

    return send


def idle(pool: Pool) -> bool:
    return pool.in_flight == 0 and pool.waiting == 0


async def test_order_is_dialogues_before_judges_then_least_progressed_then_first_come() -> None:
    pool, server = Pool(1, **TINY), Server()
    given_ = [(JUDGE, 0), (DIALOGUE, 5), (DIALOGUE, 2), (JUDGE, 0), (DIALOGUE, 2), (DIALOGUE, 9)]
    first = asyncio.ensure_future(pool.call(server.send("first"), (JUDGE, 9)))
    await settle()
    tasks = [asyncio.ensure_future(pool.call(server.send(n), priority)) for n, priority in enumerate(given_)]
    await settle()
    assert pool.waiting == 6
    while server.open:
        server.answer()
        await settle()
    assert server.begun == ["first", 2, 4, 1, 5, 0, 3]
    assert [(await task).value for task in [first, *tasks]] == ["first", 0, 1, 2, 3, 4, 5]
    assert idle(pool)


async def test_never_more_in_flight_than_connections() -> None:
    pool, server = Pool(3, **TINY), Server()
    tasks = [asyncio.ensure_future(pool.call(server.send(n), (0, n))) for n in range(10)]
    for _ in range(10):
        await settle()
        assert len(server.open) == pool.in_flight <= 3
        server.answer()
    await asyncio.gather(*tasks)
    assert (pool.counts.started, pool.counts.answered, pool.counts.most_in_flight) == (10, 10, 3)
    assert idle(pool)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TransientError("500", "HTTP 500 oh"), "500"),
        (TransientError("connection", "gone"), "connection"),
        (TimeoutError(), "timeout"),
    ],
)
async def test_what_may_pass_is_tried_five_times(error: Exception, kind: str) -> None:
    pool = Pool(1, name="a.host", **TINY)
    outcome = await pool.call(raising(*[error] * 4), (0, 0))
    assert (outcome.value, outcome.retries, pool.counts.retried) == ("ok", 4, {kind: 4})
    pool = Pool(1, name="a.host", **TINY)
    with pytest.raises(CallFailedError, match=r"^a\.host: .* \(tried 5 times\)$") as failed:
        await pool.call(raising(*[error] * 5), (0, 0))
    assert failed.value.reason == kind
    assert idle(pool)


async def test_what_is_final_is_not_tried_again() -> None:
    pool = Pool(1, **TINY)
    for error in (RefusedError(401, "no"), CallFailedError("x", "y"), ValueError("odd")):
        with pytest.raises(type(error)):
            await pool.call(raising(error), (0, 0))
    assert pool.counts.retried == {} and pool.counts.started == 3 and idle(pool)


async def test_an_attempt_has_a_time_limit_that_grows_for_a_slow_endpoint() -> None:
    pool, server = Pool(1, timeout=0.01, attempts=2, **TINY), Server()
    with pytest.raises(CallFailedError, match=r"no answer in 0\.02 s \(tried 2 times\)") as failed:
        await pool.call(server.send(0), (0, 0))
    assert failed.value.reason == "timeout" and server.begun == [0, 0] and idle(pool)


async def test_a_429_does_not_count_among_the_attempts() -> None:
    pool = Pool(4, attempts=1, **TINY)
    outcome = await pool.call(raising(*[RateLimitedError("HTTP 429")] * 7), (0, 0))
    assert outcome.retries == 7 and pool.counts.retried == {"429": 7} and idle(pool)


class Waits(Pool):
    """A pool that notes its waits instead of sleeping."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.waits: list[float] = []

    async def _nap(self, wait: float) -> None:
        self.waits.append(wait)
        self.limiter.paused_until = 0.0


async def test_retry_after_is_honoured_and_never_shortened() -> None:
    pool = Waits(4, backoff=0.5)
    await pool.call(raising(*[RateLimitedError("HTTP 429", 7.0)] * 3), (0, 0))
    assert all(7.0 <= wait <= 7.0 * 1.25 for wait in pool.waits) and len(pool.waits) == 3


@pytest.mark.parametrize("told", [None, 0.0, 0.01])
async def test_without_a_usable_retry_after_the_waits_grow(told: float | None) -> None:
    pool = Waits(4, backoff=0.5)
    await pool.call(raising(*[RateLimitedError("HTTP 429", told)] * 9), (0, 0))
    bounds = [(min(30.0, 0.5 * 2**n), 1.25 * min(30.0, 0.5 * 2**n)) for n in range(9)]
    assert all(low <= wait <= high for wait, (low, high) in zip(pool.waits, bounds, strict=True))


async def test_a_server_error_with_retry_after_waits_as_long() -> None:
    pool = Waits(4, backoff=0.5)
    await pool.call(raising(TransientError("503", "HTTP 503", 20.0), TransientError("503", "HTTP 503")), (0, 0))
    assert pool.waits[0] == 20.0 and 0.5 <= pool.waits[1] <= 1.5


async def test_patience_ends_by_what_429s_cost() -> None:
    pool = Waits(4, patience=10.0, name="a.host")
    with pytest.raises(
        CallFailedError, match=r"^a\.host: rate limited: .* longer than 10 s in all \(HTTP 429 slow\)"
    ) as failed:
        await pool.call(raising(*[RateLimitedError("HTTP 429 slow", 3.0)] * 9), (0, 0))
    assert failed.value.reason == "429" and len(pool.waits) in (2, 3) and idle(pool)


async def test_time_in_the_queue_does_not_count_against_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    pool, server = Waits(1, patience=10.0), Server()
    first = asyncio.ensure_future(pool.call(server.send("first"), (0, 0)))
    await settle()
    second = asyncio.ensure_future(pool.call(raising(RateLimitedError("HTTP 429", 1.0)), (0, 0)))
    await settle()
    now = time.monotonic()
    monkeypatch.setattr("cocoon.models.pool.time.monotonic", lambda: now + 10_000)
    server.answer()
    assert (await second).retries == 1
    await first


@pytest.mark.parametrize("told", [3600.0, 1e9, -5.0, float("nan")])
async def test_an_absurd_retry_after_is_bounded(told: float) -> None:
    pool = Waits(4, backoff=0.5)
    await pool.call(raising(RateLimitedError("HTTP 429", told), TransientError("503", "HTTP 503", told)), (0, 0))
    assert len(pool.waits) == 2 and all(0.25 <= wait <= 1.25 * LONGEST_REQUESTED for wait in pool.waits)


async def test_a_lone_refusal_pauses_all_and_the_pause_ends() -> None:
    pool = Pool(4, **TINY)
    refused = asyncio.ensure_future(pool.call(raising(RateLimitedError("HTTP 429", 0.05)), (0, 0)))
    await settle()
    assert pool.limiter.pause_left > 0
    server = Server()
    others = [asyncio.ensure_future(pool.call(server.send(n), (0, n))) for n in range(3)]
    await settle()
    assert server.begun == [] and pool.waiting == 3
    while not all(task.done() for task in [refused, *others]):
        await asyncio.sleep(0.001)
        while server.open:
            server.answer()
    assert server.begun == [0, 1, 2] and idle(pool)


async def test_budget_starts_no_call_too_many_and_tells() -> None:
    budget = Ledger(BudgetConfig(calls=3))
    pool, server = Pool(2, budget=budget, **TINY), Server()
    tasks = [asyncio.ensure_future(pool.call(server.send(n), (0, n))) for n in range(6)]
    for _ in range(3):
        await settle()
        server.answer()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert [each.value for each in done[:3] if not isinstance(each, BaseException)] == [0, 1, 2]
    assert all(isinstance(each, BudgetReachedError) and "3 calls" in str(each) for each in done[3:])
    assert server.begun == [0, 1, 2] and budget.open == 3 and idle(pool)
    with pytest.raises(BudgetReachedError):
        await pool.call(raising(), (0, 0))


async def test_what_the_endpoint_turned_away_costs_no_budget() -> None:
    budget = Ledger(BudgetConfig(calls=1))
    pool = Pool(4, budget=budget, **TINY)
    assert (await pool.call(raising(*[RateLimitedError("HTTP 429")] * 3), (0, 0))).value == "ok"
    assert budget.open == 1


def spending(*usages: Usage, **limits: float) -> Ledger:
    ledger = Ledger(BudgetConfig.model_validate(limits), {"m": (0, 1)})
    for usage in usages:
        ledger.add(usage)
    return ledger


def test_tokens_and_money_are_limits_too() -> None:
    with pytest.raises(BudgetReachedError, match="10 tokens"):
        spending(Usage("m", 1, 7, 3), tokens=10).start_call()
    with pytest.raises(BudgetReachedError, match=r"1\.5 is spent"):
        spending(Usage("m", 1, 0, 1_500_000), money=1.5).start_call()
    blind = spending(tokens=10)
    blind.start_call()
    blind.end_call(Usage("m"))
    with pytest.raises(BudgetReachedError, match="tells no token counts"):
        blind.start_call()


async def test_stop_lets_those_in_flight_finish_and_wakes_all_others() -> None:
    pool, server = Pool(1, backoff=3600.0), Server()
    napping = asyncio.ensure_future(pool.call(raising(TransientError("500", "HTTP 500")), (0, 0)))
    await settle()
    flying = asyncio.ensure_future(pool.call(server.send("flying"), (0, 0)))
    await settle()
    waiting = asyncio.ensure_future(pool.call(server.send("waiting"), (0, 0)))
    await settle()
    pool.stop()
    pool.stop(ValueError("a second reason does not replace the first"))
    for task in (napping, waiting):
        with pytest.raises(StoppedError, match="run the same command again"):
            await task
    server.answer()
    assert (await flying).value == "flying" and server.begun == ["flying"] and idle(pool)
    with pytest.raises(StoppedError):
        await pool.call(raising(), (0, 0))


async def test_cancelling_while_waiting_or_granted_or_sent_or_napping_leaks_no_slot() -> None:
    pool, server = Pool(1, backoff=3600.0), Server()
    flying = asyncio.ensure_future(pool.call(server.send(0), (0, 0)))
    await settle()
    waiting = asyncio.ensure_future(pool.call(server.send(1), (0, 1)))
    granted = asyncio.ensure_future(pool.call(server.send(2), (0, 2)))
    await settle()
    waiting.cancel()
    await settle()
    flying.cancel()
    await asyncio.sleep(0)
    assert pool.in_flight == 1
    granted.cancel()
    await settle()
    assert server.begun == [0] and idle(pool) and pool.budget.open == 1
    napping = asyncio.ensure_future(pool.call(raising(TransientError("500", "HTTP 500")), (0, 0)))
    await settle()
    napping.cancel()
    await settle()
    assert idle(pool)
    assert (await pool.call(raising(), (0, 0))).value == "ok"
    assert all(task.cancelled() for task in (flying, waiting, granted, napping))


@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 3), st.sampled_from("acrft")), max_size=25), st.integers(1, 4)
)
def test_no_slot_is_lost_whatever_happens(calls: list[tuple[int, int, str]], connections: int) -> None:
    """a: answered; c: cancelled; r: rate limited once; f: fails for good; t: transient once."""

    async def run() -> None:
        pool = Pool(connections, backoff=0.0)
        tasks = []
        for kind, progress, fate in calls:
            errors = {"r": [RateLimitedError("HTTP 429")], "f": [ValueError()], "t": [TransientError("500", "")]}
            send = Server().send(0) if fate == "c" else raising(*errors.get(fate, []))
            tasks.append(asyncio.ensure_future(pool.call(send, (kind, progress))))
        cut = [task for task, (_, _, fate) in zip(tasks, calls, strict=True) if fate == "c"]
        while not all(task.done() for task in tasks):
            await settle()
            for task in cut[:1]:
                task.cancel()
            del cut[:1]
        await asyncio.gather(*tasks, return_exceptions=True)
        assert idle(pool)
        assert all(task.cancelled() == (fate == "c") for task, (_, _, fate) in zip(tasks, calls, strict=True))

    asyncio.run(run())


def test_limiter_halves_at_once_and_learns_what_was_accepted(clock: Clock) -> None:
    limiter = Limiter(96)
    sent = clock.now
    clock.now += 0.01
    limiter.refused(sent, 95, 1.0)
    assert limiter.limit == 48
    for others in range(94, 31, -1):
        limiter.refused(sent, others, 1.0)
    assert limiter.limit == 32 == limiter.refused_at
    assert not limiter.room(32) and limiter.room(31) and limiter.pause_left == 0


def test_limiter_grows_quickly_to_what_was_accepted_rests_and_goes_on(clock: Clock) -> None:
    limiter = Limiter(96)
    limiter.refused(clock.now, 32, 1.0)
    clock.now += 1.0
    limiter.refused(clock.now, 32, 1.0)
    assert limiter.limit == 16
    successes = 0
    while limiter.limit < 32:
        limiter.succeeded(int(limiter.limit))
        successes += 1
    assert successes == 16
    limiter.succeeded(32)
    assert limiter.limit == 32
    clock.now += HOLD
    for _ in range(200):
        limiter.succeeded(int(limiter.limit))
    assert limiter.limit == 96


def test_limiter_does_not_grow_when_it_is_not_in_use(clock: Clock) -> None:
    limiter = Limiter(96)
    limiter.refused(clock.now, 90, 1.0)
    clock.now += 60
    for _ in range(500):
        limiter.succeeded(3)
    assert limiter.limit == 48


def test_limiter_recovers_from_an_endpoint_that_refused_everything(clock: Clock) -> None:
    limiter = Limiter(96)
    for others in range(95, -1, -1):
        limiter.refused(clock.now - 1, others, 2.0)
    assert limiter.limit == 1 and limiter.pause_left == 2.0 and not limiter.room(0)
    clock.now += HOLD
    assert limiter.room(0)
    rounds = 0
    while limiter.limit < 96:
        for _ in range(int(limiter.limit)):
            limiter.succeeded(int(limiter.limit))
        rounds += 1
    assert rounds <= 14


@given(st.lists(st.one_of(st.integers(0, 100), st.none()), max_size=200), st.integers(1, 100))
def test_limiter_stays_between_one_and_most(events: list[int | None], most: int) -> None:
    limiter = Limiter(most)
    for event in events:
        if event is None:
            limiter.succeeded(int(limiter.limit))
        else:
            limiter.refused(time.monotonic(), event, 0.0)
        assert 1 <= limiter.limit <= most
