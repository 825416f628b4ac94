"""The base of every server of this program: it listens on 127.0.0.1, until Ctrl-C."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from cocoon.core.errors import CocoonError
from cocoon.core.outside.interrupts import stop_signals


@asynccontextmanager
async def served_on_loopback(
    app: web.Application, port: int = 0, *, grace: float = 2, cancels: bool = False
) -> AsyncIterator[str]:
    """Serve an application on 127.0.0.1 for the length of the block, and yield its address.

    It is one of `guarded_application`. Nothing inflates a compressed body.

    `port` 0 takes a free port. At the end the server waits `grace` seconds for open requests. With `cancels` the work
    on a request ends when its client goes away. Raises CocoonError for a port that is taken.
    """
    runner = web.AppRunner(
        app, handler_cancellation=cancels, access_log=None, shutdown_timeout=grace, auto_decompress=False
    )
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
        except OSError as error:
            raise CocoonError(f"port {port} cannot be opened ({error.strerror}); give another --port") from None
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class StopSignal(asyncio.Event):
    """An event that a signal sets, and the number of that signal."""

    number = int(signal.SIGINT)

    def ask(self, number: int) -> None:
        """Set the event because of a signal."""
        self.number = number
        self.set()


def stop_signal() -> StopSignal:
    """Return an event that Ctrl-C, SIGTERM or SIGHUP sets, from now on."""
    stop = StopSignal()
    for number in stop_signals():
        asyncio.get_running_loop().add_signal_handler(number, stop.ask, number)
    return stop
