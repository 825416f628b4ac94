"""Proxies of the environment: taken, named where hosts are named, and never with their password."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from cocoon.core.errors import CocoonError
from cocoon.models.by_name import Models
from cocoon.models.remote.endpoint import open_endpoint
from cocoon.models.request_errors import TransientError

SAID = [{"role": "user", "content": "hello"}]


@asynccontextmanager
async def proxy(status: int = 200) -> AsyncIterator[tuple[str, list[str]]]:
    """Run a proxy that answers for every server itself, and yield its port and the addresses it was asked for."""
    asked: list[str] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(str(request.url))
        choice = {"index": 0, "message": {"role": "assistant", "content": "yes"}, "finish_reason": "stop"}
        body = json.dumps({"id": "1", "choices": [choice]})
        return web.Response(status=status, text=body, content_type="application/json")

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"127.0.0.1:{runner.addresses[0][1]}", asked
    finally:
        await runner.cleanup()


async def test_text_goes_through_the_proxy_that_is_named_with_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    async with proxy() as (address, asked):
        monkeypatch.setenv("HTTP_PROXY", f"http://me:hush@{address}")
        models = Models()
        model = models.open("http://model.invalid/v1#m")
        assert (await model.chat.ainvoke(list(SAID))).content == "yes"
        await models.aclose()
    assert asked == ["http://model.invalid/v1/chat/completions"]
    assert models.routes == [f"model.invalid (through the proxy http://***@{address})"]
    assert models.hosts == ["model.invalid"]


@pytest.mark.parametrize("exempt", ["127.0.0.1", "*", "elsewhere, 127.0.0.1:1"])
async def test_hosts_without_a_proxy_are_asked_directly(monkeypatch: pytest.MonkeyPatch, exempt: str) -> None:
    async with proxy() as (address, asked):
        monkeypatch.setenv("HTTP_PROXY", f"http://{address}")
        monkeypatch.setenv("NO_PROXY", exempt)
        chat = open_endpoint("m", "http://127.0.0.1:1/v1")
        with pytest.raises(TransientError):
            await chat.ainvoke(list(SAID))
        await chat.aclose()
    assert asked == [] and chat.route == "127.0.0.1:1"


async def test_a_proxy_of_another_kind_is_refused_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://me:hush@127.0.0.1:9")
    with pytest.raises(CocoonError, match="only http proxies are supported") as told:
        open_endpoint("m", "https://model.invalid/v1")
    assert "hush" not in str(told.value)
    assert open_endpoint("m", "http://model.invalid/v1").route == "model.invalid"
