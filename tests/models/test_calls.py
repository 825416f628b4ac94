"""One call: found in the journal or sent in its turn, told when it is another one, asked once when asked together."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from cocoon.core.errors import CallFailedError, NotSavedError, ReplayMismatchError, StoppedError
from cocoon.models.by_name import Model, Models
from cocoon.models.calls import Caller, Settings
from cocoon.models.journal.store import Journal, Place
from cocoon.models.ledger import Ledger
from cocoon.models.pool import Pool
from cocoon.models.request_errors import RefusedError
from cocoon.models.scripted import ScriptedChat

SAID = [{"role": "system", "content": "be kind"}, {"role": "user", "content": "hello"}]
WARM = Settings(temperature=0.7)


class GatedChat(ScriptedChat):
    """Answers once `gate` is set; keeps the parameters of every call."""

    gate: Any = None
    given: list[dict[str, Any]] = []

    async def _agenerate(self, messages: list[BaseMessage], *rest: Any, **kwargs: Any) -> ChatResult:
        self.given.append(kwargs)
        if self.gate is not None:
            await self.gate.wait()
        return await super()._agenerate(messages, *rest, **kwargs)


class BrokenChat(ScriptedChat):
    """Raises `error`."""

    error: Any = None

    async def _agenerate(self, messages: list[BaseMessage], *rest: Any, **kwargs: Any) -> ChatResult:
        raise self.error


def model(chat: ScriptedChat, connections: int = 8, **more: Any) -> Model:
    return Model("scripted:m", chat, Pool(connections, backoff=0.001, attempts=2, **more))


def scripted(*replies: str, **more: Any) -> GatedChat:
    return GatedChat(replies=list(replies), given=[], **more)


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    made = Journal(tmp_path / "journal.sqlite")
    yield made
    made.close()


@pytest.fixture
def caller(journal: Journal) -> Caller:
    return admitted(journal, "d", "e")


def admitted(journal: Journal, *dialogues: str, seed: int = 0) -> Caller:
    made = Caller(journal, seed=seed)
    for dialogue in dialogues:
        made.admit(dialogue)
    return made


async def settle() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


async def test_a_reply_is_journalled_and_replayed_without_asking(caller: Caller, journal: Journal) -> None:
    asked = model(scripted("fine"))
    first = await caller.ask(asked, Place("d", "user", 1), SAID, WARM)
    assert not first.replayed and first.text == "fine" and first.key == "user/1/0/0"
    assert first.entry.tokens_in and first.entry.answered_at > 0
    silent = model(ScriptedChat())
    again = await admitted(journal, "d").ask(silent, Place("d", "user", 1), SAID, WARM)
    assert again.replayed and again.entry == first.entry
    assert journal.request(Place("d", "user", 1)) == SAID


async def test_the_same_place_twice_in_one_session_is_not_asked_again(caller: Caller) -> None:
    chat = scripted("one", "two")
    asked = model(chat)
    replies = [await caller.ask(asked, Place("d", "user", 1), SAID, WARM) for _ in range(2)]
    assert [reply.text for reply in replies] == ["one", "one"] and len(chat.seen) == 1
    caller.dismiss("d")
    caller.admit("d")
    assert (await caller.ask(asked, Place("d", "user", 1), SAID, WARM)).replayed and len(chat.seen) == 1


@pytest.mark.parametrize("what", ["words", "role", "temperature", "max_tokens", "schema", "model"])
async def test_another_call_at_a_journalled_place_is_told(caller: Caller, journal: Journal, what: str) -> None:
    place = Place("d", "judge:basic", 0, 2)
    await caller.ask(model(scripted("x")), place, SAID, Settings(0.5, 10), schema={"type": "object"})
    messages = [{**SAID[0]}, {**SAID[1]}]
    if what in ("words", "role"):
        messages[1] |= {"content": "hello!"} if what == "words" else {"role": "assistant"}
    other = model(scripted("y"))
    other.label = "scripted:other" if what == "model" else other.label
    settings = Settings(0.6 if what == "temperature" else 0.5, 11 if what == "max_tokens" else 10)
    schema = {"type": "string"} if what == "schema" else {"type": "object"}
    with pytest.raises(ReplayMismatchError) as told:
        await admitted(journal, "d").ask(other, place, messages, settings, schema=schema)
    message = str(told.value)
    assert "journal.sqlite: dialogue 'd', call 'judge:basic/0/2/0'" in message and "another --out" in message
    assert ("'scripted:m'" in message) == (what == "model")


@pytest.mark.parametrize("what", ["report", "words", "role", "schema", "no schema", "first attempt", "temperature"])
async def test_only_the_report_of_an_error_may_differ_in_a_repair(caller: Caller, journal: Journal, what: str) -> None:
    place = Place("d", "judge", 0, attempt=0 if what == "first attempt" else 1)
    schema = None if what == "no schema" else {"type": "object"}
    await caller.ask(model(scripted("x")), place, SAID, Settings(), schema=schema)
    messages = [{**SAID[0]}, {**SAID[1], "content": "hello, in other words"}]
    if what in ("words", "role"):
        messages[0 if what == "words" else 1] |= {"content": "be wise"} if what == "words" else {"role": "assistant"}
    settings = Settings(0.5 if what == "temperature" else 0.0)
    again = admitted(journal, "d").ask(
        model(scripted("y")), place, messages, settings, schema={"type": "string"} if what == "schema" else schema
    )
    if what == "report":
        assert (await again).text == "x"
        return
    with pytest.raises(ReplayMismatchError):
        await again


async def test_identical_greedy_calls_in_flight_are_asked_once_and_journalled_each(
    caller: Caller, journal: Journal
) -> None:
    gate = asyncio.Event()
    chat = scripted("same", "never", gate=gate)
    asked = model(chat)
    places = [Place("d", "a", 0), Place("d", "b", 0), Place("e", "a", 0, 1)]
    tasks = [asyncio.ensure_future(caller.ask(asked, place, SAID, Settings())) for place in places]
    other = asyncio.ensure_future(caller.ask(asked, Place("e", "c", 0), [SAID[1]], Settings()))
    await settle()
    gate.set()
    assert {(await task).text for task in tasks} == {"same"}
    assert (await other).text == "never" and len(chat.seen) == 2
    assert (asked.pool.budget.calls, asked.pool.budget.open) == (2, 0)
    assert sum(usage.calls for usage in journal.spent()) == 2
    assert {entry.place for entry in journal.entries()} == {*places, Place("e", "c", 0)}
    await caller.ask(asked, Place("e", "later", 0), SAID, Settings())
    assert len(chat.seen) == 3


async def test_draws_and_other_rungs_are_never_shared(caller: Caller) -> None:
    gate = asyncio.Event()
    chat = scripted("1", "2", "3", "4", gate=gate)
    asked = model(chat)
    work = [caller.ask(asked, Place("d", "a", 0, vote), SAID, WARM) for vote in range(2)]
    for node, rung in (("b", "json_schema"), ("c", "json_object")):
        form = {"type": rung}
        work.append(caller.ask(asked, Place("d", node, 0), SAID, Settings(), rung=rung, response_format=form))
    tasks = [asyncio.ensure_future(each) for each in work]
    await settle()
    gate.set()
    assert sorted([(await task).text for task in tasks]) == ["1", "2", "3", "4"]


async def test_a_shared_failure_reaches_everyone_and_the_next_one_asks_anew(caller: Caller) -> None:
    broken = model(BrokenChat(error=RefusedError(418, "who are you")))
    work = [caller.ask(broken, Place("d", node, 0), SAID, Settings()) for node in "ab"]
    failed = await asyncio.gather(*work, return_exceptions=True)
    assert [str(each) for each in failed] == ["scripted:m: HTTP 418 who are you"] * 2
    assert broken.pool.counts.started == 1 and broken.pool.in_flight == 0
    healed = model(scripted("ok"))
    assert (await caller.ask(healed, Place("d", "a", 0), SAID, Settings())).text == "ok"


class ColdlessChat(GatedChat):
    """Finds out with its first answer that its server takes no temperature."""

    learnt: set[str] = set()

    async def _agenerate(self, *given: Any, **kwargs: Any) -> ChatResult:
        result = await super()._agenerate(*given, **kwargs)
        self.learnt.add("temperature")
        return result


async def test_equal_calls_get_a_reply_each_where_temperature_0_is_not_to_be_had(caller: Caller) -> None:
    chat = ColdlessChat(replies=["1", "2", "3"], given=[])
    asked = Models().wrap("scripted:m", chat)
    replies = await asyncio.gather(*(caller.ask(asked, Place("d", node, 0), SAID, Settings()) for node in "abc"))
    assert sorted(reply.text for reply in replies) == ["1", "2", "3"]
    assert [given.get("seed") is not None for given in chat.given] == [False, True, True]


async def test_seeds_are_stable_and_distinct(journal: Journal) -> None:
    places = [Place(d, n, o, v, a) for d in "de" for n in ("user", "x") for o in (0, 1) for v in (0, 1) for a in (0, 1)]

    async def seeds(seed: int) -> list[int]:
        chat = scripted("x")
        caller = Caller(
            Journal(journal.path.with_name(f"{len(list(journal.path.parent.iterdir()))}.sqlite")), seed=seed
        )
        for dialogue in "de":
            caller.admit(dialogue)
        for place in places:
            await caller.ask(model(chat), place, SAID, WARM)
        caller.journal.close()
        return [each["seed"] for each in chat.given]

    first = await seeds(0)
    assert first == await seeds(0)
    assert len({*first, *await seeds(1)}) == 2 * len(places)
    assert all(0 <= seed < 2**31 for seed in first)


async def test_greedy_calls_send_no_seed_and_settings_are_sent(caller: Caller) -> None:
    chat = scripted("x")
    form = {"type": "json_object"}
    await caller.ask(model(chat), Place("d", "a", 0), SAID, Settings(0.0, 33), response_format=form)
    sent = {name: value for name, value in chat.given[0].items() if value is not None}
    assert sent == {"temperature": 0.0, "max_tokens": 33, "response_format": form}


async def test_empty_replies_are_asked_again_three_times_a_session(caller: Caller, journal: Journal) -> None:
    said, replies = await caller.text(model(scripted("", " \n", " kind words ")), Place("d", "user", 0), SAID, WARM)
    assert said == "kind words" and [reply.key for reply in replies] == ["user/0/0/0", "user/0/0/1", "user/0/0/2"]
    chat = scripted("")
    with pytest.raises(CallFailedError, match="three empty replies at user/1/0/0") as failed:
        await caller.text(model(chat), Place("d", "user", 1), SAID, WARM)
    assert failed.value.reason == "empty_reply" and len(chat.seen) == 3
    later = scripted("", "at last")
    said, replies = await admitted(journal, "d").text(model(later), Place("d", "user", 1), SAID, WARM)
    assert said == "at last" and [reply.replayed for reply in replies] == [True] * 3 + [False] * 2


async def test_errors_of_other_libraries_become_ours_in_one_line(caller: Caller) -> None:
    place = Place("d", "user", 0)
    with pytest.raises(CallFailedError, match=r"^scripted:m: ValueError: two lines$") as failed:
        await caller.ask(model(BrokenChat(error=ValueError("two\nlines"))), place, SAID, WARM)
    assert failed.value.reason == "error"
    with pytest.raises(CallFailedError, match=r"ConnectionResetError: cut .*tried 2 times") as failed:
        await caller.ask(model(BrokenChat(error=ConnectionResetError("cut"))), place, SAID, WARM)
    assert failed.value.reason == "connection"
    with pytest.raises(CallFailedError, match="HTTP 404 no such model") as failed:
        await caller.ask(model(BrokenChat(error=RefusedError(404, "no such model"))), place, SAID, WARM)
    assert failed.value.reason == "404"
    refused = model(BrokenChat(error=RefusedError(400, "response_format?")))
    with pytest.raises(RefusedError):
        await caller.ask(refused, place, SAID, Settings(), response_format={"type": "json_object"})
    with pytest.raises(CallFailedError):
        await caller.ask(refused, place, SAID, Settings())


async def test_an_answer_on_its_way_is_journalled_though_its_asker_was_cut_off(
    caller: Caller, journal: Journal
) -> None:
    gate = asyncio.Event()
    asked = model(scripted("paid for", gate=gate))
    greedy = asyncio.ensure_future(caller.ask(asked, Place("d", "a", 0), SAID, Settings()))
    warm = asyncio.ensure_future(caller.ask(asked, Place("d", "b", 0), SAID, WARM))
    await settle()
    asked.pool.stop()
    greedy.cancel()
    warm.cancel()
    await settle()
    gate.set()
    await caller.drain()
    assert {entry.place.node for entry in journal.entries()} == {"a", "b"} and asked.pool.in_flight == 0
    with pytest.raises(StoppedError):
        await caller.ask(asked, Place("d", "c", 0), SAID, Settings())


async def test_nothing_is_paid_for_when_nothing_can_be_stored(caller: Caller, journal: Journal) -> None:
    journal._broken = OSError("disk full")  # pyright: ignore[reportPrivateUsage]
    chat = scripted("x")
    with pytest.raises(NotSavedError):
        await caller.ask(model(chat), Place("d", "a", 0), SAID, WARM)
    assert len(chat.seen) == 0


async def test_tokens_and_cost_are_counted_as_told(caller: Caller) -> None:
    ledger = Ledger(prices={"m": (1e6, 2e6)})
    asked = Model("m", scripted("x" * 40), Pool(1, budget=ledger))
    reply = await caller.ask(asked, Place("d", "a", 0), SAID, WARM)
    tokens_in, tokens_out = reply.entry.tokens_in, reply.entry.tokens_out
    assert tokens_in and tokens_out == 10
    assert (ledger.tokens_in, ledger.tokens_out, ledger.cost) == (tokens_in, 10, tokens_in + 20)


class SilentChat(ScriptedChat):
    """Tells no token counts and answers with half an emoji."""

    async def _agenerate(self, messages: list[BaseMessage], *rest: Any, **kwargs: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage("half \ud83d \x00 one"))])


async def test_hostile_replies_are_kept_and_untold_tokens_are_none(caller: Caller, journal: Journal) -> None:
    reply = await caller.ask(model(SilentChat()), Place("d", "a", 0), SAID, WARM)
    assert reply.text == "half ? \x00 one" and reply.entry.tokens_in is None and reply.entry.tokens_out is None
    assert journal.load("d")[Place("d", "a", 0)].text == reply.text
