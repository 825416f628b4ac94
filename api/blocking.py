"""Runs a coroutine from ordinary code, under a running event loop too (as in a notebook)."""

import asyncio
import contextvars
import functools
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, ParamSpec, TypeVar

from cocoon.core.errors import StoppedError
from cocoon.core.outside.event_loop import run_coroutine
from cocoon.running.frame import interrupt

P = ParamSpec("P")
T = TypeVar("T")


def blocking(function: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """Return the function as one that waits for its result, named without `_async`."""

    @functools.wraps(function)
    def waits(*arguments: P.args, **options: P.kwargs) -> T:
        return wait_for(function(*arguments, **options))

    waits.__name__ = function.__name__.removesuffix("_async")
    waits.__qualname__ = waits.__name__
    # The twin's own signature is not a coroutine's.
    del waits.__wrapped__
    return waits


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """Return what a coroutine gives. Raises StoppedError when a second Ctrl-C stopped it at once."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _run(work)
    return _run_in_thread(work)


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        return run_coroutine(work)
    except asyncio.CancelledError:
        raise StoppedError("stopped at once; the same command goes on from the last answered call") from None


def _run_in_thread(work: Coroutine[Any, Any, T]) -> T:
    """Run beside the loop that is already running here, which is blocked meanwhile as by any other call.

    The thread keeps the context of the caller, so that what it prints reaches the caller's cell of a notebook. An
    interrupt stops the session as Ctrl-C does in a terminal, and is raised again when the session has ended.
    """
    loops: list[asyncio.AbstractEventLoop] = []
    outcome: list[T] = []
    errors: list[BaseException] = []

    async def noted() -> T:
        loops.append(asyncio.get_running_loop())
        return await work

    def run() -> None:
        try:
            outcome.append(_run(noted()))
        except BaseException as error:
            errors.append(error)
        finally:
            ended.set()

    ended = threading.Event()
    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), name="cocoon")
    thread.start()
    interrupted = _waited(ended, loops)
    thread.join()
    if errors:
        raise errors[0]
    if interrupted is not None:
        raise interrupted
    return outcome[0]


def _waited(ended: threading.Event, loops: Sequence[asyncio.AbstractEventLoop]) -> KeyboardInterrupt | None:
    """Wait for the end of the work, pass interrupts on to its loop, and return the first of them.

    An event and not `Thread.join`, which on Python 3.11 takes an interrupted thread for one that has ended.
    """
    first = None
    while not ended.is_set():
        try:
            ended.wait()
        except KeyboardInterrupt as error:
            first = first or error
            for loop in loops:
                interrupt(loop)
    return first
