"""Replies in pieces: put together as a whole reply is, however a server cuts, words or breaks off its stream."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from langchain_core.messages import AIMessage

from cocoon.core.errors import CallFailedError
from cocoon.models.pool import Pool
from cocoon.models.remote.endpoint import LARGEST_REPLY, EndpointChat, open_endpoint
from cocoon.models.reply import raw_reply, read_message
from cocoon.models.request_errors import RateLimitedError, TransientError

SAID = [{"role": "user", "content": "hello"}]
Answer = Callable[[web.Request], Any]


def event(delta: dict[str, Any] | None = None, **more: Any) -> bytes:
    """Return one event of a stream: a piece of the message, or what else it says."""
    choice = {"index": 0, "delta": delta or {}, "finish_reason": more.pop("finish", None)}
    return f"data: {json.dumps({'id': '1', 'model': 'm', 'choices': [choice], **more})}\n\n".encode()


USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "completion_tokens_details": {"reasoning_tokens": 2}}
END = event(finish="stop") + f"data: {json.dumps({'choices': [], 'usage': USAGE})}\n\n".encode() + b"data: [DONE]\n\n"


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[EndpointChat]:
    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    chat = open_endpoint("m", f"http://127.0.0.1:{runner.addresses[0][1]}/v1")
    try:
        yield chat
    finally:
        await chat.aclose()
        await runner.cleanup()


def events(*pieces: bytes, pause: float = 0.0, kind: str = "text/event-stream") -> Answer:
    """Answer with so many pieces, with a pause before each."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": kind})
        await response.prepare(request)
        for piece in pieces:
            await asyncio.sleep(pause)
            await response.write(piece)
        return response

    return answer


async def reply(answer: Answer) -> AIMessage:
    async with serving(answer) as chat:
        return await chat.ainvoke(list(SAID), temperature=0.0)


@pytest.mark.parametrize("kind", ["text/event-stream", "text/plain"])
async def test_pieces_make_one_reply_with_thought_and_usage(kind: str) -> None:
    pieces = [event({"role": "assistant", "reasoning_content": "Is it "}), event({"reasoning_content": "late?"})]
    pieces += [b": still at work\n\n", event({"content": "Good"}), event({"content": " evening \u2028"}), END]
    message = await reply(events(*pieces, kind=kind))
    raw = raw_reply(message)
    assert (raw.text, raw.thought, raw.finish) == ("Good evening \u2028", "Is it late?", "stop")
    assert (raw.tokens_reasoning, message.usage_metadata and message.usage_metadata["input_tokens"]) == (2, 7)


async def test_events_may_be_cut_anywhere() -> None:
    body = b"\r\n".join((event({"content": "gr\u00fc\u00df dich"}) + END).split(b"\n"))
    message = await reply(events(*(body[start : start + 7] for start in range(0, len(body), 7))))
    assert message.content == "gr\u00fc\u00df dich"


async def test_parts_and_refusals_are_kept_apart_in_streams_too() -> None:
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]
    told = read_message(await reply(events(event({"content": parts}), event({"content": "yes"}), END)))
    assert (told.speech, told.thought) == ("yes", "hm")
    refused = read_message(await reply(events(event({"refusal": "I will "}), event({"refusal": "not."}), END)))
    assert (refused.finish, refused.refusal) == ("refused", "I will not.")


async def test_a_server_that_does_not_stream_is_read_as_well() -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "whole"}, "finish_reason": "stop"}

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response({"id": "1", "choices": [choice]})

    assert (await reply(answer)).content == "whole"


@pytest.mark.parametrize("word", ["stream_options", "stream"])
async def test_a_server_that_refuses_to_stream_is_asked_for_the_whole(word: str) -> None:
    seen: list[bool] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        seen.append(bool(body.get(word)))
        if body.get(word):
            return web.json_response({"error": {"message": f"Unsupported parameter: {word}"}}, status=400)
        return await events(event({"content": "yes"}), END)(request)

    async with serving(answer) as chat:
        for _ in range(2):
            assert (await chat.ainvoke(list(SAID))).content == "yes"
        assert chat.learnt == {word} and seen == [True, False, False]


async def test_a_stream_that_breaks_off_is_no_reply() -> None:
    with pytest.raises(TransientError, match="the stream broke off"):
        await reply(events(event({"content": "Good"})))


async def test_an_error_in_a_stream_is_that_error() -> None:
    error = {"error": {"code": 429, "message": "slow down"}}
    with pytest.raises(RateLimitedError, match="slow down"):
        await reply(events(event({"content": "Go"}), f"data: {json.dumps(error)}\n\n".encode()))


async def test_a_slow_stream_outlasts_the_limit_on_silence_and_a_silent_one_does_not() -> None:
    pool = Pool(1, timeout=0.4, attempts=1)
    async with serving(events(*[event({"content": "a"})] * 8, END, pause=0.1)) as chat:
        outcome = await pool.call(lambda: chat.ainvoke(list(SAID)), (0, 0))
    assert outcome.value.content == "a" * 8 and outcome.retries == 0
    async with serving(events(event({"content": "a"}), END, pause=5.0)) as chat:
        with pytest.raises(CallFailedError, match=r"no answer in 0\.4 s"):
            await pool.call(lambda: chat.ainvoke(list(SAID)), (0, 0))


async def test_a_stream_without_end_is_given_up() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return await events(*[b": wait\n\n"] * 200, pause=0.05)(request)

    pool = Pool(1, timeout=0.2, attempts=1, patience=0.5)
    async with serving(answer) as chat:
        with pytest.raises(CallFailedError, match="no answer"):
            await pool.call(lambda: chat.ainvoke(list(SAID)), (0, 0))


@pytest.mark.parametrize("packed", [True, False])
async def test_a_reply_that_is_too_large_is_not_read_to_its_end(packed: bool) -> None:
    size = LARGEST_REPLY + (1 << 20)
    body = gzip.compress(b" " * size) if packed else b" " * size

    async def answer(request: web.Request) -> web.StreamResponse:
        headers = {"Content-Encoding": "gzip"} if packed else {}
        return web.Response(body=body, headers=headers, content_type="application/json")

    with pytest.raises(CallFailedError, match="more than 32 MiB") as failed:
        await reply(answer)
    assert failed.value.reason == "too_large"


async def test_a_connection_that_the_server_closed_after_a_reply_costs_no_call() -> None:
    requests = {"answered": 0, "dropped": 0}

    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = await _request(reader)
        assert json.loads(body)["messages"] == SAID
        reply = event({"content": "hi"}) + END
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nKeep-Alive: timeout=5\r\n")
        writer.write(b"Content-Length: %d\r\n\r\n" % len(reply) + reply)
        requests["answered"] += 1
        requests["dropped"] += bool(await reader.read(1))
        writer.close()

    async with await asyncio.start_server(answer_once, "127.0.0.1", 0) as listening:
        chat = open_endpoint("m", f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1")
        replies = [(await chat.ainvoke(SAID)).content for _ in range(4)]
        await chat.aclose()
    assert replies == ["hi"] * 4
    assert requests == {"answered": 4, "dropped": 3}


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.lower().splitlines() if line.startswith(b"content-length:"))
    return await reader.readexactly(int(length.split(b":")[1]))
