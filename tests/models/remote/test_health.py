"""Waiting for a model server."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web

from cocoon.core.errors import CocoonError
from cocoon.models.remote.health import await_server
from cocoon.tests.commands import cocoon


@pytest_asyncio.fixture
async def address() -> AsyncIterator[str]:
    """A server that is not ready when it is asked for the first time."""
    asked: list[web.Request] = []

    async def models(request: web.Request) -> web.Response:
        asked.append(request)
        if len(asked) == 1:
            return web.Response(status=503)
        return web.json_response({"data": [{"id": "base"}, {"id": "row"}]})

    runner = web.AppRunner(web.Application())
    runner.app.router.add_get("/v1/models", models)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    await runner.cleanup()


async def test_it_waits_until_the_server_lists_its_rows(address: str) -> None:
    assert await await_server(f"{address}#row+steer=d.safetensors:0.1", 10, pause=0) == ["base", "row"]


async def test_a_row_that_is_not_served_is_refused_at_once(address: str) -> None:
    with pytest.raises(CocoonError, match="is up and has no 'other'; it has base, row"):
        await await_server(f"{address}#other", 1000, pause=0)


async def test_another_kind_of_address_is_refused_at_once(address: str) -> None:
    with pytest.raises(CocoonError, match="does not list models"):
        await await_server(address.removesuffix("/v1"), 1000, pause=0)


def test_nobody_there_is_one_line_when_the_time_is_up() -> None:
    done = cocoon("wait-for", "http://127.0.0.1:1/v1", "--seconds", "0")
    assert done.code != 0 and "127.0.0.1:1 was not up after 0 seconds" in done.err and done.err.count("\n") == 1
