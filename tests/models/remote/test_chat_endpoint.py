"""The remote chat model over real HTTP: what is sent, what is read, what servers refuse, and where keys never go."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda

from cocoon.benchmarks.endpoint.server import serve
from cocoon.benchmarks.endpoint.settings import Settings as ServerSettings
from cocoon.core.errors import AccessDeniedError, CallFailedError, CocoonError
from cocoon.models.by_name import Models, host_of
from cocoon.models.calls import Caller, Settings
from cocoon.models.journal.store import Journal, Place
from cocoon.models.pool import Pool
from cocoon.models.remote.endpoint import EndpointChat, open_endpoint
from cocoon.models.request_errors import RateLimitedError, RefusedError, TransientError
from cocoon.running.manifest import new_manifest, write_manifest

KEY = "sk-very-secret-0123456789"
SAID = [{"role": "system", "content": "be kind"}, {"role": "user", "content": "hello"}]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def completion(content: Any = "hm", **more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": content}
    usage = {"prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16}
    return {"id": "1", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage} | more


class Odd:
    """Answers each request with the next of `answers` (the last for ever): (status, body), or what makes one."""

    def __init__(self, *answers: Any) -> None:
        self.answers: list[Any] = list(answers)
        self.seen: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(await request.json())
        self.headers.append(dict(request.headers))
        made: Any = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        status, body, *headers = made if isinstance(made, tuple) else made(self.seen[-1])
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return web.Response(status=status, body=raw, headers=dict(headers))


@asynccontextmanager
async def odd(*answers: Any) -> AsyncIterator[tuple[Odd, EndpointChat]]:
    server = Odd(*answers)
    app = web.Application()
    app.router.add_post("/v1/chat/completions", server.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    chat = open_endpoint("m", server.url)
    try:
        yield server, chat
    finally:
        await chat.aclose()
        await runner.cleanup()


async def said(chat: EndpointChat, **parameters: Any) -> AIMessage:
    return await chat.ainvoke(list(SAID), **({"temperature": 0.0, "max_tokens": 9} | parameters))


@pytest.fixture(autouse=True)
def keyless(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


async def test_request_and_reply() -> None:
    async with odd((200, completion("fine"))) as (server, chat):
        message = await said(chat, seed=3, temperature=0.5, response_format={"type": "json_object"})
    assert message.content == "fine" and message.response_metadata["finish_reason"] == "stop"
    usage = message.usage_metadata
    assert usage and (usage["input_tokens"], usage["output_tokens"]) == (11, 5)
    sent = server.seen[0]
    assert (sent.pop("stream"), sent.pop("stream_options")) == (True, {"include_usage": True})
    assert sent == {
        "model": "m", "messages": SAID, "temperature": 0.5, "max_tokens": 9, "seed": 3,
        "response_format": {"type": "json_object"},
    }  # fmt: skip
    assert "Authorization" not in server.headers[0]


async def test_the_sdk_is_opened_where_it_is_used_and_is_sent_to_the_same_server() -> None:
    async with odd((200, completion("fine"))) as (server, chat):
        await said(chat)
        clients = (chat.client, chat.async_client, chat.root_client, chat.root_async_client)
        assert not any("_client" in vars(client) for client in clients)
        reply = await asyncio.to_thread(chat.invoke, list(SAID))
        assert reply.content == "fine" and "_client" in vars(chat.client)
    # The SDK renames nothing of the request, and carries no other key.
    assert server.seen[1]["messages"] == server.seen[0]["messages"] == SAID
    assert server.headers[1]["Authorization"] == server.headers[0].get("Authorization", "Bearer none")


class Listener(AsyncCallbackHandler):
    """Counts the calls of chat models that it is told of."""

    calls = 0

    async def on_chat_model_start(self, *_: Any, **__: Any) -> None:
        self.calls += 1


@pytest.mark.parametrize("where", ["call", "model", "around"])
async def test_whoever_listens_to_langchain_hears_the_calls_of_an_endpoint(where: str) -> None:
    listener = Listener()
    async with odd((200, completion("fine"))) as (_, chat):
        chat.callbacks = [listener] if where == "model" else None
        config: Any = {"callbacks": [listener]} if where == "call" else None

        async def ask(_: str) -> AIMessage:
            return await chat.ainvoke(list(SAID), config)

        around: Any = {"callbacks": [listener]} if where == "around" else None
        replies = [await RunnableLambda(ask).ainvoke("", around), await chat.ainvoke(list(SAID))]
    heard, unheard = replies
    assert listener.calls == (2 if where == "model" else 1)
    assert heard.response_metadata == unheard.response_metadata and heard.usage_metadata == unheard.usage_metadata


async def test_usage_that_is_not_told_is_none() -> None:
    async with odd((200, completion(usage=None))) as (_, chat):
        assert (await said(chat)).usage_metadata is None


@pytest.mark.parametrize("told", ["seed is not supported", "Extra inputs are not permitted: Seed"])
async def test_a_refused_seed_is_left_out_and_remembered(told: str) -> None:
    def answer(body: dict[str, Any]) -> Any:
        return (400, {"error": {"message": told}}) if "seed" in body else (200, completion())

    async with odd(answer) as (server, chat):
        for _ in range(2):
            await said(chat, seed=1)
    assert chat.learnt == {"seed"} and ["seed" in body for body in server.seen] == [True, False, False]


async def test_the_other_name_of_the_token_limit_is_learnt() -> None:
    def answer(body: dict[str, Any]) -> Any:
        words = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
        return (400, {"error": {"message": words}}) if "max_tokens" in body else (200, completion())

    async with odd(answer) as (server, chat):
        assert chat.limit_name == "max_tokens"
        for _ in range(2):
            await said(chat)
        assert chat.limit_name == "max_completion_tokens"
    assert [body.get("max_completion_tokens") for body in server.seen] == [None, 9, 9]


async def test_several_facts_are_learnt_at_once_and_none_from_a_refusal_that_stays() -> None:
    def answer(body: dict[str, Any]) -> Any:
        for name in ("seed", "max_tokens"):
            if name in body:
                return 422, {"detail": f"unknown field {name}"}
        return 200, completion()

    async with odd(answer) as (_, chat):
        await said(chat, seed=1)
        assert chat.learnt == {"seed", "limit"}
    async with odd((400, {"error": "seed, max_tokens, whatever"})) as (server, chat):
        with pytest.raises(RefusedError):
            await said(chat, seed=1)
        assert chat.learnt == set() and len(server.seen) == 3


async def test_a_template_that_wants_the_user_first_is_fitted() -> None:
    def answer(body: dict[str, Any]) -> Any:
        roles = [each["role"] for each in body["messages"]]
        wrong = roles[1] == "assistant"
        words = "Conversation roles must alternate user/assistant"
        return (400, {"error": {"message": words}}) if wrong else (200, completion())

    talk = [SAID[0], {"role": "assistant", "content": "You look tired."}, SAID[1]]
    async with odd(answer) as (server, chat):
        await chat.ainvoke(list(talk), temperature=0.0)
        assert chat.learnt == {"user_first"}
    assert [each["role"] for each in server.seen[-1]["messages"]] == ["system", "user", "assistant", "user"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>busy</html>",
        b"\x00\xff\xfe",
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b'{"error": {"message": "overloaded"}}',
        b'{"choices": null}',
        b'{"choices": "abc"}',
        b'{"choices": []}',
        b'{"choices": {"0": 1}}',
        b'{"choices": [1]}',
        b'{"choices": [{}]}',
        b'{"choices": [{"message": null}]}',
        b'{"choices": [{"message": {"role": "assistant", "content": 7}}]}',
    ],
)
async def test_an_answer_that_is_no_answer_is_worth_another_try(body: bytes) -> None:
    async with odd((200, body)) as (_, chat):
        with pytest.raises(TransientError) as told:
            await said(chat)
    assert told.value.kind == "no_reply" and str(told.value).isprintable() and len(str(told.value)) < 300


@pytest.mark.parametrize(("fault", "kind"), [("500", "500"), ("cut", "connection")])
async def test_faults_of_the_server_are_worth_another_try(fault: Any, kind: str) -> None:
    async with serve(ServerSettings(faults={fault: 1.0})) as server:
        chat = open_endpoint("m", server.url)
        with pytest.raises(TransientError) as told:
            await said(chat)
        await chat.aclose()
    assert told.value.kind == kind


async def test_a_hang_ends_with_the_pools_time_limit_and_frees_the_connection() -> None:
    async with serve(ServerSettings(faults={"hang": 1.0})) as server:
        chat = open_endpoint("m", server.url)
        pool = Pool(1, timeout=0.05, attempts=2, backoff=0.001)
        with pytest.raises(CallFailedError, match="no answer in"):
            await pool.call(lambda: said(chat), (0, 0))
        while server.snapshot()["hanging"]:
            await asyncio.sleep(0.001)
        await chat.aclose()
    assert pool.in_flight == 0


async def test_nobody_there_is_worth_another_try() -> None:
    async with odd((200, completion())) as (server, _):
        url = server.url
    chat = open_endpoint("m", url)
    with pytest.raises(TransientError, match=r"127\.0\.0\.1"):
        await said(chat)
    await chat.aclose()


async def test_429_carries_retry_after() -> None:
    async with serve(ServerSettings(faults={"429": 1.0}, retry_after=7)) as server:
        chat = open_endpoint("m", server.url)
        with pytest.raises(RateLimitedError) as told:
            await said(chat)
        await chat.aclose()
    assert told.value.retry_after == 7.0


async def test_redirections_lead_nowhere() -> None:
    async with odd((200, completion())) as (elsewhere, _), odd((307, b"", ("Location", elsewhere.url))) as (_, chat):
        with pytest.raises(RefusedError, match="HTTP 307"):
            await said(chat)
        assert elsewhere.seen == []


@pytest.mark.parametrize("content", [None, "", []])
async def test_no_content_is_an_empty_reply_and_asked_again(content: Any, tmp_path: Path) -> None:
    async with odd((200, completion(content)), (200, completion(" at last "))) as (server, chat):
        caller = Caller(Journal(tmp_path / "journal.sqlite"))
        caller.admit("d")
        model = Models().wrap("m", chat, "127.0.0.1")
        text, replies = await caller.text(model, Place("d", "user", 0), SAID, Settings(temperature=0.7))
        caller.journal.close()
    assert text == "at last" and [reply.text for reply in replies] == ["", " at last "] and len(server.seen) == 2


async def test_the_key_is_sent_and_stands_nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", f" {KEY}\n")
    words = {"error": {"message": f"Incorrect API key provided:\n {KEY}. Find yours elsewhere."}}
    answers = [(401, words), (200, f"<{KEY}>".encode()), (500, words), (429, words)]
    async with odd(*answers) as (server, chat):
        caller = Caller(Journal(tmp_path / "journal.sqlite"))
        caller.admit("d")
        model = Models().wrap(f"{server.url}#m", chat, chat.host)
        with pytest.raises(AccessDeniedError, match=r"HTTP 401 .*API key provided") as failed:
            await caller.ask(model, Place("d", "user", 0), SAID, Settings())
        told = [str(failed.value)]
        for _ in range(3):
            with pytest.raises((TransientError, RateLimitedError)) as raised:
                await said(chat)
            told += [str(raised.value), repr(raised.value)]
        caller.journal.close()
        manifest = new_manifest("0", 0)
        manifest.models |= {model.label: model.facts}
        write_manifest(tmp_path, manifest)
        shown = [
            *told,
            repr(chat),
            str(chat),
            str(chat.model_dump()),
            chat.model_dump_json(exclude={"cache"}),
            repr(model),
        ]
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert not any(KEY in each for each in shown) and all("\n" not in each for each in told)
    assert not any(KEY.encode() in file.read_bytes() for file in tmp_path.iterdir())


async def test_openai_base_url_and_key_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    async with odd((200, completion())) as (server, _):
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/")
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        models = Models()
        model = models.open("openai:gpt-4o")
        assert models.hosts == [host_of("openai:gpt-4o")] == [server.url.split("/")[2]]
        assert models.open("openai:gpt-4o") is model
        await said(model.chat)  # type: ignore[arg-type]
        await models.aclose()
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert server.seen[0]["model"] == "gpt-4o"


def test_openai_itself_needs_a_key() -> None:
    assert host_of("openai:gpt-4o") == "api.openai.com"
    with pytest.raises(CocoonError, match=r"no key for api\.openai\.com: set OPENAI_API_KEY"):
        open_endpoint("gpt-4o", None)
    assert open_endpoint("m", "http://api.openai.com.example.org/v1").host == "api.openai.com.example.org"


@pytest.mark.parametrize("key", ["ключ", "sk-a\nb", "sk-\x01"])
def test_a_key_that_cannot_be_sent_is_told_and_not_shown(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(CocoonError, match="its value is not shown") as told:
        open_endpoint("m", "http://127.0.0.1:1/v1")
    assert key not in str(told.value)


@pytest.mark.parametrize(
    "spec",
    [
        "http://#m",
        "http://127.0.0.1:8000/v1",
        "http://[::1#m",
        "http://h:port/v1#m",
        "gpt-4o",
        "openai:",
        "",
        "ftp://h/v1#m",
    ],
)
def test_specs_that_cannot_be_read_are_told(spec: str) -> None:
    with pytest.raises(CocoonError) as told:
        Models().open(spec)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("spec", [f"http://me:{KEY}@h/v1#m", f"https://{KEY}@h/v1#m", f"http://h/v1?api_key={KEY}#m"])
def test_a_key_in_an_address_is_refused_and_not_repeated(spec: str) -> None:
    with pytest.raises(CocoonError) as told:
        Models().open(spec)
    assert KEY not in str(told.value)
    assert KEY not in (host_of(spec) or "")


def test_models_of_one_host_share_a_pool_and_money_needs_prices() -> None:
    models = Models(connections=3)
    one, other, third = (
        models.open(f"http://127.0.0.1:{port}/v1#{name}") for port, name in [(1, "a"), (1, "b"), (2, "a")]
    )
    assert one.pool is other.pool is not third.pool and one.pool.limiter.most == 3
    models.ledger.limits.money = 1.0
    with pytest.raises(CocoonError, match=r"without a price for 'http://127\.0\.0\.1:3/v1#a'"):
        models.open("http://127.0.0.1:3/v1#a")


async def test_big_and_hostile_texts_travel_unchanged() -> None:
    text = "x" * 10_000_000 + '\x00"\\\n{{ 7 * 7 }}\u2028 \U0001f642'
    async with odd((200, completion(text))) as (server, chat):
        message = await chat.ainvoke([{"role": "user", "content": text[-40:]}], temperature=0.0)
    assert message.content == text and server.seen[0]["messages"][0]["content"] == text[-40:]
