"""The benchmark endpoint: what the other tests and the benchmarks stand on must itself be right."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import aiohttp
import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cocoon.benchmarks.endpoint.server import Endpoint, serve
from cocoon.benchmarks.endpoint.settings import Fault, Settings

TRANSCRIPT = "Judge this.\n[0] Supporter: You look worn out.\n[1] User: It is nothing, really.\n[2] Supporter: Hm."


class Verdict(BaseModel):
    """Shaped like the verdict a judge is asked for."""

    model_config = ConfigDict(extra="forbid")
    reason: str
    named_by: Literal["supporter", "user", "nobody"] | None
    how: Literal["after_reflection", "after_question", "volunteered", "leaked"] | None
    turn: int | None
    quote: str


class Scores(BaseModel):
    """Shaped like the items of a scale."""

    model_config = ConfigDict(extra="forbid")

    class Items(BaseModel):
        model_config = ConfigDict(extra="forbid")
        first: int | None = Field(ge=1, le=7)
        second: int | None = Field(ge=1, le=7)
        third: int | None = Field(ge=1, le=7)

    items: Items
    sure: bool


def request(text: str, schema: type[BaseModel] | None = None, **more: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": text}], **more}
    if schema:
        form = {"name": schema.__name__, "schema": schema.model_json_schema(), "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    return body


class Client:
    """A session against one endpoint."""

    def __init__(self, endpoint: Endpoint, session: aiohttp.ClientSession) -> None:
        self.root = endpoint.url
        self.session = session

    async def post(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        async with self.session.post(self.root + path, json=body) as response:
            return response.status, await response.json()

    async def ask(self, *given: Any, **more: Any) -> tuple[int, Any]:
        return await self.post("/chat/completions", request(*given, **more))

    async def text(self, *given: Any, **more: Any) -> str:
        status, reply = await self.ask(*given, **more)
        assert status == 200, reply
        return reply["choices"][0]["message"]["content"]

    async def stats(self) -> dict[str, Any]:
        async with self.session.get(self.root + "/stats") as response:
            return await response.json()


async def with_client(settings: Settings, log: Path | None = None, *, work: Callable[[Client], Any]) -> Any:
    async with serve(settings, log=log) as endpoint, aiohttp.ClientSession() as session:
        return await work(Client(endpoint, session))


def faulty(fault: Fault, share: float = 1.0, **more: Any) -> Settings:
    return Settings(faults={fault: share}, **more)


async def test_equal_prompts_get_equal_answers_across_restarts() -> None:
    async def work(client: Client) -> tuple[str, str, str]:
        return await client.text("hello"), await client.text("hello"), await client.text("hello there")

    first = await with_client(Settings(), work=work)
    again = await with_client(Settings(faults={"500": 0.0}, latency=0.01), work=work)
    assert first == again
    assert first[0] == first[1] != first[2]


async def test_the_model_and_the_schema_are_part_of_the_prompt() -> None:
    async def work(client: Client) -> list[str]:
        return [
            await client.text("hi", model="a"),
            await client.text("hi", model="b"),
            await client.text("hi", Scores),
        ]

    assert len(set(await with_client(Settings(), work=work))) == 3


async def test_prose_is_in_the_language_of_the_last_message_and_counted_in_tokens() -> None:
    async def work(client: Client) -> tuple[Any, Any]:
        return await client.ask("x" * 400), await client.ask("我很好")

    (_, english), (_, chinese) = await with_client(Settings(), work=work)
    text = english["choices"][0]["message"]["content"]
    assert text.isascii()
    assert 250 < len(text) < 400
    assert english["usage"] == {
        "prompt_tokens": 100,
        "completion_tokens": len(text) // 4,
        "total_tokens": 100 + len(text) // 4,
    }
    assert "，" in chinese["choices"][0]["message"]["content"]


async def test_schema_answers_are_valid_and_vary_and_admit_null() -> None:
    async def work(client: Client) -> list[Scores]:
        return [Scores.model_validate_json(await client.text(f"rate {i}", Scores)) for i in range(200)]

    made = await with_client(Settings(), work=work)
    seen = {each.items.first for each in made} | {each.items.second for each in made}
    assert seen == {None, 1, 2, 3, 4, 5, 6, 7}
    assert {each.sure for each in made} == {True, False}


async def test_quotes_are_copied_from_the_transcript_with_their_turn() -> None:
    lines = {0: "You look worn out.", 1: "It is nothing, really.", 2: "Hm."}

    async def work(client: Client) -> list[Verdict]:
        return [Verdict.model_validate_json(await client.text(f"{i} {TRANSCRIPT}", Verdict)) for i in range(40)]

    verdicts = await with_client(Settings(), work=work)
    assert all(verdict.turn is not None and lines[verdict.turn] == verdict.quote for verdict in verdicts)
    assert {verdict.turn for verdict in verdicts} == {0, 1, 2}
    assert all(verdict.turn == 1 for verdict in verdicts if verdict.named_by == "user")


async def test_verdicts_do_not_contradict_themselves() -> None:
    async def work(client: Client) -> list[Verdict]:
        return [Verdict.model_validate_json(await client.text(f"{i} {TRANSCRIPT}", Verdict)) for i in range(200)]

    drawn_out = {"after_reflection", "after_question"}
    seen: dict[str | None, set[str | None]] = {}
    for verdict in await with_client(Settings(), work=work):
        seen.setdefault(verdict.named_by, set()).add(verdict.how)
    assert seen["supporter"] == drawn_out
    assert seen["user"] == {*drawn_out, "volunteered", "leaked"}
    assert seen["nobody"] == seen[None] == {None}


async def test_chinese_transcripts_are_quoted_too() -> None:
    async def work(client: Client) -> Verdict:
        return Verdict.model_validate_json(await client.text("评一评\n[0] 用户：我没事。\n", Verdict))

    verdict = await with_client(Settings(), work=work)
    assert (verdict.turn, verdict.quote) == (0, "我没事。")


async def test_a_schema_told_in_words_is_answered_for_clients_that_ask_by_prompt() -> None:
    words = f"Reply with one JSON object of this schema: {json.dumps(Scores.model_json_schema())} Nothing else."

    async def work(client: Client) -> tuple[str, str]:
        return await client.text(words), await client.text(words, response_format={"type": "json_object"})

    plain, in_json_mode = await with_client(Settings(refuse_response_format=["json_schema"]), work=work)
    assert Scores.model_validate_json(plain) == Scores.model_validate_json(in_json_mode)


async def test_refused_and_ignored_response_formats() -> None:
    async def refused(client: Client) -> tuple[int, str]:
        status, _ = await client.ask("a", Scores)
        return status, await client.text("a", response_format={"type": "json_object"})

    status, text = await with_client(Settings(refuse_response_format=["json_schema"]), work=refused)
    assert status == 400
    assert isinstance(json.loads(text), dict)
    prose = await with_client(Settings(ignore_schema=True), work=lambda client: client.text("a", Scores))
    with pytest.raises(ValidationError):
        Scores.model_validate_json(prose)


async def test_the_cap_queues_and_every_call_is_answered() -> None:
    async def work(client: Client) -> dict[str, Any]:
        await asyncio.gather(*(client.text(f"call {i}") for i in range(20)))
        return await client.stats()

    stats = await with_client(Settings(latency=0.01, cap=3), work=work)
    assert (stats["max_in_flight"], stats["answered"], stats["rejected"]) == (3, 20, 0)
    assert stats["service_s"] == pytest.approx(0.2)


async def test_above_the_cap_429_mode_turns_away_at_once() -> None:
    async def one(client: Client, number: int) -> tuple[int, str | None]:
        body = request(f"call {number}")
        async with client.session.post(client.root + "/chat/completions", json=body) as response:
            return response.status, response.headers.get("Retry-After")

    async def work(client: Client) -> Any:
        return await asyncio.gather(*(one(client, i) for i in range(10))), await client.stats()

    replies, stats = await with_client(Settings(latency=0.5, cap=4, mode="429", retry_after=2), work=work)
    assert sorted(replies) == [(200, None)] * 4 + [(429, "2")] * 6
    assert (stats["answered"], stats["rejected"], stats["max_in_flight"]) == (4, 6, 4)


@pytest.mark.parametrize("fault", ["429", "500"])
async def test_failing_faults_have_their_status_and_are_counted(fault: Fault) -> None:
    async def work(client: Client) -> Any:
        return (await client.ask("a"))[0], (await client.stats())["faults"]

    assert await with_client(faulty(fault), work=work) == (int(fault), {fault: 1})


async def test_a_fault_is_drawn_anew_at_every_attempt_and_the_same_after_a_restart() -> None:
    async def work(client: Client) -> list[list[int]]:
        return [[(await client.ask(f"p{p}"))[0] for _ in range(6)] for p in range(20)]

    first = await with_client(faulty("500", 0.5), work=work)
    assert first == await with_client(faulty("500", 0.5), work=work)
    assert first != await with_client(faulty("500", 0.5, seed=1), work=work)
    assert any(500 in each and each[-1] == 200 for each in first)
    assert 35 < sum(status == 500 for each in first for status in each) < 85


async def test_a_hang_never_answers_and_ends_when_the_client_gives_up() -> None:
    async def work(client: Client) -> Any:
        patience = aiohttp.ClientTimeout(total=0.2)
        with pytest.raises(TimeoutError):
            await client.session.post(client.root + "/chat/completions", json=request("a"), timeout=patience)
        while (stats := await client.stats())["hanging"]:
            await asyncio.sleep(0.01)
        return stats

    stats = await with_client(faulty("hang", cap=1), work=work)
    assert (stats["faults"], stats["answered"], stats["in_flight"]) == ({"hang": 1}, 0, 0)


async def test_a_cut_connection_breaks_off_inside_the_body() -> None:
    async def work(client: Client) -> Any:
        async with client.session.post(client.root + "/chat/completions", json=request("a")) as response:
            assert response.status == 200
            with pytest.raises(aiohttp.ClientPayloadError):
                await response.read()
        return (await client.stats())["faults"]

    assert await with_client(faulty("cut"), work=work) == {"cut": 1}


async def test_malformed_json_is_unreadable_and_spares_prose() -> None:
    async def work(client: Client) -> Any:
        broken = [await client.text(f"rate {i}", Scores) for i in range(50)]
        return broken, await client.text("a"), (await client.stats())["faults"]

    broken, prose, faults = await with_client(faulty("malformed"), work=work)
    for text in broken:
        with pytest.raises(json.JSONDecodeError):
            json.loads(text)
    assert prose == await with_client(Settings(), work=lambda client: client.text("a"))
    assert faults == {"malformed": 50}


@pytest.mark.parametrize("schema", [Scores, Verdict])
async def test_schema_breaking_json_is_json_and_always_breaks_the_schema(schema: type[BaseModel]) -> None:
    async def work(client: Client) -> list[str]:
        return [await client.text(f"{i} {TRANSCRIPT}", schema) for i in range(100)]

    for text in await with_client(faulty("schema_break"), work=work):
        json.loads(text)
        with pytest.raises(ValidationError):
            schema.model_validate_json(text)


async def test_lognormal_latency_is_fixed_by_the_prompt_and_has_the_given_mean() -> None:
    async def work(client: Client) -> float:
        for first in range(0, 400, 50):
            await asyncio.gather(*(client.text(f"call {i}") for i in range(first, first + 50)))
        return (await client.stats())["service_s"]

    drawn = await with_client(Settings(latency=0.02, cv=0.6), work=work)
    assert drawn == pytest.approx(await with_client(Settings(latency=0.02, cv=0.6), work=work))
    assert drawn / 400 == pytest.approx(0.02, rel=0.1)


async def test_the_longest_chain_follows_answers_through_messages_and_transcripts() -> None:
    async def work(client: Client) -> float:
        messages: list[dict[str, str]] = [
            {"role": "system", "content": "s"},
            {"role": "user", "content": "(begin)"},
        ]
        for role in ("assistant", "user", "assistant"):
            _, reply = await client.post("/chat/completions", {"model": "m", "messages": messages})
            messages.append({"role": role, "content": reply["choices"][0]["message"]["content"]})
        await client.text(f"[0] User: {messages[-1]['content']}", Scores)
        await asyncio.gather(*(client.text(f"other {i}") for i in range(10)))
        return (await client.stats())["longest_chain_s"]

    assert await with_client(Settings(latency=0.01), work=work) == pytest.approx(0.04)


async def test_repeated_prompts_are_listed_and_reset_forgets() -> None:
    async def work(client: Client) -> Any:
        for text in ("a", "a", "b"):
            await client.text(text)
        before = await client.stats()
        await client.post("/reset", {})
        return before, await client.stats()

    before, after = await with_client(Settings(), work=work)
    assert (before["duplicates"]["count"], before["repeated_answers"]) == (1, 1)
    assert len(before["duplicates"]["prompts"][0]["times"]) == 2
    assert (after["calls"], after["duplicates"]["count"], after["first"]) == (0, 0, None)


async def test_the_log_tells_every_request_even_of_clients_that_left(tmp_path: Path) -> None:
    async def work(client: Client) -> None:
        await client.text("a")
        await client.post("/settings", {"latency": 30})
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.ask("b"), 0.1)
        while (await client.stats())["in_flight"]:
            await asyncio.sleep(0.01)
        lines = (tmp_path / "log").read_text().splitlines()
        assert [json.loads(line)["status"] for line in lines] == ["answered", "abandoned"]

    await with_client(Settings(), tmp_path / "log", work=work)


async def test_settings_change_while_running_and_bad_ones_are_refused() -> None:
    async def work(client: Client) -> list[int]:
        statuses = [(await client.post("/settings", {"faults": {"500": 1.0}}))[0], (await client.ask("a"))[0]]
        bad: list[dict[str, Any]] = [
            {"faults": {"500": 0.7, "cut": 0.7}},
            {"latence": 1},
            {"faults": {"fire": 0.1}},
        ]
        return statuses + [(await client.post("/settings", change))[0] for change in bad]

    assert await with_client(Settings(), work=work) == [200, 500, 400, 400, 400]


@pytest.mark.parametrize("body", [{}, {"messages": []}, {"messages": ["hi"]}, {"messages": [{"content": "hi"}]}])
async def test_what_is_no_request_gets_a_400(body: dict[str, Any]) -> None:
    async def work(client: Client) -> int:
        return (await client.post("/chat/completions", body))[0]

    assert await with_client(Settings(), work=work) == 400


async def test_streamed_answers_hold_the_same_text() -> None:
    async def work(client: Client) -> tuple[str, str]:
        body = request("a", stream=True)
        async with client.session.post(client.root + "/chat/completions", json=body) as response:
            lines = [line.removeprefix("data: ") for line in (await response.text()).split("\n\n") if line]
        assert lines[-1] == "[DONE]"
        choices = [choice for line in lines[:-1] for choice in json.loads(line)["choices"]]
        return "".join(choice["delta"].get("content", "") for choice in choices), await client.text("a")

    streamed, whole = await with_client(Settings(), work=work)
    assert streamed == whole
