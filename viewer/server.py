"""Serve the trace page on 127.0.0.1 while the run continues."""

import asyncio
from contextlib import AbstractAsyncContextManager

from aiohttp import web

from cocoon.core.errors import CocoonError
from cocoon.serving.loopback import loopback, served_on_loopback
from cocoon.viewer.page import PAGES, RunPage, Since, page_file, refusal

_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}


def trace_application(page: RunPage) -> web.Application:
    """Return the web application of a run: the same files as on disk, created when they are requested."""
    lock = asyncio.Lock()

    async def file(request: web.Request) -> web.Response:
        name = request.match_info["name"] or "view.html"
        if name in PAGES:
            return _answer(page_file(name), name.rpartition(".")[2])
        if not name.endswith(".js"):
            raise web.HTTPNotFound(text="not found")
        # One request at a time, because the readers keep what they have read.
        async with lock:
            text = await asyncio.to_thread(_data, page, name.removesuffix(".js"), _since(request))
        if text is None:
            raise web.HTTPNotFound(text="not found")
        return _answer(text, "js")

    app = web.Application(middlewares=[loopback()])
    app.add_routes([web.get("/{name:.*}", file)])
    return app


def _data(page: RunPage, name: str, since: Since) -> str | None:
    try:
        return page.data(name, since)
    except CocoonError as error:
        # The page shows the error. A file that was fixed is read at the next request.
        return refusal(name, str(error))


def _since(request: web.Request) -> Since:
    serials = [request.query.get(name, "0") for name in ("since", "others")]
    first, second = (int(serial) if serial.isascii() and serial.isdigit() else 0 for serial in serials)
    return first, second


def _answer(text: str, kind: str) -> web.Response:
    return web.Response(body=text.encode("utf-8", "surrogatepass"), content_type=_TYPES[kind], charset="utf-8")


def served_run(page: RunPage, port: int = 0) -> AbstractAsyncContextManager[str]:
    """Serve a run for the length of the block and yield the address. Raises CocoonError for a port that is taken."""
    return served_on_loopback(trace_application(page), port)
