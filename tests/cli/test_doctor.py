"""`cocoon doctor` against endpoints that differ in what they accept and obey."""

import json
import re
from typing import Any

import pytest

from cocoon.benchmarks.endpoint.settings import Settings
from cocoon.models.probe import SCHEMA, Prober
from cocoon.models.scripted import ScriptedChat
from cocoon.tests.commands import Done, cocoon, endpoint, refused, said, server

FITTING = json.dumps({"colour": "red", "number": None})
RUNGS = ["JSON by json_schema", "JSON by json_object", "JSON by prompt"]
SECRET = "sk-do-not-print-me"


def examine(spec: str, *more: str, **environment: str) -> Done:
    return cocoon("doctor", "--model", spec, "--json", *more, environment=environment)


def findings(done: Done) -> dict[str, tuple[bool | None, str]]:
    """What was found, by name."""
    return {one["name"]: (one["found"], one["detail"]) for one in done.json["model"]["findings"]}


def test_an_endpoint_that_can_everything() -> None:
    with endpoint() as spec:
        done = examine(spec)
        host = spec.split("/")[2]
    found = findings(done)
    assert done.code == 0 and done.json["model"]["answers"] is True
    assert done.json["model"]["hosts"] == [host] and f"text goes to: {host}" in done.err
    assert [name for name, (yes, _) in found.items() if yes is not True] == []
    assert found["structured replies"] == (True, "json_schema") and found["token limit"] == (True, "max_tokens")
    assert re.fullmatch(r"\d+ in, \d+ out", found["usage told"][1])
    assert "null admitted" in found and set(RUNGS) < set(found)


def test_a_server_that_refuses_response_format() -> None:
    with endpoint(Settings(refuse_response_format=["json_schema", "json_object"])) as spec:
        found = findings(examine(spec))
    assert [found[name][0] for name in RUNGS] == [False, False, True]
    assert all("refused: HTTP 400" in found[name][1] for name in RUNGS[:2])
    assert found["structured replies"] == (True, "prompt")
    assert found["null admitted"][0] is True and "by prompt" in found["null admitted"][1]


def test_a_server_that_ignores_the_schema() -> None:
    with endpoint(Settings(ignore_schema=True)) as spec:
        done = examine(spec)
    found = findings(done)
    assert done.code == 0
    assert [found[name] for name in RUNGS] == [(False, "accepted, not obeyed: no JSON object in the reply")] * 3
    assert found["structured replies"] == (False, "none: judges' answers would be missing")
    assert "null admitted" not in found


def test_a_server_that_accepts_the_schema_and_follows_only_the_prompt() -> None:
    def answer(request: dict[str, Any]) -> tuple[int, Any]:
        told = "fits this schema" in request["messages"][-1]["content"]
        return said(FITTING if told else "Red, and three.")

    with server(answer) as spec:
        found = findings(examine(spec))
    assert [found[name][0] for name in RUNGS] == [False, True, True]
    assert found["structured replies"] == (True, "json_object")
    assert found["null admitted"] == (True, "by json_object; asked for what it cannot know it answered null")
    assert found["usage told"] == (False, "no token counts in replies")


def test_no_server_listening_is_one_line_and_exit_1() -> None:
    with server(lambda _: said("x")) as spec:
        closed = spec
    done = examine(closed, "--timeout", "5")
    assert done.code == 1 and list(findings(done)) == ["answers"]
    yes, detail = findings(done)["answers"]
    assert yes is False and "Cannot connect" in detail and "\n" not in detail


def test_a_server_that_never_answers_is_given_up() -> None:
    with endpoint(Settings(faults={"hang": 1.0})) as spec:
        done = examine(spec, "--timeout", "0.3")
    assert (done.code, findings(done)) == (1, {"answers": (False, "no answer in 0.3 s")})


@pytest.mark.parametrize(("fault", "told"), [("500", "HTTP 500"), ("429", "HTTP 429"), ("cut", "127.0.0.1")])
def test_a_server_that_always_fails_is_told_in_its_words(fault: Any, told: str) -> None:
    with endpoint(Settings(faults={fault: 1.0}, retry_after=0.01)) as spec:
        done = examine(spec)
    assert done.code == 1 and told in findings(done)["answers"][1]


def test_one_rate_limit_is_waited_out() -> None:
    calls: list[int] = []

    def answer(request: dict[str, Any]) -> tuple[int, Any]:
        calls.append(1)
        return (429, {"error": {"message": "slow down"}}) if len(calls) == 1 else said(FITTING)

    with server(answer) as spec:
        assert examine(spec).code == 0
    assert len(calls) <= 8 + 1


def test_a_server_that_quotes_the_key_it_refuses() -> None:
    def answer(request: dict[str, Any]) -> tuple[int, Any]:
        return refused(f"Incorrect API key provided: {request['authorization']}", 401)

    with server(answer) as spec:
        done = examine(spec, OPENAI_API_KEY=SECRET)
    assert done.code == 1 and "HTTP 401" in done.out and "Bearer ***" in done.out
    assert SECRET not in done.out + done.err


def test_names_and_parameters_that_a_server_refuses_are_found_out() -> None:
    def answer(request: dict[str, Any]) -> tuple[int, Any]:
        if "max_tokens" in request:
            return refused("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
        if "seed" in request:
            return refused("unknown field: seed", 422)
        return said(FITTING)

    with server(answer) as spec:
        found = findings(examine(spec))
    assert found["token limit"] == (True, "max_completion_tokens")
    assert found["temperature and seed accepted"] == (False, "refused, and left out: seed")


@pytest.mark.parametrize(
    ("message", "wrong", "quirk"),
    [
        ("Conversation roles must alternate user/assistant/user/assistant/...", "assistant", "user_first"),
        ("System role not supported", "system", "no_system"),
    ],
)
def test_a_strict_chat_template_is_found_out_and_fitted_to(message: str, wrong: str, quirk: str) -> None:
    seen: list[list[str]] = []

    def answer(request: dict[str, Any]) -> tuple[int, Any]:
        roles = [one["role"] for one in request["messages"]]
        seen.append(roles)
        first = next(role for role in roles if role == wrong or role != "system")
        return refused(message) if first == wrong else said(FITTING)

    with server(answer) as spec:
        found = findings(examine(spec))
    assert found["supporter may speak first"] == (False, f"messages are fitted to its template ({quirk})")
    assert all(found[name][0] for name in RUNGS)
    fitted = seen[seen.index(["system", "assistant", "user"]) + 1]
    assert fitted == (
        ["system", "user", "assistant", "user"] if quirk == "user_first" else ["user", "assistant", "user"]
    )


def test_a_template_that_no_fitting_helps_is_told() -> None:
    def answer(request: dict[str, Any]) -> tuple[int, Any]:
        roles = [one["role"] for one in request["messages"]]
        return refused("only one message is allowed") if len(roles) > 1 else said(FITTING)

    with server(answer) as spec:
        found = findings(examine(spec))
    assert found["supporter may speak first"] == (
        False,
        "HTTP 400 " + json.dumps(refused("only one message is allowed")[1]),
    )


def test_models_that_cannot_be_opened_are_one_line() -> None:
    assert "model 'nonsense' is not understood" in cocoon("doctor", "--model", "nonsense").err
    done = cocoon("doctor", "--model", "openai:m", environment={"OPENAI_API_KEY": None, "OPENAI_BASE_URL": None})
    assert done.code == 2 and "set OPENAI_API_KEY in the environment" in done.err


async def test_an_empty_reply_is_no_answer_to_rely_on() -> None:
    prober = Prober(ScriptedChat(replies=["  "]))
    assert await prober.probe() is True
    assert prober.findings[0].found is False and "empty reply" in prober.findings[0].detail


@pytest.mark.parametrize(
    "reply",
    [
        '{"colour": "red"}',
        '{"colour": "pink", "number": 1}',
        '{"colour": "red", "number": 6}',
        '{"colour": "red", "number": true}',
        '{"colour": "red", "number": "1"}',
        '{"colour": "red", "number": 1, "more": 2}',
        "[1]",
    ],
)
async def test_a_reply_beside_the_schema_is_not_obeyed(reply: str) -> None:
    prober = Prober(ScriptedChat(replies=[reply]))
    await prober.probe()
    assert [one.found for one in prober.findings if one.name in RUNGS] == [False] * 3


async def test_every_call_is_announced_and_tiny() -> None:
    told: list[str] = []
    chat = ScriptedChat(replies=["hello", "hello", "hm", FITTING])
    assert await Prober(chat, tell=told.append).probe(local=True)
    assert len(told) == len(chat.seen) == 8
    assert max(len(str(message.content)) for messages in chat.seen for message in messages) < 200 + len(
        json.dumps(SCHEMA)
    )


def test_the_environment_is_told_without_secrets() -> None:
    environment = {
        "OPENAI_API_KEY": SECRET,
        "OPENAI_BASE_URL": f"https://me:{SECRET}@host/v1",
        "LANGSMITH_TRACING": "true",
        "LANGCHAIN_TRACING_V2": "1",
    }
    done = cocoon("doctor", "--json", environment=environment)
    told = done.json["environment"]
    assert done.code == 0 and SECRET not in done.out
    assert (told["openai_key_set"], told["openai_base_url"]) == (True, "https://***@host/v1")
    assert told["tracing_ignored"] == ["LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2"]
    assert told["packages"]["pydantic"] and told["free_bytes"] > 0 and "model" not in done.json
    shown = cocoon("doctor", environment=environment)
    assert "set, and ignored" in " ".join(shown.out.split()) and SECRET not in shown.out


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Any) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    told = cocoon("doctor", "--json", environment={"COCOON_CACHE": str(tmp_path / "new" / "cache")}).json
    assert told["environment"]["cache_writable"] is True and list(tmp_path.iterdir()) == [tmp_path / "file"]


@pytest.mark.slow
def test_the_embedded_model_is_examined_whole() -> None:
    done = examine("local:smollm2")
    found = findings(done)
    assert done.code == 0 and done.json["model"]["hosts"] == [] and "stays on this machine" in done.err
    assert found["JSON by json_schema"] == (True, "obeyed") and found["structured replies"] == (True, "json_schema")
    values = {one["name"]: one["value"] for one in done.json["model"]["findings"]}
    assert values["loaded, seconds"] >= 0 and values["tokens per second"] > 0
    assert 0 < values["legal mass by json_schema"] <= 1
