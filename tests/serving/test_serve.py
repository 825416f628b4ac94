"""The OpenAI-compatible server, asked by the openai library, by our own client and by hand."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import openai
import pytest

from cocoon.core.errors import CocoonError
from cocoon.models.local.base import LocalBase
from cocoon.models.local.model import LocalChat
from cocoon.models.local.stream import final_part
from cocoon.models.remote.endpoint import open_endpoint
from cocoon.serving.chat_request import read_request
from cocoon.serving.server import Limits, Server, serve_models
from cocoon.steering.control.control import Control
from cocoon.tests.models.local import tiny_models as tiny
from cocoon.tests.models.local.watched import watch
from cocoon.tests.serving.serve_cases import BEARER, HELD, KEY, TALK, ask
from cocoon.tests.steering.steered import direction_for


@pytest.fixture(scope="module")
def chats(tmp_path_factory: pytest.TempPathFactory) -> dict[str, LocalChat]:
    """A plain and a steered chat on one tiny base."""
    folder = tiny.tiny_folder(tmp_path_factory.mktemp("serve") / "m")
    base = LocalBase.load(str(folder), batch_size=8, dtype="float32", device="cpu")
    control = Control(direction_for(base.weights.network))
    return {"plain": LocalChat.on(base, "m"), "asking": LocalChat.on(base, "m+", control=control, coefficient=2.0)}


@pytest.fixture
async def url(chats: dict[str, LocalChat]) -> AsyncIterator[str]:
    """A server's base URL."""
    async with serve_models(Server(chats, Limits(max_tokens=200, waiting=24), key=KEY)) as address:
        yield address


@pytest.fixture
async def client(url: str) -> AsyncIterator[openai.AsyncOpenAI]:
    """The openai library, without retries of its own."""
    async with openai.AsyncOpenAI(base_url=url, api_key=KEY, max_retries=0) as made:
        yield made


async def test_a_completion_is_what_the_model_says(client: openai.AsyncOpenAI, chats: dict[str, LocalChat]) -> None:
    said = await chats["plain"].ainvoke([("system", "Listen."), ("user", "I am tired.")], max_tokens=20)
    reply = await ask(client)
    assert reply.choices[0].message.content == said.content
    assert reply.choices[0].message.role == "assistant"
    assert reply.choices[0].finish_reason == said.response_metadata["finish_reason"]
    counts: Any = said.usage_metadata
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (
        counts["input_tokens"],
        counts["output_tokens"],
    )
    assert reply.system_fingerprint.startswith("cocoon-")
    assert (await ask(client, max_tokens=None, max_completion_tokens=3)).usage.completion_tokens == 3


async def test_choices_differ_and_repeat_by_their_seed(client: openai.AsyncOpenAI) -> None:
    first = await ask(client, n=5, temperature=1, seed=3)
    again = await ask(client, n=5, temperature=1, seed=3)
    texts = [choice.message.content for choice in first.choices]
    assert [choice.index for choice in first.choices] == list(range(5))
    assert len(set(texts)) == 5
    assert [choice.message.content for choice in again.choices] == texts
    assert (await ask(client, temperature=1, seed=3)).choices[0].message.content == texts[0]
    assert first.usage.completion_tokens > 5


async def test_a_stream_brings_the_same_text_token_by_token(client: openai.AsyncOpenAI) -> None:
    whole = await ask(client, n=3, temperature=1, seed=8)
    stream = await ask(client, n=3, temperature=1, seed=8, stream=True, stream_options={"include_usage": True})
    chunks = [chunk async for chunk in stream]
    texts, finishes = ["", "", ""], {}
    for chunk in chunks:
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
            finishes |= {choice.index: choice.finish_reason} if choice.finish_reason else {}
    assert texts == [choice.message.content for choice in whole.choices]
    assert finishes == {choice.index: choice.finish_reason for choice in whole.choices}
    assert chunks[-1].usage == whole.usage
    assert chunks[-1].choices == []
    assert len({chunk.id for chunk in chunks}) == 1
    assert sum(bool(chunk.choices and chunk.choices[0].delta.content) for chunk in chunks) > 15
    assert [c.choices[0].delta.role for c in chunks if c.choices and c.choices[0].delta.role] == ["assistant"] * 3


async def test_the_first_piece_comes_before_the_reply_is_written(
    url: str, chats: dict[str, LocalChat], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writing thread is held at its fourth token until a piece has arrived here."""
    arrived = asyncio.Event()
    loop = asyncio.get_running_loop()
    writer = chats["plain"].base.batcher.writer
    add = writer.add

    def add_slow(row: Any) -> None:
        heard = row.heard

        def hold(row: Any) -> None:
            heard(row)
            if len(row.tokens) == 4:
                asyncio.run_coroutine_threadsafe(arrived.wait(), loop).result(timeout=20)

        row.heard = hold
        add(row)

    monkeypatch.setattr(writer, "add", add_slow)
    body = {"model": "plain", "messages": TALK, "stream": True, "max_tokens": 12, "temperature": 0}
    async with (
        aiohttp.ClientSession(headers=BEARER) as session,
        session.post(f"{url}/chat/completions", json=body) as response,
    ):
        assert response.content_type == "text/event-stream"
        line = await response.content.readline()
        assert line.startswith(b"data: {")
        arrived.set()
        rest = (await response.content.read()).decode()
    assert rest.endswith("data: [DONE]\n\n")


async def test_a_schema_is_held_whole_and_streamed(client: openai.AsyncOpenAI) -> None:
    given = {"response_format": HELD, "max_tokens": 80, "temperature": 1, "seed": 2}
    whole = json.loads((await ask(client, **given)).choices[0].message.content)
    assert 1 <= whole["score"] <= 7
    text = ""
    async for chunk in await ask(client, **given, stream=True):
        text += (chunk.choices[0].delta.content or "") if chunk.choices else ""
    assert json.loads(text) == whole


async def test_stop_words_end_a_reply(client: openai.AsyncOpenAI) -> None:
    whole = (await ask(client)).choices[0].message.content
    word = whole[4:6]
    cut = await ask(client, stop=word)
    assert cut.choices[0].message.content == whole.partition(word)[0]
    assert cut.choices[0].finish_reason == "stop"


@pytest.mark.parametrize(
    ("text", "stop", "over", "said"),
    [
        ("You see", ["eel"], False, "You s"),
        ("You see", ["eel"], True, "You see"),
        ("You see", ["see", "x"], False, "You "),
        ("Hm\n", ["\n\n"], False, "Hm"),
        ("Hm", ["abc"], False, "Hm"),
        ("aab", ["abc", "b!"], False, "a"),
    ],
)
def test_what_may_become_a_stop_word_is_held_back(text: str, stop: list[str], over: bool, said: str) -> None:
    assert final_part(text, stop, over=over) == said


async def test_the_coefficient_is_the_models_or_the_requests(client: openai.AsyncOpenAI) -> None:
    replies = {}
    for dose in (None, 0.0, 2.0, -3.0):
        extra = {} if dose is None else {"extra_body": {"steer": {"coefficient": dose}}}
        replies[dose] = await ask(client, model="asking", **extra)
    texts = {dose: reply.choices[0].message.content for dose, reply in replies.items()}
    assert texts[None] == texts[2.0]
    assert texts[0.0] == (await ask(client)).choices[0].message.content
    assert len(set(texts.values())) == 3
    assert replies[None].model_extra["steer"] == {"coefficient": 2.0}
    assert replies[-3.0].model_extra["steer"] == {"coefficient": -3.0}


async def test_requests_are_written_in_one_batch(
    client: openai.AsyncOpenAI, chats: dict[str, LocalChat], monkeypatch: pytest.MonkeyPatch
) -> None:
    peaks = watch(monkeypatch, chats["plain"].base.batcher, 16)
    asked = [ask(client, model=("plain", "asking")[number % 2]) for number in range(16)]
    replies = await asyncio.gather(*asked)
    assert peaks[0] == 8
    assert len({reply.choices[0].message.content for reply in replies}) == 2


async def test_models_and_health_are_told(client: openai.AsyncOpenAI, url: str) -> None:
    listed = await client.models.list()
    assert [model.id for model in listed.data] == ["plain", "asking"]
    told: Any = (await client.models.retrieve("asking")).model_extra
    assert told["cocoon"]["steer"]["coefficient"] == 2.0
    with pytest.raises(openai.NotFoundError):
        await client.models.retrieve("nosuch")
    async with aiohttp.ClientSession() as session, session.get(url.replace("/v1", "/health")) as response:
        assert await response.json() == {"status": "ok", "under_way": 0}


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        ({"model": "nosuch"}, openai.NotFoundError, "no model 'nosuch' here; there are 'plain', 'asking'"),
        ({"temperature": 9}, openai.BadRequestError, "'temperature'"),
        ({"n": 0}, openai.BadRequestError, "'n'"),
        ({"messages": []}, openai.BadRequestError, "'messages'"),
        ({"messages": [{"role": "robot", "content": "x"}]}, openai.BadRequestError, "'messages.0.role'"),
        ({"messages": [*TALK, {"role": "assistant", "content": "x"}]}, openai.BadRequestError, "nothing to answer"),
        ({"messages": [{"role": "user", "content": "tired " * 900}]}, openai.BadRequestError, "at most 512"),
        ({"logprobs": True}, openai.BadRequestError, "'logprobs' is not supported"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, openai.BadRequestError, "'tools'"),
        ({"extra_body": {"temprature": 1}}, openai.BadRequestError, "did you mean 'temperature'"),
        ({"extra_body": {"steer": {"coefficient": 1}}}, openai.BadRequestError, "needs a direction"),
        ({"extra_body": {"steer": {"dose": 1}}}, openai.BadRequestError, "steer"),
        ({"response_format": {"type": "grammar"}}, openai.BadRequestError, "json_schema"),
        ({"stop": [""]}, openai.BadRequestError, "stop"),
        ({"n": 30}, None, ""),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_errors_have_openais_shape(
    client: openai.AsyncOpenAI,
    given: dict[str, Any],
    kind: type[openai.APIStatusError] | None,
    words: str,
    stream: bool,
) -> None:
    if kind is None:
        assert await ask(client, **given, stream=stream, max_tokens=1), (
            "a request alone may ask for more than the limit"
        )
        return
    with pytest.raises(kind) as caught:
        await ask(client, **given, stream=stream)
    error: Any = caught.value.body
    assert words in error["message"]
    assert set(error) == {"message", "type", "param", "code"}
    assert "\n" not in error["message"]


async def test_what_is_sent_along_without_effect_is_taken(client: openai.AsyncOpenAI) -> None:
    parts = [
        {"role": "developer", "content": "Listen."},
        {"role": "user", "content": [{"type": "text", "text": "I am tired."}]},
    ]
    plain = await ask(client)
    reply = await ask(client, messages=parts, user="me", presence_penalty=0, logprobs=False, metadata={"a": "b"})
    assert reply.choices[0].message.content == plain.choices[0].message.content


async def test_bodies_that_are_too_large_or_no_json_are_refused(url: str) -> None:
    headers = {"Content-Type": "application/json"}
    for body, status in ((b" " * (5 << 20), 413), (b"{", 400), (b"[]", 400), (b"\xff", 400)):
        async with (
            aiohttp.ClientSession(headers=BEARER) as session,
            session.post(f"{url}/chat/completions", data=io.BytesIO(body), headers=headers) as response,
        ):
            assert response.status == status
            assert (await response.json())["error"]["message"]
    async with aiohttp.ClientSession(headers=BEARER) as session, session.get(f"{url}/nothing") as response:
        assert response.status == 404
        assert (await response.json())["error"]["type"] == "not_found_error"


async def test_too_many_at_once_are_told_to_come_back(client: openai.AsyncOpenAI) -> None:
    results = await asyncio.gather(*(ask(client, n=8, max_tokens=40) for _ in range(6)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, openai.RateLimitError)]
    assert len(refused) == 3
    assert refused[0].response.headers["retry-after"] == "1"


async def test_a_client_that_leaves_stops_its_reply(
    url: str, chats: dict[str, LocalChat], monkeypatch: pytest.MonkeyPatch
) -> None:
    batcher, rows, loop = chats["plain"].base.batcher, list[Any](), asyncio.get_running_loop()
    submit, submitted = batcher.submit, asyncio.Event()

    def seen(row: Any) -> Any:
        rows.append(row)
        loop.call_soon_threadsafe(submitted.set)
        return submit(row)

    monkeypatch.setattr(batcher, "submit", seen)
    body = {"model": "plain", "messages": TALK, "max_tokens": 200, "response_format": {"type": "json_object"}}
    for stream in (True, False):
        submitted.clear()
        async with aiohttp.ClientSession(headers=BEARER) as session:
            asking = asyncio.ensure_future(session.post(f"{url}/chat/completions", json={**body, "stream": stream}))
            await submitted.wait()
            if stream:
                async with await asking as response:
                    await response.content.readline()
            asking.cancel()
        for _ in range(200):
            if rows[-1].abandoned:
                break
            await asyncio.sleep(0.02)
        assert rows[-1].abandoned


async def test_our_own_client_reads_it(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COCOON_SERVER_KEY", KEY)
    chat = open_endpoint("asking", url)
    try:
        reply = await chat.ainvoke("I am tired.", max_tokens=60, temperature=0.0, seed=1, response_format=HELD)
    finally:
        await chat.aclose()
    assert reply.usage_metadata is not None
    assert json.loads(str(reply.content))


def test_a_port_that_is_taken_is_an_error(chats: dict[str, LocalChat]) -> None:
    async def twice() -> None:
        async with (
            serve_models(Server(chats)) as url,
            serve_models(Server(chats), int(url.split(":")[2].split("/")[0])),
        ):
            raise AssertionError

    with pytest.raises(CocoonError, match=r"port \d+ cannot be opened .*--port"):
        asyncio.run(twice())


def test_a_request_is_read_with_openais_defaults() -> None:
    asked = read_request(json.dumps({"model": "m", "messages": TALK, "n": None, "temperature": None}).encode())
    assert asked.settings(50, 0) | {"seed": None} == {
        "temperature": 1.0,
        "top_p": 1.0,
        "max_tokens": 50,
        "seed": None,
        "response_format": None,
    }
