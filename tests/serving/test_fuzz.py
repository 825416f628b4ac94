"""Requests that nobody would write, sent to the three servers as bytes: none ends in an error of the server."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cocoon.core.jsonl import dump_line
from cocoon.human.server import served_study
from cocoon.models.local.base import LocalBase
from cocoon.models.local.model import LocalChat
from cocoon.running.reading.reader import RunReader
from cocoon.serving.server import Limits, Server, serve_models
from cocoon.tests.human.human_study_cases import TOPIC, agree, desk, dialogue, study
from cocoon.tests.models.local import tiny_models as tiny
from cocoon.tests.serving.serve_cases import HELD, KEY, SCHEMA, TALK
from cocoon.viewer.page import RunPage
from cocoon.viewer.server import served_run

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "60"))
FUZZ = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES == 60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
ODD_TEXT = st.text(max_size=12) | st.sampled_from(
    ["\ud800", "\x00", "..", "%ff", "9" * 5000, "a" * 7000, "∞", "\u202e"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | ODD_TEXT | st.just(10**400)
VALUES = st.recursive(
    SCALARS, lambda deeper: st.lists(deeper, max_size=3) | st.dictionaries(ODD_TEXT, deeper, max_size=3), max_leaves=6
)
ODD_BODIES = st.binary(max_size=40) | st.sampled_from(
    [b"[" * 9000, b"\xff", b'"x"', b"9" * 9000, b"\xef\xbb\xbf{}", b""]
)
HEADERS = st.sampled_from(
    [
        (b"Host", b"evil.example"),
        (b"Host", b"[::1"),
        (b"Origin", b"http://[x"),
        (b"Origin", b"\xff"),
        (b"Authorization", b"Bearer \xff\xfe"),
        (b"Sec-Fetch-Site", b"\xff"),
        (b"Content-Type", b"application/json; charset=\xff"),
        (b"Content-Type", b"application/json; charset=utf-7"),
        (b"Content-Type", b"multipart/form-data"),
        (b"Content-Encoding", b"gzip"),
        (b"Content-Length", b"-1"),
        (b"Transfer-Encoding", b"chunked"),
        (b"Expect", b"100-continue"),
        (b"Upgrade", b"websocket"),
        (b"Range", b"bytes=9-1"),
        (b"Cookie", b"\xff=;;"),
    ]
)
Fields = st.SearchStrategy[dict[str, Any]]
ODD_FIELDS: Fields = st.dictionaries(ODD_TEXT, VALUES, max_size=2)


def changed(fields: dict[str, Any]) -> Fields:
    """The fields of a good body, one of them replaced, or another one beside them."""
    return st.builds(lambda name, value: fields | {name: value}, st.sampled_from(list(fields)) | ODD_TEXT, VALUES)


def requests(paths: list[str], bodies: Fields) -> st.SearchStrategy[bytes]:
    """Whole requests to some of these paths: half of them with odd bodies alone, half odd in each way."""
    path = st.sampled_from(paths)
    odd = ODD_TEXT.map(lambda text: text.encode("utf-8", "surrogatepass").replace(b"\r", b"").replace(b"\n", b""))
    tail = st.just(b"") | odd | st.builds(lambda name: b"?since=" + name + b"&item=" + name + b"&language=", odd)
    method = st.sampled_from([b"GET", b"POST", b"POST", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"DELETE", b"X\xff"])
    body = bodies.map(lambda fields: json.dumps(fields).encode()) | ODD_BODIES
    address = st.builds(lambda start, end: start.encode() + end, path, tail)
    plain = st.builds(request_of, st.sampled_from([b"GET", b"POST", b"POST"]), path, bodies)
    return plain | st.builds(_as_bytes, method, address, st.lists(HEADERS, max_size=1), body)


def request_of(method: bytes, path: str, body: dict[str, Any] | None = None) -> bytes:
    """A request that a good client sends."""
    return _as_bytes(method, path.encode(), [], json.dumps(body).encode() if body is not None else b"")


def _as_bytes(method: bytes, address: bytes, odd: list[tuple[bytes, bytes]], body: bytes) -> bytes:
    headers = {
        b"Host": b"127.0.0.1",
        b"Connection": b"close",
        b"Authorization": f"Bearer {KEY}".encode(),
        b"Content-Type": b"application/json",
        b"Content-Length": str(len(body)).encode(),
    } | dict(odd)
    lines = [method + b" " + address + b" HTTP/1.1", *(b": ".join(pair) for pair in headers.items())]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


async def status_of(port: int, request: bytes) -> int:
    """The status of a request's answer, or 0 where the server closed the connection instead."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        line = await asyncio.wait_for(reader.readline(), 60)
        await asyncio.wait_for(reader.read(), 60)
    except ConnectionError:
        return 0
    finally:
        writer.close()
    return int(line.split()[1]) if line else 0


class Fuzz:
    """Sends requests to a server on a port, and fails for an error of the server. It must have answered a good one."""

    def __init__(self, runner: asyncio.Runner, url: str) -> None:
        self.runner = runner
        self.port = urlsplit(url).port or 0
        self.seen: set[int] = set()

    def send_all(self, odd: st.SearchStrategy[bytes], *good: bytes) -> None:
        @FUZZ
        @given(odd)
        def fuzz(request: bytes) -> None:
            self.send(request)

        for request in good:
            assert self.send(request) == 200, request
        fuzz()
        assert len(self.seen & {400, 404, 405, 409, 415}) > 0

    def send(self, request: bytes) -> int:
        status = self.runner.run(status_of(self.port, request))
        assert status < 500, (status, request[:2000])
        self.seen.add(status)
        return status


@asynccontextmanager
async def trace_page(folder: Path) -> AsyncIterator[str]:
    (folder / "run.jsonl").write_bytes(dump_line(dialogue("d0")))
    async with served_run(RunPage(RunReader(folder / "run.jsonl"), live=True)) as url:
        yield url


def test_the_trace_page_answers_every_request(tmp_path: Path) -> None:
    with asyncio.Runner() as runner:
        opened = trace_page(tmp_path)
        url = runner.run(opened.__aenter__())
        folder = urlsplit(url).path
        odd = requests([f"{folder}{name}" for name in ("", "index.js", "news.js", "data/x.js")], ODD_FIELDS)
        long = request_of(b"GET", f"{folder}news.js?since={'9' * 5000}")
        Fuzz(runner, url).send_all(odd, request_of(b"GET", f"{folder}index.js"), long)
        runner.run(opened.__aexit__(None, None, None))


def test_the_rating_page_answers_every_request(tmp_path: Path) -> None:
    with asyncio.Runner() as runner:
        served = desk(tmp_path, study(tmp_path, parts="likert chats", raters=1))
        agree(served, "r1")
        token = served.store.enrol(["r1"])["r1"]
        opened = served_study(served)
        bodies: dict[str, dict[str, Any]] = {
            "consent": {"sha": served.material.study.consent_sha},
            "answer": {"item": served.code("r1", "likert:d0"), "key": "basic:1", "value": 5},
            "chat": {"item": served.code("r1", TOPIC), "which": 0, "text": "I hear you.", "turn": 0},
        }
        odd = [requests([f"/api/{token}/{name}"], changed(body)) for name, body in bodies.items()]
        pages = requests([f"/api/{token}/state", f"/r/{token}", "/static/rating.js", "/"], ODD_FIELDS)
        good = [request_of(b"POST", f"/api/{token}/{name}", body) for name, body in bodies.items()]
        Fuzz(runner, runner.run(opened.__aenter__())).send_all(st.one_of(*odd, pages), *good)
        runner.run(opened.__aexit__(None, None, None))


SCHEMAS = changed(SCHEMA | {"minLength": 0, "anyOf": [{}], "$ref": "#", "enum": [1], "items": {}, "minItems": 0})
FORMATS = SCHEMAS.map(lambda schema: HELD | {"json_schema": {"name": "x", "schema": schema}}) | changed(HELD)
CALL: dict[str, Any] = {"model": "plain", "messages": TALK, "n": 1, "temperature": 1, "top_p": 1, "stream": True} | {
    "stop": ["x"],
    "seed": 1,
    "max_tokens": 2,
    "steer": None,
    "stream_options": None,
    "tools": [],
}


def test_the_model_server_answers_every_request(tmp_path: Path) -> None:
    base = LocalBase.load(str(tiny.tiny_folder(tmp_path / "m")), batch_size=4, dtype="float32", device="cpu")
    with asyncio.Runner() as runner:
        opened = serve_models(Server({"plain": LocalChat.on(base, "m")}, Limits(max_tokens=3), key=KEY))
        calls = changed(CALL) | FORMATS.map(lambda value: CALL | {"response_format": value})
        odd = requests(["/v1/chat/completions"], calls) | requests(["/v1/models/plain", "/v1/models/"], calls)
        good = [request_of(b"POST", "/v1/chat/completions", CALL), request_of(b"GET", "/v1/models/plain")]
        Fuzz(runner, runner.run(opened.__aenter__())).send_all(odd, *good)
        runner.run(opened.__aexit__(None, None, None))
