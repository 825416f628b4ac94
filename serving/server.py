"""An OpenAI-compatible server for local models: chat completions, complete or streamed, in batches across all clients.

Requests that arrive while a batch is written wait and are then written together, whatever their lengths, seeds, schemas
and coefficients. The local model's own batcher does this.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web
from langchain_core.messages import AIMessage

from cocoon.models.local.model import LocalChat, describe
from cocoon.models.local.weights import model_hash
from cocoon.serving.api_errors import ApiError, as_api_error, openai_errors
from cocoon.serving.api_key import key_check
from cocoon.serving.chat_request import ChatRequest, read_request
from cocoon.serving.completion import Head
from cocoon.serving.guard import LOCAL_NAMES, guarded_application, new_secret
from cocoon.serving.loopback import served_on_loopback
from cocoon.serving.schema_check import SchemaCheck
from cocoon.serving.stream import Streams

_LARGEST_REQUEST = 4 * 1024 * 1024
# Seconds that unfinished replies have to end when the server stops.
_GRACE = 5.0


@dataclass(frozen=True)
class Limits:
    """Limits of the server.

    `max_tokens` is the limit of one reply, also where a request names none. `waiting` is the number of choices asked
    for at once. `schema_seconds` is the time that compiling a new schema may take.
    """

    max_tokens: int = 1024
    waiting: int = 256
    schema_seconds: float = 10.0


@dataclass
class Server:
    """The models by the names that clients use. All of them are local. Clients send `key` as their API key."""

    models: Mapping[str, LocalChat]
    limits: Limits = field(default_factory=Limits)
    allowed_hosts: frozenset[str] = frozenset()
    key: str = field(default_factory=new_secret)
    started: int = field(default_factory=lambda: int(time.time()))

    def __post_init__(self) -> None:
        self._under_way = 0
        self._schemas = SchemaCheck(self.limits.schema_seconds)
        self._fingerprints = {
            name: f"cocoon-{print_}" if (print_ := model_hash(chat.weights.network)) else None
            for name, chat in self.models.items()
        }

    def app(self) -> web.Application:
        """Return the web application."""
        app = guarded_application(
            key_check(self.key),
            names=LOCAL_NAMES | self.allowed_hosts,
            largest_body=_LARGEST_REQUEST,
            outer=[openai_errors],
        )
        app.router.add_get("/health", self._health)
        app.router.add_get("/v1/models", self._list)
        app.router.add_get("/v1/models/{name:.+}", self._get_model)
        app.router.add_post("/v1/chat/completions", self._chat)
        return app

    async def _health(self, request: web.Request) -> web.Response:  # noqa: ARG002 (aiohttp's signature)
        return _json({"status": "ok", "under_way": self._under_way})

    async def _list(self, request: web.Request) -> web.Response:  # noqa: ARG002
        return _json({"object": "list", "data": [self._card(name) for name in self.models]})

    async def _get_model(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        self._model(name)
        return _json(self._card(name))

    def _card(self, name: str) -> dict[str, Any]:
        facts = describe(self.models[name])
        facts.pop("name")
        return {"id": name, "object": "model", "created": self.started, "owned_by": "cocoon", "cocoon": facts}

    def _model(self, name: str) -> LocalChat:
        if name not in self.models:
            known = ", ".join(map(repr, self.models))
            raise ApiError(
                404, f"no model {name[:80]!r} here; there are {known}", code="model_not_found", param="model"
            )
        return self.models[name]

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        chat_request = read_request(await request.read())
        model = self._model(chat_request.model)
        with self._counted(chat_request.n or 1):
            await self._schemas.check(model.base, chat_request.response_format)
            head = Head(chat_request.model, self._fingerprints[chat_request.model], _steered(model, chat_request))
            if chat_request.stream:
                return await self._stream(request, chat_request, model, head)
            return _json(head.completion(await self._replies(chat_request, model)))

    @contextlib.contextmanager
    def _counted(self, choices: int) -> Any:
        if self._under_way and self._under_way + choices > self.limits.waiting:
            raise ApiError(429, f"{self._under_way} replies are being written or wait; try again")
        self._under_way += choices
        try:
            yield
        finally:
            self._under_way -= choices

    async def _replies(self, chat_request: ChatRequest, model: LocalChat) -> Sequence[AIMessage]:
        """Return all choices, written together. The first failure ends the others."""
        async with _unwrapped(), asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._reply(chat_request, model, choice)) for choice in range(chat_request.n or 1)
            ]
        return [task.result() for task in tasks]

    async def _reply(self, chat_request: ChatRequest, model: LocalChat, choice: int) -> AIMessage:
        settings = chat_request.settings(self.limits.max_tokens, choice)
        return await model.ainvoke(chat_request.talk, stop=chat_request.stop_words, **settings)

    async def _stream(
        self, request: web.Request, chat_request: ChatRequest, model: LocalChat, head: Head
    ) -> web.StreamResponse:
        settings = [chat_request.settings(self.limits.max_tokens, choice) for choice in range(chat_request.n or 1)]
        with_usage = chat_request.stream_options is not None and chat_request.stream_options.include_usage
        async with Streams(model, chat_request.talk, chat_request.stop_words, settings) as streams:
            events = streams.events(head, with_usage=with_usage)
            # Nothing is sent before this, so a request that cannot be answered at all gets its own status.
            first = await anext(events)
            headers = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}
            response = web.StreamResponse(headers=headers)
            await response.prepare(request)
            await response.write(_event(first))
            try:
                async for event in events:
                    await response.write(_event(event))
            except ConnectionError:
                return response
            except Exception as error:
                await response.write(_event(as_api_error(error).body()))
            await response.write(b"data: [DONE]\n\n")
            await response.write_eof()
        return response


def _steered(model: LocalChat, chat_request: ChatRequest) -> dict[str, Any]:
    if model.control is None:
        return {}
    return {"steer": {"coefficient": chat_request.steer.coefficient if chat_request.steer else model.coefficient}}


@asynccontextmanager
async def _unwrapped() -> AsyncIterator[None]:
    """Raise the first error of a task group by itself."""
    try:
        yield
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None


def _json(value: dict[str, Any]) -> web.Response:
    return web.Response(body=orjson.dumps(value), content_type="application/json")


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"


@asynccontextmanager
async def serve_models(server: Server, port: int = 0) -> AsyncIterator[str]:
    """Serve on 127.0.0.1 for the length of the block and yield the base URL, ending in /v1.

    `port` 0 takes a free port. At the end the server waits a short time for unfinished replies. Raises CocoonError for
    a port that is taken.
    """
    async with served_on_loopback(server.app(), port, grace=_GRACE, cancels=True) as address:
        yield f"{address}/v1"
