"""A local OpenAI-compatible endpoint that answers by rule, with a latency, a concurrency cap and faults.

    python benchmarks/endpoint/server.py --port 0 --latency 0.2 --cap 32 --fault 429=0.05 --fault hang=0.01

prints its base URL on the first line. Answers depend on the prompt alone; faults on the prompt and
on how often it was asked, so that a retry can succeed. GET /stats, POST /reset and POST /settings watch and
steer it.
"""

import argparse
import asyncio
import signal
import time
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from cocoon.benchmarks.endpoint.answers import Flaw, Prompt, answer, read_prompt, service_seconds, wants_json
from cocoon.benchmarks.endpoint.http_connection import HttpConnection
from cocoon.benchmarks.endpoint.replies import completion_body, error_body, events_body, models_body
from cocoon.benchmarks.endpoint.settings import Fault, Settings, arguments
from cocoon.benchmarks.endpoint.stats import Statistics


@dataclass(slots=True, eq=False)
class Call:
    """One request on its way. Times are seconds of the epoch; `service` is the drawn time of the answer."""

    connection: HttpConnection
    prompt: Prompt
    received: float
    attempt: int = 0
    fault: Fault | None = None
    service: float = 0.0
    timer: asyncio.TimerHandle | None = None
    text: str = ""
    body: bytes = b""


class Endpoint:
    """The server behind all connections. Use `serve` to open one."""

    def __init__(self, settings: Settings, log: Path | None = None) -> None:
        self.settings = settings
        self.url = ""
        self.stats = Statistics(log.open("a", buffering=1, encoding="utf-8") if log else None)
        self._calls: dict[HttpConnection, Call] = {}
        self._attempts: Counter[str] = Counter()
        self._running: set[Call] = set()
        self._waiting: deque[Call] = deque()
        self._connections: set[HttpConnection] = set()

    def snapshot(self) -> dict[str, Any]:
        """What GET /stats tells."""
        hanging = len(self._calls) - len(self._running) - len(self._waiting)
        now = {"in_flight": len(self._running), "waiting": len(self._waiting), "hanging": hanging}
        return now | self.stats.snapshot()

    def reset(self) -> None:
        """Forget counts and attempts; calls under way go on."""
        self.stats.clear()
        self._attempts.clear()

    def close(self) -> None:
        """Drop every connection."""
        for connection in list(self._connections):
            connection.close()
        self.stats.close()

    def connected(self, connection: HttpConnection) -> None:
        self._connections.add(connection)

    def lost(self, connection: HttpConnection) -> None:
        """The client went away: free its place."""
        self._connections.discard(connection)
        if (call := self._calls.pop(connection, None)) is None:
            return
        if call.timer:
            call.timer.cancel()
        if call in self._running:
            self._running.remove(call)
        elif call.attempt == 0:
            self._waiting.remove(call)
        self.stats.abandoned(call)
        self._fill()

    def received(self, connection: HttpConnection, method: str, path: str, body: bytes) -> None:
        match method, path.split("?")[0].removeprefix("/v1"):
            case "POST", "/chat/completions":
                self._chat(connection, body)
            case "GET", "/models":
                connection.reply(200, models_body(self.settings.model))
            case "GET", "/stats":
                connection.reply(200, orjson.dumps(self.snapshot()))
            case "POST", "/reset":
                self.reset()
                connection.reply(200, b"{}")
            case "POST", "/settings":
                self._change(connection, body)
            case _:
                connection.reply(404, error_body(f"no such path: {method} {path}"))

    def _change(self, connection: HttpConnection, body: bytes) -> None:
        try:
            change = orjson.loads(body)
            self.settings = Settings.model_validate(self.settings.model_dump() | change)
        except (ValidationError, orjson.JSONDecodeError, TypeError) as error:
            connection.reply(400, error_body(str(error)))
            return
        connection.reply(200, self.settings.model_dump_json().encode())
        self._fill()

    def _chat(self, connection: HttpConnection, body: bytes) -> None:
        try:
            prompt = read_prompt(body)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            connection.reply(400, error_body(str(error)))
            return
        call = Call(connection, prompt, time.time())
        self.stats.received(call.received)
        if prompt.response_format in self.settings.refuse_response_format:
            self._refuse(call, f"response_format {prompt.response_format!r} is not supported")
        elif not self._full():
            self._calls[connection] = call
            self._start(call)
        elif self.settings.mode == "queue":
            self._calls[connection] = call
            self._waiting.append(call)
        else:
            self._send(call, 429, error_body("too many requests at once"))
            self.stats.rejected(call)

    def _full(self) -> bool:
        return self.settings.cap is not None and len(self._running) >= self.settings.cap

    def _fill(self) -> None:
        while self._waiting and not self._full():
            self._start(self._waiting.popleft())

    def _refuse(self, call: Call, message: str) -> None:
        self._send(call, 400, error_body(message))
        self.stats.refused(call)

    def _start(self, call: Call) -> None:
        self._attempts[call.prompt.sha] += 1
        call.attempt = self._attempts[call.prompt.sha]
        call.fault = self._fault(call)
        if call.fault == "429":
            self._send(call, 429, error_body("drawn fault"))
            self.stats.failed(call)
        elif call.fault != "hang":
            self._running.add(call)
            self.stats.started(len(self._running))
            call.service = service_seconds(call.prompt, self.settings.latency, self.settings.cv)
            call.timer = asyncio.get_running_loop().call_later(call.service, self._finish, call)
            self._prepare(call)

    def _fault(self, call: Call) -> Fault | None:
        if not self.settings.faults:
            return None
        chance = call.prompt.generator(f"fault:{self.settings.seed}:{call.attempt}").random()
        for fault, share in self.settings.faults.items():
            chance -= share
            if chance < 0:
                applies = fault not in ("malformed", "schema_break") or wants_json(call.prompt)
                return fault if applies else None
        return None

    def _finish(self, call: Call) -> None:
        self._running.remove(call)
        if call.fault == "500":
            self._send(call, 500, error_body("drawn fault"))
            self.stats.failed(call)
        elif call.fault == "cut":
            del self._calls[call.connection]
            call.connection.cut(call.body)
            self.stats.failed(call)
        else:
            self._send(call, 200, call.body, b"text/event-stream" if call.prompt.stream else b"application/json")
            self.stats.answered(call, call.text)
        self._fill()

    def _prepare(self, call: Call) -> None:
        """Write the answer while its latency runs, so that the endpoint's own work adds nothing to it."""
        flaw: Flaw | None = call.fault if call.fault in ("malformed", "schema_break") else None
        call.text = answer(call.prompt, self.settings.answer_bytes, self.settings.ignore_schema, flaw)
        write = events_body if call.prompt.stream else completion_body
        call.body = write(call.prompt, call.text, call.received)

    def _send(self, call: Call, status: int, body: bytes, kind: bytes = b"application/json") -> None:
        self._calls.pop(call.connection, None)
        extra = b"Retry-After: %g\r\n" % self.settings.retry_after if status == 429 else b""
        call.connection.reply(status, body, kind, extra)


@asynccontextmanager
async def serve(settings: Settings | None = None, port: int = 0, log: Path | None = None) -> AsyncIterator[Endpoint]:
    """An endpoint on 127.0.0.1 for the length of the block; `url` is its OpenAI base URL, ending in /v1."""
    endpoint = Endpoint(settings or Settings(), log)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: HttpConnection(endpoint), "127.0.0.1", port, backlog=2048)
    endpoint.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield endpoint
    finally:
        server.close()
        endpoint.close()
        await asyncio.sleep(0)
        await server.wait_closed()


async def _run(settings: Settings, port: int, log: Path | None) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with serve(settings, port, log) as endpoint:
        print(endpoint.url, flush=True)
        await stop.wait()


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--log", type=Path, help="append one JSON line per request to this file")
    settings, options = arguments(parser)
    asyncio.run(_run(settings, options.port, options.log))


if __name__ == "__main__":
    main()
