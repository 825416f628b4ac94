"""Several servers of one model behind one spec, over real HTTP: who is asked, and what happens when one goes away."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

import cocoon
from cocoon.benchmarks.endpoint.server import Endpoint, serve
from cocoon.benchmarks.endpoint.settings import Settings
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import read_records
from cocoon.core.records import Dialogue
from cocoon.models.by_name import check_spec, host_of, open_chat
from cocoon.models.remote.health import await_server
from cocoon.models.remote.replicas import ReplicatedChat
from cocoon.models.remote.steered import SteeredEndpointChat
from cocoon.models.remote.under_way import enter_dialogue
from cocoon.models.request_errors import TransientError
from cocoon.tests.steering.steered import saved_direction, tiny_family

SAID = [{"role": "user", "content": "hello"}]


def spec_of(*urls: str) -> str:
    return f"{','.join(urls)}#bench"


def opened(*urls: str) -> ReplicatedChat:
    chat, host = open_chat(spec_of(*urls))
    assert isinstance(chat, ReplicatedChat) and host == host_of(spec_of(*urls)) == chat.host
    return chat


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
        with pytest.raises(TransientError):
            await asyncio.gather(asked(chat, "a"), asked(chat, "b"))
        for dialogue in ("a", "b", "c"):
            await asked(chat, dialogue)
        assert answered(first) >= before + 3
        await chat.aclose()


async def test_a_server_that_is_silent_rests_too() -> None:
    async with serve() as first, serve(Settings(latency=60)) as second:
        chat = opened(second.url, first.url)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asked(chat, "a"), 0.2)
        await asked(chat, "a")
        assert (answered(first), answered(second)) == (1, 0)
        await chat.aclose()


async def test_what_one_server_teaches_holds_for_all() -> None:
    bodies: list[dict[str, Any]] = []

    async def answer(request: web.Request) -> web.Response:
        bodies.append(json.loads(await request.read()))
        if "temperature" in bodies[-1]:
            error = {"error": {"message": "Unsupported value: 'temperature' does not support 0.3"}}
            return web.json_response(error, status=400)
        message = {"role": "assistant", "content": "Yes."}
        return web.json_response({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})

    runner = web.AppRunner(web.Application())
    runner.app.router.add_post("/{which}/v1/chat/completions", answer)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    root = f"http://127.0.0.1:{runner.addresses[0][1]}"
    chat = opened(f"{root}/a/v1", f"{root}/b/v1")
    for dialogue in ("a", "b"):
        enter_dialogue(dialogue)
        assert (await chat.ainvoke(SAID, temperature=0.3)).text == "Yes."
    assert len(bodies) == 3, "the second server was not asked in vain"
    assert "temperature" in chat.learnt
    await chat.aclose()
    await runner.cleanup()


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
    async def models(_: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": "bench"}]})

    runner = web.AppRunner(web.Application())
    runner.app.router.add_get("/v1/models", models)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    assert await await_server(f"{url},{url.replace('127.0.0.1', 'localhost')}#bench", 10) == ["bench"]
    with pytest.raises(CocoonError, match=r"127\.0\.0\.1:1 was not up"):
        await await_server(f"{url},http://127.0.0.1:1/v1#bench", 0)
    await runner.cleanup()


def test_steered_rows_have_replicas_too(tmp_path: Path) -> None:
    direction = saved_direction(tmp_path / "d.safetensors", tiny_family("Llama"))
    chat, _ = open_chat(f"http://127.0.0.1:1/v1,http://127.0.0.1:2/v1#base+steer={direction}:0.03")
    assert isinstance(chat, ReplicatedChat)
    assert all(isinstance(server, SteeredEndpointChat) for server in chat.servers)
    assert chat.facts["replicas"] == ["127.0.0.1:1", "127.0.0.1:2"] and chat.facts["steer"]["coefficient"] == 0.03


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ("http://127.0.0.1:1/v1,127.0.0.1:2/v1#m", "'127.0.0.1:2/v1' is no address"),
        ("http://127.0.0.1:1/v1,#m", "'' is no address"),
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
