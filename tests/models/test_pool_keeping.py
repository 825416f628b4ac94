"""A connection of the pool is busy until the answer that it brought is stored."""

import asyncio
import gc
from typing import Any

import pytest

from cocoon.core.errors import NotSavedError
from cocoon.models.pool import DIALOGUE, Pool, RequestOutcome
from cocoon.tests.models.pool_cases import Server, settle


async def test_a_connection_is_free_once_its_answer_is_kept() -> None:
    server, pool, kept = Server(), Pool(1), asyncio.Event()

    async def keep(_: RequestOutcome[Any]) -> None:
        await kept.wait()

    first = asyncio.create_task(pool.call(server.send("first"), (DIALOGUE, 1), keep))
    second = asyncio.create_task(pool.call(server.send("second"), (DIALOGUE, 1)))
    await settle()
    server.answer()
    await settle()
    assert (server.begun, pool.in_flight, first.done()) == (["first"], 1, False)
    kept.set()
    await settle()
    assert (server.begun, pool.in_flight, first.done()) == (["first", "second"], 1, True)
    server.answer()
    assert (await second).value == "second" and pool.in_flight == 0


async def test_an_answer_that_cannot_be_kept_frees_its_connection_all_the_same() -> None:
    async def keep(_: RequestOutcome[Any]) -> None:
        raise NotSavedError("no space left")

    async def send() -> str:
        return "answer"

    pool = Pool(1)
    with pytest.raises(NotSavedError):
        await pool.call(send, (DIALOGUE, 1), keep)
    assert pool.in_flight == 0


async def test_a_request_leaves_nothing_to_the_garbage_collector() -> None:
    pool = Pool(4)

    async def send() -> str:
        await asyncio.sleep(0)
        return "words"

    await pool.call(send, (0, 0))
    gc.collect()
    gc.disable()
    try:
        for number in range(50):
            await asyncio.ensure_future(pool.call(send, (0, number)))
        assert gc.collect() < 50
    finally:
        gc.enable()
