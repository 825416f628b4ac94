"""Serve the rating page on 127.0.0.1: one link per rater, every answer committed before the page continues."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib import resources
from typing import Any

from aiohttp import web

from cocoon.core.errors import CocoonError
from cocoon.human.desk import Desk
from cocoon.serving.guard import guarded_application, read_json_object
from cocoon.serving.loopback import served_on_loopback

_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
Act = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]


def rating_application(desk: Desk) -> web.Application:
    """Return the web application of a study."""
    page = _Page(desk)
    app = guarded_application(page.check_token)
    app.add_routes(
        [
            web.get("/r/{token}", page.html),
            web.get("/static/{name}", page.static),
            web.get("/api/{token}/state", page.state),
            web.post("/api/{token}/consent", page.posted(page.consent)),
            web.post("/api/{token}/answer", page.posted(page.answer)),
            web.post("/api/{token}/chat", page.posted(page.chat)),
            web.post("/api/{token}/withdraw", page.withdraw),
        ]
    )
    return app


class _Page:
    """The handlers of the page. A rater's token is the secret of their link, and an unknown token gets nothing."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._turn: dict[str, asyncio.Lock] = {}

    def check_token(self, request: web.Request) -> None:
        """Refuse a token that no rater has. What has no token in its address is the same for everybody."""
        if "token" in request.match_info:
            self._rater(request)

    def _rater(self, request: web.Request) -> str:
        rater = self.desk.store.rater_of(request.match_info["token"])
        if rater is None:
            raise web.HTTPNotFound(text="not found")
        return rater

    async def html(self, _: web.Request) -> web.Response:
        return _file("rating.html")

    async def static(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in ("rating.css", "rating.js", "rating_words.js"):
            raise web.HTTPNotFound(text="not found")
        return _file(name)

    async def state(self, request: web.Request) -> web.Response:
        language = "zh" if request.query.get("language") == "zh" else "en"
        if "language" not in request.query:
            language = self.desk.material.study.language
        return web.json_response(self.desk.state(self._rater(request), language, request.query.get("item")))

    def posted(self, act: Act) -> Callable[[web.Request], Awaitable[web.Response]]:
        """Return a handler that reads a JSON object and reports what was refused.

        It runs one request of a rater at a time.
        """

        async def handler(request: web.Request) -> web.Response:
            rater = self._rater(request)
            body = await read_json_object(request)
            async with self._turn.setdefault(rater, asyncio.Lock()):
                try:
                    return web.json_response(await act(rater, body))
                except CocoonError as error:
                    flagged = self.desk.speaks_of_risk(rater)
                    return web.json_response({"error": str(error), "flagged": flagged}, status=409)

        return handler

    async def consent(self, rater: str, body: dict[str, Any]) -> dict[str, Any]:
        self.desk.consent(rater, body.get("sha"))
        return {}

    async def answer(self, rater: str, body: dict[str, Any]) -> dict[str, Any]:
        self.desk.answer(rater, self.desk.named(rater, body.get("item")), body.get("key"), body.get("value"))
        return {}

    async def chat(self, rater: str, body: dict[str, Any]) -> dict[str, Any]:
        fields = (body.get(name) for name in ("which", "text", "turn"))
        return await self.desk.chat(rater, self.desk.named(rater, body.get("item")), *fields)

    async def withdraw(self, request: web.Request) -> web.Response:
        # A withdrawal does not wait for its turn, so that a slow simulated user never delays it.
        await self.desk.withdraw(self._rater(request))
        return web.json_response({})


def _file(name: str) -> web.Response:
    text = resources.files("cocoon.human").joinpath("pages", name).read_text("utf-8")
    ending = name[name.rindex(".") :]
    return web.Response(text=text, content_type=_TYPES[ending], charset="utf-8")


@asynccontextmanager
async def served_study(desk: Desk, port: int = 0) -> AsyncIterator[str]:
    """Serve a study and yield the address.

    Raises CocoonError for a port that is taken.
    """
    try:
        async with served_on_loopback(rating_application(desk), port) as address:
            yield address
    finally:
        await desk.close()
