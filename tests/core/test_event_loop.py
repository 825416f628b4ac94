"""The event loop of commands: uvloop's where it is installed, else asyncio's."""

import asyncio
import sys
import time

import pytest

from cocoon.core.outside import event_loop


async def loop_module() -> str:
    """The package of the loop that this runs in."""
    return type(asyncio.get_running_loop()).__module__.split(".")[0]


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop is not made for Windows")
def test_commands_run_in_uvloop() -> None:
    assert event_loop.run_coroutine(loop_module()) == "uvloop"


def test_without_uvloop_commands_run_in_asyncio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_loop, "find_spec", lambda _: None)
    assert event_loop.run_coroutine(loop_module()) == "asyncio"


def test_an_error_is_raised_to_the_caller() -> None:
    async def fail() -> None:
        raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        event_loop.run_coroutine(fail())


async def test_jobs_wait_while_others_are_at_work() -> None:
    done: list[int] = []
    idle, ends = event_loop.IdleMoments(), time.monotonic() + 0.3

    async def busy() -> None:
        while time.monotonic() < ends:
            time.sleep(0.002)
            await asyncio.sleep(0)
        assert not done

    work = asyncio.ensure_future(busy())
    for number in range(3):
        idle.put(number, lambda number=number: done.append(number))
    idle.drop(1)
    await work
    for _ in range(500):
        await asyncio.sleep(0.02 if len(idle) else 0)
    assert done == [0, 2] and not len(idle)


async def test_a_job_that_fails_keeps_no_other_from_being_done() -> None:
    done: list[str] = []
    idle = event_loop.IdleMoments()
    idle.put("fails", lambda: 1 / 0)
    idle.put("is done", lambda: done.append("is done"))
    for _ in range(500):
        await asyncio.sleep(0.02 if len(idle) else 0)
    assert done == ["is done"]
