"""A local endpoint for provider batches: files up, batches of them, states, expiry, partial failure, files down.

    python -m cocoon.benchmarks.endpoint.batches --port 0

prints its base URL on the first line. It answers as the benchmark endpoint does, by the request alone, and takes single
chat requests too. What it was asked is kept in memory, so that a test or a benchmark can count it.
"""

import argparse
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from cocoon.benchmarks.endpoint.answers import answer, read_prompt
from cocoon.benchmarks.endpoint.replies import completion_body

Body = dict[str, Any]
Hook = Callable[[str, str], None]


@dataclass(frozen=True)
class Faults:
    """What goes wrong. A call fails, expires or is refused at its first asking by a draw of its own request.

    `failing` calls get status 500, `expired` ones are left out of a batch that then ends as expired, and `refused` is
    the status with which every call with a schema is refused.
    """

    failing: float = 0.0
    expired: float = 0.0
    refused: int | None = None


@dataclass
class BatchEndpoint:
    """The server's memory. A batch has ended when it was looked at `looks` times.

    `expired_as` is the state of a batch that leaves calls out. `answered` counts the answers to each request, single
    ones too. `hook` is told of every request ("POST /v1/batches") before and after it is carried out.
    """

    faults: Faults = field(default_factory=Faults)
    looks: int = 2
    hook: Hook = lambda *_: None
    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, Body] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    expired_as: str = "expired"
    single: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def handle(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        """Return status and body for a request."""
        parts = urlsplit(path)
        match method, *parts.path.removeprefix("/v1/").split("/"):
            case "POST", "files":
                return _json({"id": self._put(body.split(b"\r\n\r\n")[-1].rpartition(b"\r\n--")[0])})
            case "POST", "batches":
                return _json(self._create(orjson.loads(body)))
            case "GET", "batches":
                return _json(self._page(parse_qs(parts.query).get("after", [""])[0]))
            case "GET", "batches", name if name in self.batches:
                return _json(self._look(self.batches[name]))
            case "GET", "files", name, "content" if name in self.files:
                return 200, self.files[name]
            case "POST", "chat", "completions":
                self.single += 1
                status, answered = self._answer(body)
                return status, orjson.dumps(answered)
            case _:
                return _json({"error": {"message": f"no such path: {method} {path}"}}, 404)

    def _put(self, content: bytes) -> str:
        name = f"file-{len(self.files)}"
        self.files[name] = content
        return name

    def _create(self, order: Body) -> Body:
        name = f"batch_{len(self.batches)}"
        total = len(self.files[order["input_file_id"]].splitlines())
        counts = {"completed": 0, "failed": 0, "total": total}
        batch = {"id": name, "object": "batch", "status": "validating", "request_counts": counts, "looks": 0, **order}
        self.batches[name] = batch
        return batch

    def _page(self, after: str) -> Body:
        """Two batches a page, so that whoever looks for one has to turn pages."""
        names = list(self.batches)
        start = names.index(after) + 1 if after else 0
        return {"data": [self.batches[name] for name in names[start : start + 2]], "has_more": start + 2 < len(names)}

    def _look(self, batch: Body) -> Body:
        batch["looks"] += 1
        if batch["status"] in ("validating", "in_progress"):
            batch["status"] = "in_progress"
            if batch["looks"] >= self.looks:
                self._finish(batch)
        return batch

    def _finish(self, batch: Body) -> None:
        answers: list[bytes] = []
        errors: list[bytes] = []
        left_out = 0
        for line in self.files[batch["input_file_id"]].splitlines():
            request = orjson.loads(line)
            body = orjson.dumps(request["body"])
            if self._draw(body, "expired") < self.faults.expired and not self.seen[_key(body)]:
                self.seen[_key(body)] += 1
                left_out += 1
                continue
            status, answered = self._answer(body, batched=True)
            response = {"status_code": status, "request_id": "r", "body": answered}
            reply = {"id": "r", "custom_id": request["custom_id"], "response": response, "error": None}
            (answers if status == 200 else errors).append(orjson.dumps(reply))
        batch["status"] = self.expired_as if left_out else "completed"
        batch["request_counts"] |= {"completed": len(answers), "failed": len(errors)}
        # In the order in which they were done, which is none in particular.
        batch["output_file_id"] = self._put(b"\n".join(reversed(answers)))
        batch["error_file_id"] = self._put(b"\n".join(errors)) if errors else None

    def _answer(self, body: bytes, *, batched: bool = False) -> tuple[int, Body]:
        prompt = read_prompt(body)
        first = not self.seen[_key(body)]
        self.seen[_key(body)] += 1
        if self.faults.refused and prompt.response_format == "json_schema":
            return self.faults.refused, {"error": {"message": "response_format is not supported"}}
        if batched and first and self._draw(body, "failing") < self.faults.failing:
            return 500, {"error": {"message": "drawn fault"}}
        self.answered[_key(body)] += 1
        return 200, orjson.loads(completion_body(prompt, answer(prompt, 280, prose=False), 0.0))

    @staticmethod
    def _draw(body: bytes, purpose: str) -> float:
        return read_prompt(body).generator(purpose).random()


def _key(body: bytes) -> str:
    return read_prompt(body).sha


def _json(value: Body, status: int = 200) -> tuple[int, bytes]:
    return status, orjson.dumps(value)


@contextmanager
def batch_endpoint(faults: Faults | None = None, port: int = 0, *, looks: int = 2) -> Iterator[BatchEndpoint]:
    """Yield an endpoint on 127.0.0.1. `url` is its OpenAI base URL, ending in /v1."""
    endpoint = BatchEndpoint(faults or Faults(), looks)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._serve("GET")

        def do_POST(self) -> None:
            self._serve("POST")

        def _serve(self, method: str) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            name = f"{method} {self.path}"
            with endpoint.lock:
                endpoint.hook(name, "before")
                status, text = endpoint.handle(method, self.path, body)
                endpoint.hook(name, "after")
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)
            except ConnectionError:
                # The client was killed.
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        endpoint.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield endpoint
        finally:
            server.shutdown()
            thread.join()


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--failing", type=float, default=0.0, help="share of calls that fail at first")
    parser.add_argument("--expired", type=float, default=0.0, help="share of calls that expire at first")
    options = parser.parse_args()
    with batch_endpoint(Faults(options.failing, options.expired), options.port) as endpoint:
        print(endpoint.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
