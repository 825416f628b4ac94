"""Several servers of one model behind one spec, over real HTTP: who is asked, and what happens when one goes away."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

import cocoon
from cocoon.benchmarks.endpoint.server import Endpoint, serve
from cocoon.benchmarks.endpoint.settings import Settings
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import read_records
from cocoon.core.model_spec import split_specs
from cocoon.core.records import Dialogue
from cocoon.models.by_name import Models, check_spec, host_of, open_chat
from cocoon.models.remote.health import await_server
from cocoon.models.remote.replicas import ReplicatedChat
from cocoon.models.remote.steered import SteeredEndpointChat
from cocoon.models.remote.under_way import enter_dialogue
from cocoon.models.request_errors import TransientError
from cocoon.tests.steering.steered import saved_direction, tiny_family

Handler = Callable[[web.Request], Awaitable[web.Response]]
SAID = [{"role": "user", "content": "hello"}]


def spec_of(*urls: str) -> str:
    return f"{','.join(urls)}#bench"


def opened(*urls: str) -> ReplicatedChat:
    chat, host = open_chat(spec_of(*urls))
    assert isinstance(chat, ReplicatedChat) and host == host_of(spec_of(*urls)) == chat.host
    return chat


@asynccontextmanager
async def at(answer: Handler) -> AsyncIterator[str]:
    """A server that gives every request to `answer`; its address without a path."""
    runner = web.AppRunner(web.Application())
    runner.app.router.add_route("*", "/{path:.*}", answer)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def answered(server: Endpoint) -> int:
    return int(server.snapshot()["answered"])


async def asked(chat: ReplicatedChat, dialogue: str) -> None:
    enter_dialogue(dialogue)
    assert (await chat.ainvoke(SAID)).text


async def simulated(out: Path, model: str, **settings: Any) -> list[Dialogue]:
    given = {"rounds": 3, "limit": 8, "options": {"form_pairs": 0}, "difficulty": "easy", "seed": 3, **settings}
    run = await cocoon.simulate_async(
        profiles="shipped:en", supporter=model, user=model, appraiser="rule", out=out, progress=False, **given
    )
    assert not run.failures
    return list(read_records(out / "dialogues.jsonl", Dialogue))


async def test_a_dialogue_stays_with_one_server_and_new_ones_are_shared_out() -> None:
    async with serve() as first, serve() as second:
        chat = opened(first.url, second.url)
        for _ in range(3):
            for dialogue in ("a", "b", "c", "d"):
                await asked(chat, dialogue)
        assert (answered(first), answered(second)) == (6, 6)
        for _ in range(5):
            await asked(chat, "a")
        assert sorted((answered(first), answered(second))) == [6, 11]
        await chat.aclose()


async def test_dialogues_that_begin_together_are_shared_out() -> None:
    async with serve(Settings(latency=0.05)) as first, serve(Settings(latency=0.05)) as second:
        chat = opened(first.url, second.url)
        await asyncio.gather(*(asyncio.create_task(asked(chat, f"d{number}")) for number in range(20)))
        assert (answered(first), answered(second)) == (10, 10)
        await chat.aclose()


async def test_a_server_that_is_gone_rests_and_its_dialogues_go_on_at_another() -> None:
    async with serve() as first:
        async with serve() as second:
            chat = opened(first.url, second.url)
            for dialogue in ("a", "b"):
                await asked(chat, dialogue)
            before = answered(first)
        for dialogue in ("a", "b", "c"):
            await asked(chat, dialogue)
        assert answered(first) == before + 3
        assert [server.dialogues for server in chat.load.servers] == [3, 0]
        await chat.aclose()
    with pytest.raises(TransientError):
        await asked(chat, "a")


@pytest.mark.parametrize("status", [429, 500, 503, 529])
async def test_a_server_that_fails_at_once_loses_no_dialogue(status: int) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"error": {"message": "no"}}, status=status, headers={"Retry-After": "30"})

    async with serve(Settings(latency=0.01)) as well, at(answer) as bad:
        chat = opened(f"{bad}/v1", well.url)
        for begin in range(0, 40, 8):
            await asyncio.gather(*(asyncio.create_task(asked(chat, f"d{begin + n}")) for n in range(8)))
        assert answered(well) == 40
        assert chat.load.servers[0].failures == 1, "those that were under way together are one outage"
        await chat.aclose()


async def test_a_server_that_answers_again_is_well() -> None:
    async with serve() as first, serve() as second:
        chat = opened(first.url, second.url)
        for state in chat.load.servers:
            for _ in range(8):
                state.fail(time.monotonic() - 1)
        assert {state.failures for state in chat.load.servers} == {1}
        await asyncio.gather(*(asyncio.create_task(asked(chat, f"d{number}")) for number in range(8)))
        assert (answered(first), answered(second)) == (4, 4), "where all rest, the least busy one is asked"
        await asyncio.gather(*(asyncio.create_task(asked(chat, f"e{number}")) for number in range(8)))
        assert (answered(first), answered(second)) == (8, 8)
        await chat.aclose()


async def test_a_server_that_is_silent_rests_too() -> None:
    async with serve() as first, serve(Settings(latency=60)) as second:
        chat = opened(second.url, first.url)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asked(chat, "a"), 0.2)
        await asked(chat, "a")
        assert (answered(first), answered(second)) == (1, 0)
        await chat.aclose()


async def test_a_slow_server_beside_a_fast_one_is_waited_for_as_if_it_were_alone() -> None:
    async with serve(Settings(latency=0.3, cap=1)) as slow, serve() as fast:
        models = Models(timeout=0.8, connections=16)
        model = models.open(spec_of(slow.url, fast.url))

        async def ask(number: int) -> None:
            enter_dialogue(f"d{number}")
            await model.pool.call(lambda: model.chat.ainvoke(SAID), (0, number))

        await asyncio.gather(*(asyncio.create_task(ask(number)) for number in range(12)))
        assert model.pool.counts.retried == {}
        assert answered(slow) == answered(fast) == 6
        await models.aclose()


async def test_models_at_the_same_servers_share_their_load() -> None:
    async with serve() as first, serve() as second:
        models = Models()
        rows = [models.open(f"{first.url},{second.url}#row{number}") for number in range(6)]
        for number, model in enumerate(rows):
            enter_dialogue(f"d{number}")
            await model.chat.ainvoke(SAID)
        assert (answered(first), answered(second)) == (3, 3)
        await models.aclose()


def test_lists_of_servers_behind_one_host_are_told_apart() -> None:
    models, root = Models(), "http://127.0.0.1:1"
    specs = [f"{root}/a/v1,{root}/b/v1#m", f"{root}/b/v1,{root}/c/v1#m", f"{root}/a/v1/,{root}/b/v1#other"]
    loads = [chat.load for chat in (models.open(spec).chat for spec in specs) if isinstance(chat, ReplicatedChat)]
    assert loads[0] is loads[2] and loads[0] is not loads[1]


def test_tools_are_bound_as_for_one_server() -> None:
    tool = {"type": "function", "function": {"name": "look", "description": "look", "parameters": {}}}
    one, _ = open_chat("http://127.0.0.1:1/v1#m")
    several = opened("http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1")
    assert getattr(several.bind_tools([tool]), "kwargs", None) == getattr(one.bind_tools([tool]), "kwargs", 0)


def test_judges_are_parted_and_the_servers_of_one_are_not() -> None:
    two = "http://a/v1,http://b/v1#m"
    assert split_specs(f"openai:x, {two},local:y") == ["openai:x", two, "local:y"]
    assert split_specs("http://a/v1#m,http://b/v1#m") == ["http://a/v1#m", "http://b/v1#m"]


async def test_what_one_server_teaches_holds_for_all() -> None:
    bodies: list[dict[str, Any]] = []

    async def answer(request: web.Request) -> web.Response:
        bodies.append(json.loads(await request.read()))
        if "temperature" in bodies[-1]:
            error = {"error": {"message": "Unsupported value: 'temperature' does not support 0.3"}}
            return web.json_response(error, status=400)
        message = {"role": "assistant", "content": "Yes."}
        return web.json_response({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})

    async with at(answer) as root:
        chat = opened(f"{root}/a/v1", f"{root}/b/v1")
        for dialogue in ("a", "b"):
            enter_dialogue(dialogue)
            assert (await chat.ainvoke(SAID, temperature=0.3)).text == "Yes."
        assert len(bodies) == 3, "the second server was not asked in vain"
        assert "temperature" in chat.learnt
        await chat.aclose()


async def test_a_run_over_two_servers_is_that_of_one_and_uses_both(tmp_path: Path) -> None:
    async with serve() as first, serve() as second:
        both = await simulated(tmp_path / "both", spec_of(first.url, second.url))
        shares = answered(first), answered(second)
        alone = await simulated(tmp_path / "alone", spec_of(first.url))
    assert min(shares) >= sum(shares) // 3, shares
    assert {one.id: [turn.content for turn in one.turns] for one in both} == {
        one.id: [turn.content for turn in one.turns] for one in alone
    }


async def test_a_run_ends_well_when_a_server_goes_away_in_its_middle(tmp_path: Path) -> None:
    async with serve(Settings(latency=0.02)) as first:
        async with serve(Settings(latency=0.02)) as second:
            model = spec_of(first.url, second.url)
            going = asyncio.create_task(simulated(tmp_path / "run", model, limit=None, samples=2))
            while answered(second) < 5:
                await asyncio.sleep(0.01)
        dialogues = await going
    assert len(dialogues) == 20 and all(len(one.turns) == 7 for one in dialogues)


async def test_all_servers_are_waited_for() -> None:
    async def models(request: web.Request) -> web.Response:
        names = ["bench"] if request.path.startswith("/v1") else ["other"]
        return web.json_response({"data": [{"id": name} for name in names]})

    async with at(models) as root:
        url = f"{root}/v1"
        assert await await_server(f"{url},{url.replace('127.0.0.1', 'localhost')}#bench", 10) == ["bench"]
        with pytest.raises(CocoonError, match=r"127\.0\.0\.1:1 was not up"):
            await await_server(f"{url},http://127.0.0.1:1/v1#bench", 0)
        with pytest.raises(CocoonError, match="no model is at all of these servers"):
            await await_server(f"{url},{root}/second/v1", 0)


def test_steered_rows_have_replicas_too(tmp_path: Path) -> None:
    direction = saved_direction(tmp_path / "d.safetensors", tiny_family("Llama"))
    chat, _ = open_chat(f"http://127.0.0.1:1/v1,http://127.0.0.1:2/v1#base+steer={direction}:0.03")
    assert isinstance(chat, ReplicatedChat)
    assert all(isinstance(server, SteeredEndpointChat) for server in chat.servers)
    assert chat.facts["replicas"] == ["127.0.0.1:1", "127.0.0.1:2"] and chat.facts["steer"]["coefficient"] == 0.03


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ("http://127.0.0.1:1/v1,127.0.0.1:2/v1#m", "127.0.0.1:2/v1' is no address"),
        ("http://127.0.0.1:1/v1,#m", "is no address"),
        ("http://127.0.0.1:1/v1#m,http://127.0.0.1:2/v1#m", "write all addresses first"),
        ("http://127.0.0.1:1/v1,http://127.0.0.1:1/v1/#m", "names one server twice"),
        ("http://127.0.0.1:1/v1,http://u:secret@127.0.0.1:2/v1#m", "has a password or key"),
        ("http://127.0.0.1:1/v1,http://#m", "write the server's address"),
    ],
)
def test_a_list_of_servers_that_cannot_be_read_is_refused(spec: str, problem: str) -> None:
    with pytest.raises(CocoonError, match=problem):
        check_spec(spec)


async def test_a_batch_cannot_go_to_several_servers(tmp_path: Path) -> None:
    async with serve() as first, serve() as second:
        await simulated(tmp_path / "run", spec_of(first.url), limit=1, rounds=1)
        judge = spec_of(first.url, second.url)
        with pytest.raises(CocoonError, match="at one OpenAI-compatible server"):
            await asyncio.to_thread(cocoon.judge, tmp_path / "run", judge=judge, batch=True)
