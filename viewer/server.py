"""Serve the trace page on 127.0.0.1 while the run continues."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from cocoon.core.errors import CocoonError
from cocoon.serving.guard import guarded_application, is_secret, new_secret
from cocoon.serving.loopback import served_on_loopback
from cocoon.viewer.page import PAGES, RunPage, Since, page_file, refusal

_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
_LONGEST_SERIAL = 15


def trace_application(page: RunPage, secret: str) -> web.Application:
    """Return the web application of a run: the same files as on disk, created when they are requested.

    They are in a folder that has the name of the secret.
    """
    lock = asyncio.Lock()

    def check_secret(request: web.Request) -> None:
        if not is_secret(request.match_info.get("secret", ""), secret):
            raise web.HTTPNotFound(text="not found: open the address that `cocoon view` printed last")

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

    app = guarded_application(check_secret)
    app.add_routes([web.get("/{secret}/{name:.*}", file)])
    return app


def _data(page: RunPage, name: str, since: Since) -> str | None:
    try:
        return page.data(name, since)
    except CocoonError as error:
        # The page shows the error. A file that was fixed is read at the next request.
        return refusal(name, str(error))


def _since(request: web.Request) -> Since:
    serials = [request.query.get(name, "0") for name in ("since", "others")]
    first, second = (int(serial) if _is_serial(serial) else 0 for serial in serials)
    return first, second


def _is_serial(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_SERIAL


def _answer(text: str, kind: str) -> web.Response:
    return web.Response(body=text.encode("utf-8", "surrogatepass"), content_type=_TYPES[kind], charset="utf-8")


@asynccontextmanager
async def served_run(page: RunPage, port: int = 0) -> AsyncIterator[str]:
    """Serve a run for the length of the block and yield the address, which has a secret of this start.

    Raises CocoonError for a port that is taken.
    """
    secret = new_secret()
    async with served_on_loopback(trace_application(page, secret), port) as address:
        yield f"{address}/{secret}/"
