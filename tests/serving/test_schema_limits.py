"""Schemas that would take the server's memory or time: each is refused in one line, and the server goes on."""

import asyncio
import json
import resource
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import openai
import pytest

from cocoon.models.local.base import LocalBase
from cocoon.models.local.model import LocalChat
from cocoon.serving.server import Limits, Server, serve_models
from cocoon.tests.models.local import tiny_models as tiny
from cocoon.tests.serving.serve_cases import HELD, KEY, ask

MANY = 10**9
MEMORY = 400 * 1024
"""Kilobytes that all refusals together may take."""


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "array", "items": schema}
    return schema


def long(count: int, item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "minItems": count, "items": item}


MANY_WAYS = {"type": "object", "properties": {f"p{i}": {"$ref": "#"} for i in range(20)}} | {
    "required": [f"p{i}" for i in range(20)]
}
REFUSED: dict[str, dict[str, Any]] = {
    "minItems": long(MANY, {"type": "integer"}),
    "minLength": {"type": "string", "minLength": MANY},
    "minItems in minItems": long(300, long(300, {"type": "integer"})),
    "negative": {"type": "string", "minLength": -1},
    "no number": {"type": "array", "minItems": "many"},
    "many values": {"enum": [f"word {number}" for number in range(20_000)]},
    "long values": {"enum": ["x" * 100_000]},
    "no values": {"enum": []},
    "refers to itself twenty times": MANY_WAYS,
    "refers to itself alone": {"$ref": "#"},
    "refers to nothing": {"$ref": "#/$defs/nowhere"},
    "refers to no name": {"$ref": 5},
    "pattern that blows up": {"type": "string", "pattern": "^(?:a?){500}a{500}$"},
    "pattern without end": {"type": "string", "pattern": "^a{1000000}$"},
    "patterns at once": {"allOf": [{"type": "string", "pattern": f"(a|b)*a(a|b){{{n}}}"} for n in range(10, 24)]},
    "multiples": {"type": "integer", "multipleOf": 9_999_991},
    "many members": {"type": "object", "properties": {f"p{i}": {"type": "string"} for i in range(1_900)}},
    "wrong kinds": {"type": "object", "properties": [1], "required": 5},
    "no kinds": {"anyOf": []},
}
ALLOWED: dict[str, dict[str, Any]] = {
    "maxLength": {"type": "string", "maxLength": MANY},
    "maxItems": {"type": "array", "maxItems": MANY, "items": {"type": "integer"}},
    "nested quantifiers": {"type": "string", "pattern": "^((a{1,100}){1,100}){1,100}$"},
    "a tree": {
        "type": "object",
        "properties": {"next": {"anyOf": [{"type": "null"}, {"$ref": "#"}]}},
        "required": ["next"],
    },
    "twenty trees": {
        "$defs": {"part": {"anyOf": [{"type": "null"}, {"$ref": "#"}]}},
        "type": "object",
        "properties": {f"p{i}": {"$ref": "#/$defs/part"} for i in range(20)},
        "required": ["p0", "p1"],
    },
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, LocalChat]:
    folder = tiny.tiny_folder(tmp_path_factory.mktemp("schemas") / "m")
    return {"plain": LocalChat.on(LocalBase.load(str(folder), batch_size=4, dtype="float32", device="cpu"), "m")}


@pytest.fixture
async def client(models: dict[str, LocalChat]) -> AsyncIterator[openai.AsyncOpenAI]:
    limits = Limits(max_tokens=40, schema_seconds=3)
    async with (
        serve_models(Server(models, limits, key=KEY)) as url,
        openai.AsyncOpenAI(base_url=url, api_key=KEY, max_retries=0) as opened,
    ):
        yield opened


def held(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_schema_that_costs_too_much_is_refused_in_one_line(client: openai.AsyncOpenAI, name: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(openai.BadRequestError) as caught:
        await ask(client, response_format=held(REFUSED[name]))
    error: Any = caught.value.body
    assert "schema" in error["message"] and "\n" not in error["message"] and len(error["message"]) < 400
    assert error["param"] == "response_format"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY


@pytest.mark.parametrize("name", ALLOWED)
async def test_a_schema_that_looks_large_and_costs_little_is_held(client: openai.AsyncOpenAI, name: str) -> None:
    reply = await ask(client, response_format=held(ALLOWED[name]))
    assert reply.choices[0].message.content


async def test_the_server_answers_while_a_schema_is_tried(client: openai.AsyncOpenAI) -> None:
    """The costly one is still under way when everything else has been answered."""
    assert (await ask(client, response_format=HELD)).choices
    costly = asyncio.ensure_future(ask(client, response_format=held(REFUSED["patterns at once"])))
    async with aiohttp.ClientSession() as session:
        for _ in range(5):
            async with session.get(str(client.base_url).replace("/v1/", "/health")) as answer:
                assert (await answer.json())["status"] == "ok"
    assert (await ask(client, max_tokens=3)).choices
    assert not costly.done()
    with pytest.raises(openai.BadRequestError, match="too much time or memory"):
        await costly
    assert json.loads((await ask(client, response_format=HELD, max_tokens=40)).choices[0].message.content)


@pytest.mark.parametrize(
    "response_format",
    [
        {"type": "json_schema"},
        {"type": "json_schema", "json_schema": 5},
        {"type": "json_schema", "json_schema": {"name": "x", "schema": [1]}},
        {"type": ["json_schema"]},
        {},
    ],
)
async def test_a_format_that_is_none_is_no_error_of_the_server(
    client: openai.AsyncOpenAI, response_format: dict[str, Any]
) -> None:
    try:
        await ask(client, extra_body={"response_format": response_format})
    except openai.BadRequestError as refused:
        assert "response_format" in str(refused)
    else:
        assert response_format == {}
