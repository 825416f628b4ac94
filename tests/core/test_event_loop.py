"""The event loop of commands: uvloop's where it is installed, else asyncio's."""

import asyncio
import sys

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
