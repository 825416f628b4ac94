"""Structured replies: the ladder over real HTTP, one repair, then missing; reading invents nothing."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cocoon.benchmarks.endpoint.server import serve
from cocoon.benchmarks.endpoint.settings import Settings as ServerSettings
from cocoon.core.errors import CallFailedError
from cocoon.core.prompts import load_prompt
from cocoon.models.by_name import Model
from cocoon.models.calls import Caller, Settings
from cocoon.models.journal.store import Journal, Place
from cocoon.models.pool import Pool
from cocoon.models.remote.endpoint import open_endpoint
from cocoon.models.request_errors import RefusedError
from cocoon.models.scripted import ScriptedChat
from cocoon.models.structured import RUNGS, Answer, ask_json, read_json, response_format

SCHEMA = {
    "type": "object",
    "properties": {"score": {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 7}, {"type": "null"}]}},
    "required": ["score"],
    "additionalProperties": False,
}
PROMPT = f"Rate this. Answer with one JSON object of this schema: {json.dumps(SCHEMA)}"


def check(value: Any) -> str | None:
    good = (
        isinstance(value, dict) and value.keys() == {"score"} and (value["score"] is None or value["score"] in range(8))
    )
    return None if good else "key 'score' must be a whole number from 1 to 7, or null"


@pytest.fixture
async def caller(tmp_path: Path) -> AsyncIterator[Caller]:
    journal = Journal(tmp_path / "journal.sqlite")
    made = Caller(journal)
    made.admit("d")
    yield made
    journal.close()


async def ask(caller: Caller, model: Model, text: str = PROMPT, ordinal: int = 0) -> Answer:
    return await ask_json(
        caller, model, Place("d", "judge", ordinal), [{"role": "user", "content": text}], Settings(), schema=SCHEMA,
        name="score", check=check, repair=load_prompt("judge/repair", "en"), judging=True,
    )  # fmt: skip


def scripted(*replies: str) -> tuple[Model, ScriptedChat]:
    chat = ScriptedChat(replies=list(replies))
    return Model("scripted:m", chat, Pool(4, backoff=0.001)), chat


@pytest.mark.parametrize(
    ("refused", "rung"),
    [([], "json_schema"), (["json_schema"], "json_object"), (["json_schema", "json_object"], "prompt")],
)
async def test_the_ladder_goes_down_to_what_the_server_takes(caller: Caller, refused: Any, rung: str) -> None:
    async with serve(ServerSettings(refuse_response_format=refused)) as server:
        chat = open_endpoint("m", server.url)
        model = Model("m", chat, Pool(4, backoff=0.001))
        answers = [await ask(caller, model, f"{n} {PROMPT}", n) for n in range(3)]
        stats = server.snapshot()
        await chat.aclose()
    assert all(answer.problem is None and answer.rung == rung and len(answer.replies) == 1 for answer in answers)
    assert model.rung == RUNGS.index(rung)
    # Refusals are met once; what the server takes is then asked for at once.
    assert (stats["answered"], stats["refused"]) == (3, len(refused))


async def test_a_server_that_ignores_the_schema_gives_missing_and_not_a_number(caller: Caller) -> None:
    async with serve(ServerSettings(ignore_schema=True)) as server:
        chat = open_endpoint("m", server.url)
        answer = await ask(caller, Model("m", chat, Pool(4)))
        await chat.aclose()
    assert answer.value is None and answer.problem and answer.keys == ["judge/0/0/0", "judge/0/0/1"]


class RefusingChat(ScriptedChat):
    """Refuses every request."""

    async def _agenerate(self, *given: Any, **more: Any) -> Any:
        raise RefusedError(400, "prompt is too long")


async def test_a_request_refused_on_every_rung_is_a_failed_call_and_teaches_nothing(caller: Caller) -> None:
    model = Model("scripted:m", RefusingChat(), Pool(1))
    with pytest.raises(CallFailedError, match="scripted:m: HTTP 400 prompt is too long"):
        await ask(caller, model)
    assert model.rung == 0


async def test_one_repair_shows_the_reply_and_the_error(caller: Caller) -> None:
    model, chat = scripted('{"score": 9}', '```json\n{"score": 6}\n```')
    answer = await ask(caller, model)
    assert answer.value == {"score": 6} and answer.problem is None and len(answer.replies) == 2
    _, shown, repair = chat.seen[1]
    assert shown.content == '{"score": 9}' and "key 'score' must be a whole number" in str(repair.content)


async def test_after_the_repair_it_is_missing(caller: Caller) -> None:
    model, chat = scripted("no idea", "", '{"score": 1}')
    answer = await ask(caller, model)
    assert (answer.value, len(chat.seen)) == (None, 2) and answer.problem == "no JSON object in the reply"


async def test_a_replay_needs_no_server(caller: Caller) -> None:
    model, _ = scripted("no idea", '{"score": 2}')
    first = await ask(caller, model)
    again = Caller(caller.journal)
    again.admit("d")
    replayed = await ask(again, Model("scripted:m", ScriptedChat(), Pool(1)))
    assert replayed.value == first.value == {"score": 2} and all(reply.replayed for reply in replayed.replies)


async def test_a_huge_unreadable_reply_makes_no_huge_repair_note(caller: Caller) -> None:
    key = "k" * 1_000_000
    model, chat = scripted(f'{{"{key}": 1, "{key}": 2}}', '{"score": 2}')
    assert (await ask(caller, model)).value == {"score": 2}
    assert len(str(chat.seen[1][-1].content)) < 2000


def test_response_formats() -> None:
    made = response_format("json_schema", SCHEMA, "score")
    assert made == {"type": "json_schema", "json_schema": {"name": "score", "schema": SCHEMA, "strict": True}}
    assert response_format("json_object", SCHEMA, "score") == {"type": "json_object"}
    assert response_format("prompt", SCHEMA, "score") is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        ('Sure!\n```json\n{"a": [1, null, true]}\n```\nHope it helps {smile}.', {"a": [1, None, True]}),
        ('I weigh {the two} and say {"a": "}{"}', {"a": "}{"}),
        ('{"a": 1} - again: { "a" : 1 }', {"a": 1}),
        ('{"a": 1, "a": 1}', {"a": 1}),
        ('{"a": "line\nbreak"}', {"a": "line\nbreak"}),
        ('[{"a": 2}]', {"a": 2}),
        ("{}", {}),
        ('{"a": 0.5, "b": -3, "c": 1e3}', {"a": 0.5, "b": -3, "c": 1000.0}),
    ],
)
def test_readable_replies(text: str, value: Any) -> None:
    assert read_json(text) == (value, None)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no JSON object in the reply"),
        ("7", "no JSON object in the reply"),
        ("[1, 2]", "no JSON object in the reply"),
        ('{"a": 1} or {"a": 2}', "several different JSON objects"),
        ('{"a": 1} or {"a": true}', "several different JSON objects"),
        ('{"a": 1} or {"a": 1.0}', "several different JSON objects"),
        ('{"a": 1, "a": 2}', "key 'a' stands there twice with different values"),
        ('{"a": 1, "a": true}', "key 'a' stands there twice"),
        ('{"x": {"a": 1, "a": 2}}', "key 'a' stands there twice"),
        ('{"a": NaN}', "NaN is no JSON value"),
        ('{"a": -Infinity}', "-Infinity is no JSON value"),
        ('{"a": 1e999}', "1e999 is too large a number"),
        ('{"a": 99999999999999999999}', "the JSON cannot be read"),
        ('{"draft": {"score": 1}, "final": {"sco', "the JSON cannot be read"),
        ("{'items': {\"score\": 3}}", "no JSON object in the reply"),
        ('{ oh {"score": 3}', "a brace is opened and never closed"),
        ('{"a": "\\ud800"}', "the JSON cannot be read"),
        ('{"a": 1', "the JSON cannot be read"),
        ('{"a":' * 100_000, "the JSON cannot be read"),
        ('{"a":' * 300 + "1" + "}" * 300, "the JSON cannot be read"),
    ],
)
def test_unreadable_replies(text: str, problem: str) -> None:
    value, told = read_json(text)
    assert value is None and told is not None and problem in told
    assert len(told) < 400 and told.isprintable()


@pytest.mark.parametrize(
    "part", ["{", "}", "{}", "{x}", '{"', '{"a":', '{"a":1}', '{x"\\"', '\\"', "{ ", "[{", '{"a":{'], ids=repr
)
def test_hostile_lengths_are_read_in_one_go(part: str) -> None:
    """Reading in quadratic time would take hours here."""
    value, problem = read_json(part * (2_000_000 // len(part)))
    assert (value is None) != (problem is None)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(), JSON, max_size=4)
PIECES = st.sampled_from(
    ["{", "}", '"', ":", ",", "[", "]", "1", "NaN", "null", "a", "\\", "\\u", "d800", " ", "\n", "```", "\x00"]
)


def same(one: Any, other: Any) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@given(OBJECTS, st.text(st.characters(exclude_characters="{}")), st.text(st.characters(exclude_characters="{}")))
def test_any_object_is_found_between_any_words(value: Any, before: str, after: str) -> None:
    found, problem = read_json(before + json.dumps(value, ensure_ascii=False) + after)
    assert problem is None and same(found, value)


@given(
    st.one_of(
        st.text(st.characters()), st.lists(PIECES).map("".join), st.lists(OBJECTS.map(json.dumps) | PIECES).map("".join)
    )
)
def test_whatever_comes_nothing_is_raised_and_nothing_invented(text: str) -> None:
    value, problem = read_json(text)
    assert (value is None) != (problem is None)
    if value is not None:
        starts = [start for start, character in enumerate(text) if character == "{"]
        read = json.JSONDecoder(strict=False)
        literal = []
        for start in starts:
            try:
                literal.append(read.raw_decode(text, start)[0])
            except ValueError:
                continue
        assert any(same(value, each) for each in literal)


@given(OBJECTS.filter(bool), st.data())
def test_a_reply_that_breaks_off_is_never_read_in_part(value: Any, data: st.DataObject) -> None:
    whole = json.dumps(value)
    cut = data.draw(st.integers(1, len(whole) - 1))
    assert read_json(whole[:cut])[0] is None
