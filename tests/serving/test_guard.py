"""Who may ask the three servers of this machine: one guard, tried on each of them by hand."""

import asyncio
import gzip
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cocoon.core.jsonl import dump_line
from cocoon.human.server import served_study
from cocoon.running.reading.reader import RunReader
from cocoon.serving.server import Server, serve_models
from cocoon.tests.human.human_study_cases import agree, desk, dialogue, study
from cocoon.tests.serving.serve_cases import BEARER, KEY, TALK
from cocoon.viewer.page import RunPage
from cocoon.viewer.server import served_run

SERVERS = ("view", "human", "serve")


@asynccontextmanager
async def served(kind: str, folder: Path) -> AsyncIterator[tuple[str, dict[str, str]]]:
    """The address of something that only the owner may read, with the headers that the owner's client sends."""
    if kind == "view":
        (folder / "run.jsonl").write_bytes(dump_line(dialogue("d0")))
        async with served_run(RunPage(RunReader(folder / "run.jsonl"), live=True)) as url:
            yield f"{url}index.js", {}
    elif kind == "human":
        opened = desk(folder, study(folder, parts="likert", raters=1))
        agree(opened, "r1")
        token = opened.store.enrol(["r1"])["r1"]
        async with served_study(opened) as url:
            yield f"{url}/api/{token}/state", {}
    else:
        async with serve_models(Server({}, allowed_hosts=frozenset({"lab.example"}), key=KEY)) as url:
            yield f"{url}/models", BEARER


async def status_of(url: str, headers: dict[str, str]) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        return answer.status, answer.headers


@pytest.mark.parametrize("kind", SERVERS)
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:9"}, 200),
        ({"Host": "[::1]:80"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:3000"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 200),
        ({"Content-Encoding": "gzip"}, 415),
    ],
)
async def test_every_server_answers_only_its_own_pages_and_programs(
    tmp_path: Path, kind: str, headers: dict[str, str], status: int
) -> None:
    async with served(kind, tmp_path) as (url, own):
        seen, answered = await status_of(url, own | headers)
    assert seen == status
    assert answered["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answered["X-Content-Type-Options"] == "nosniff" and answered["Cache-Control"] == "no-store"


@pytest.mark.parametrize("kind", SERVERS)
async def test_without_the_secret_nothing_is_answered(tmp_path: Path, kind: str) -> None:
    async with served(kind, tmp_path) as (url, own):
        secret = max(url.split("/"), key=len)
        if own:
            address, wrong = url, [{}, {"Authorization": "Bearer none"}, {"Authorization": f"Basic {KEY}"}]
        else:
            assert len(secret) >= 32
            address, wrong = url.replace(secret, secret[:-1]), [{}]
        for headers in wrong:
            seen, _ = await status_of(address, headers)
            assert seen == (401 if own else 404)


async def test_each_start_of_the_trace_page_has_a_secret_of_its_own(tmp_path: Path) -> None:
    async with served("view", tmp_path) as (first, _):
        port = int(first.split(":")[2].split("/")[0])
        for name in ("", "view.html", "index.js", "news.js", "data/x.js"):
            assert (await status_of(f"http://127.0.0.1:{port}/{name}", {}))[0] == 404
    async with served("view", tmp_path) as (second, _):
        assert first.split("/")[3] != second.split("/")[3]


async def test_a_name_of_a_proxy_may_be_allowed_and_health_needs_no_key(tmp_path: Path) -> None:
    async with served("serve", tmp_path) as (url, own):
        assert (await status_of(url, own | {"Host": "lab.example"}))[0] == 200
        assert (await status_of(url.replace("/v1/models", "/health"), {}))[0] == 200


DEEP = "[" * 60_000
BODIES: dict[str, tuple[bytes, dict[str, str], int]] = {
    "not utf-8": (b'{"sha": "\xff"}', {}, 400),
    "utf-16": ('{"sha": "x"}'.encode("utf-16"), {}, 400),
    "a charset that is none": (b"{}", {"Content-Type": "application/json; charset=nonsense"}, 400),
    "another charset": (b"{}", {"Content-Type": "application/json; charset=utf-16"}, 400),
    "too deep to parse": (DEEP.encode(), {}, 400),
    "too deep to walk": (b'{"sha": ' + b"[" * 500 + b"]" * 500 + b"}", {}, 400),
    "digits without end": (b'{"sha": ' + b"9" * 20_000 + b"}", {}, 400),
    "no object": (b'"x"', {}, 400),
    "a form": (b"sha=x", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
    "text": (b"{}", {"Content-Type": "text/plain"}, 415),
    "a bomb": (gzip.compress(b" " * 50_000_000), {"Content-Encoding": "gzip"}, 415),
    "too large": (b" " * 5_000_000, {}, 413),
}


@pytest.mark.parametrize("kind", ["human", "serve"])
@pytest.mark.parametrize("name", BODIES)
async def test_bodies_that_are_no_plain_json_are_refused(tmp_path: Path, kind: str, name: str) -> None:
    body, headers, status = BODIES[name]
    async with served(kind, tmp_path) as (url, own), aiohttp.ClientSession() as session:
        address = url.replace("/models", "/chat/completions").replace("/state", "/consent")
        given = {"Content-Type": "application/json", **own, **headers}
        async with session.post(address, data=io.BytesIO(body), headers=given) as answer:
            text = await answer.text()
    assert answer.status == status, text
    assert "Traceback" not in text
    if kind == "serve":
        assert json.loads(text)["error"]["message"]


async def test_headers_that_no_client_writes_are_refused(tmp_path: Path) -> None:
    async with served("serve", tmp_path) as (url, _):
        port = int(url.split(":")[2].split("/")[0])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \xff\xfe\r\n\r\n")
        assert b" 401 " in await reader.readline()
        writer.close()
        await writer.wait_closed()


async def test_a_request_for_a_model_is_read_only_with_the_key(tmp_path: Path) -> None:
    async with served("serve", tmp_path) as (url, own), aiohttp.ClientSession(headers=own) as session:
        body = {"model": "plain", "messages": TALK}
        async with session.post(url.replace("/models", "/chat/completions"), json=body) as answer:
            assert answer.status == 404 and (await answer.json())["error"]["code"] == "model_not_found"
