"""The base of every server of this program: on 127.0.0.1, and only for requests made to its own names.

Pages have a strict content policy too, and browsers store nothing of them.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Set
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from cocoon.core.errors import CocoonError
from cocoon.core.outside.interrupts import stop_signals

LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


@web.middleware
async def _checked(request: web.Request, handler: Handler) -> web.StreamResponse:
    if not is_for_names(request, LOCAL_NAMES):
        raise web.HTTPForbidden(text="this page answers only requests made to its own address")
    if request.method == "POST" and request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="send application/json")
    try:
        answer = await handler(request)
    except web.HTTPException as refused:
        refused.headers.update(HEADERS)
        raise
    answer.headers.update(HEADERS)
    return answer


def loopback() -> Middleware:
    """Return the middleware of all pages."""
    return _checked


def is_for_names(request: web.Request, names: Set[str]) -> bool:
    """Return whether a request was made to one of these names, by no page of another site.

    The Host header reveals a page that rebinds its name to 127.0.0.1, and Origin reveals a page of another site.
    """
    addresses = [f"//{request.headers.get('Host', '')}", *request.headers.getall("Origin", [])]
    return all(_host(address) in names for address in addresses)


@asynccontextmanager
async def served_on_loopback(
    app: web.Application, port: int = 0, *, grace: float = 2, cancels: bool = False
) -> AsyncIterator[str]:
    """Serve an application on 127.0.0.1 for the length of the block, and yield its address.

    `port` 0 takes a free port. At the end the server waits `grace` seconds for open requests. With `cancels` the work
    on a request ends when its client goes away. Raises CocoonError for a port that is taken.
    """
    runner = web.AppRunner(app, handler_cancellation=cancels, access_log=None, shutdown_timeout=grace)
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


def _host(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
