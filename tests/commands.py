"""The command line in this process, and servers for it to talk to, in threads of their own."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from typer.testing import CliRunner

from cocoon.benchmarks.endpoint.server import serve
from cocoon.benchmarks.endpoint.settings import Settings
from cocoon.cli.main import app
from cocoon.core.errors import CocoonError

Answer = Callable[[dict[str, Any]], tuple[int, Any]]


@dataclass(frozen=True)
class Done:
    """How a command ended: its exit code, data (stdout) and messages (stderr)."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def cocoon(*arguments: str, typed: str = "", environment: Mapping[str, str | None] | None = None) -> Done:
    """Run `cocoon ARGUMENTS` with `typed` on standard input; an error of ours ends as `cli.main.run` ends it."""
    done = CliRunner().invoke(app, list(arguments), input=typed, env=environment)
    if isinstance(done.exception, CocoonError):
        return Done(done.exception.exit_code, done.stdout, f"{done.stderr}cocoon: {done.exception}\n")
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Done(done.exit_code, done.stdout, done.stderr)


@contextmanager
def endpoint(settings: Settings | None = None) -> Iterator[str]:
    """The benchmark endpoint in a thread; its model spec."""
    loop = asyncio.new_event_loop()
    ready, stop, found = threading.Event(), asyncio.Event(), list[str]()

    async def work() -> None:
        async with serve(settings or Settings()) as server:
            found.append(f"{server.url}#bench")
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(work()))
    thread.start()
    ready.wait()
    try:
        yield found[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@contextmanager
def server(answer: Answer) -> Iterator[str]:
    """A server that answers chat requests with (status, body) of `answer`; its model spec."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, body = answer(request | {"authorization": self.headers.get("Authorization")})
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_address[1]}/v1#odd"
        finally:
            listening.shutdown()
            thread.join()


def said(text: str, **more: Any) -> tuple[int, Any]:
    """A chat completion of one choice."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    return 200, {"id": "1", "object": "chat.completion", "created": 0, "model": "odd", "choices": [choice], **more}


def refused(message: str, status: int = 400) -> tuple[int, Any]:
    """An error as OpenAI words it."""
    return status, {"error": {"message": message, "type": "invalid_request_error"}}
