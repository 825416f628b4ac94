"""Rows written step by step: forced tokens, kept keys and values and joins change nothing of what is said."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
import transformers

from cocoon.models.local.constraint import Grammars
from cocoon.models.local.decoding.padded import PaddedWriter, write_padded
from cocoon.models.local.decoding.writer import RowWriter, generate_replies, guess_next, writer_for
from cocoon.models.local.sampling import ReplyRow, text_of
from cocoon.models.local.weights import Weights, load_weights
from cocoon.steering.control.control import Control
from cocoon.steering.control.injection import Tokens
from cocoon.tests.models.local import tiny_models as tiny
from cocoon.tests.models.local.test_local import ratings
from cocoon.tests.steering.steered import SHAPE, direction_for, tiny_family

BEGINNING = [5 + number % 90 for number in range(60)]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    """A tiny random model in float32."""
    return load_weights(str(tiny.tiny_folder(tmp_path_factory.mktemp("tiny"))), "cpu", "float32")


class PassCounter:
    """Counts the tokens that a network reads, pass by pass."""

    def __init__(self) -> None:
        self.passes: list[int] = []

    def __call__(self, module: Any, arguments: tuple[Any, ...]) -> None:
        self.passes.append(arguments[0].numel())


@pytest.fixture
def read(weights: Weights) -> Iterator[list[int]]:
    """The number of tokens of each pass."""
    counter = PassCounter()
    assert weights.reads_rows
    handle = weights.network.get_input_embeddings().register_forward_pre_hook(counter)
    yield counter.passes
    handle.remove()


def finish(writer: RowWriter, rows: Sequence[ReplyRow], steps: int = 0) -> None:
    """Add a row, and the next after as many steps each, and write all to their ends."""
    for row in rows:
        writer.add(row)
        for _ in range(steps):
            writer.step()
    while any(row.finish is None for row in rows):
        writer.step()


def rated(weights: Weights, seed: int | None, prompt: Sequence[int] = BEGINNING, items: int = 10) -> ReplyRow:
    """A row that is held to a scale."""
    row = ReplyRow(list(prompt), 200, temperature=1.2, top_p=0.9)
    row.generator = None if seed is None else torch.Generator().manual_seed(seed)
    row.constraint = Grammars(weights.tokenizer, 304, weights.eos).hold(ratings(items))
    return row


@pytest.mark.parametrize("family", ["Llama", "Qwen3", "Gemma2", "Gemma3Text", "Mistral", "GptOss"])
@pytest.mark.parametrize("tokens", ["reply", "both"])
def test_rows_that_join_and_reuse_say_what_the_padded_batch_says(family: str, tokens: Tokens, weights: Weights) -> None:
    network = tiny_family(family) if family != "GptOss" else gpt_oss()
    endless = replace(weights, network=network, eos=[303])
    assert endless.reads_rows
    control = Control(direction_for(network), tokens=tokens)

    def rows() -> list[ReplyRow]:
        prompts = [[*BEGINNING, *end] for end in ([30, 41, 7], [9], [6, 7, 100, 33])]
        # A dialogue that goes on: its second prompt begins with the first, the reply and more.
        prompts += [[9, 11], [*prompts[0], 50, 51, 52]]
        doses = [0.0, 1.5, -1.5]
        return [ReplyRow(list(p), 8, control=control, coefficient=dose) for p in prompts for dose in doses]

    padded, joining, at_once = rows(), rows(), rows()
    write_padded(endless, padded)
    finish(RowWriter(endless, 15, 4000), joining, steps=2)
    generate_replies(endless, at_once)
    expected = [row.tokens for row in padded]
    assert [row.tokens for row in joining] == expected
    assert [row.tokens for row in at_once] == expected
    assert len({tuple(row) for row in expected}) > 8


def gpt_oss() -> Any:
    """A model with learnt attention sinks and a window in every second layer, shorter than the prompts."""
    torch.manual_seed(5)
    config = transformers.GptOssConfig(**SHAPE, sliding_window=16, num_local_experts=2, num_experts_per_tok=1)
    return transformers.AutoModelForCausalLM.from_config(config).eval()


def test_a_window_shorter_than_the_prompt_is_kept() -> None:
    torch.manual_seed(5)
    config = transformers.MistralConfig(**SHAPE, sliding_window=16)
    network = transformers.MistralForCausalLM(config).eval()
    weights = Weights("m", network, None, None, None, "cpu", "float32", 512, [303], 3)  # pyright: ignore[reportArgumentType]
    rows = [[ReplyRow([*BEGINNING, *end], 30) for end in ([], [4], [4, 5, 6])] for _ in range(2)]
    write_padded(weights, rows[0])
    finish(RowWriter(weights, 3, 1000), rows[1], steps=3)
    assert [row.tokens for row in rows[0]] == [row.tokens for row in rows[1]]


@pytest.mark.parametrize("seed", [None, 1, 2, 3])
def test_forced_tokens_are_read_together_and_leave_reply_and_mass_as_they_are(
    weights: Weights, read: list[int], seed: int | None
) -> None:
    padded, row = rated(weights, seed), rated(weights, seed)
    write_padded(weights, [padded])
    read.clear()
    generate_replies(weights, [row])
    assert row.tokens == padded.tokens
    assert row.constraint is not None and padded.constraint is not None
    masses, expected = (held.facts()["legal_mass"] for held in (row.constraint, padded.constraint))
    assert list(masses) == [f"items.{number}" for number in range(1, 11)]
    assert masses == pytest.approx(expected, abs=2e-6)
    assert len(read) <= 14 < len(row.tokens) / 4, "the prompt with all before the first item, then about an item a pass"


def test_the_mass_of_a_forced_end_that_belongs_to_a_value_is_known(weights: Weights) -> None:
    row = ReplyRow(list(BEGINNING), 60)
    only: dict[str, Any] = {"type": "object", "properties": {"a": {"const": "tired"}}, "required": ["a"]}
    row.constraint = Grammars(weights.tokenizer, 304, weights.eos).hold(
        {"type": "json_schema", "json_schema": {"name": "only", "schema": only}}
    )
    generate_replies(weights, [row])
    assert json.loads(text_of(weights, row)) == {"a": "tired"}
    assert row.constraint is not None
    assert 0 < row.constraint.facts()["legal_mass"]["a"] < 1


def test_the_next_turn_of_a_dialogue_reads_its_new_tokens_alone(weights: Weights, read: list[int]) -> None:
    endless = replace(weights, eos=[303])
    writer = RowWriter(endless, 4, 2000)
    first = ReplyRow(list(BEGINNING), 10)
    finish(writer, [first])
    second = ReplyRow([*first.prompt, *first.tokens, 7, 8, 9, 10], 5)
    alone = replace(second, tokens=[])
    read.clear()
    finish(writer, [second])
    # The last token of the first reply was never read, because nothing followed it.
    assert 1 + 4 <= read[0] < 1 + 4 + 16, "and what is guessed to follow"
    assert len(writer.stored) == 1, "the second turn contains the first"
    write_padded(endless, [alone])
    assert alone.tokens == second.tokens


@pytest.mark.parametrize("seed", [None, 4])
def test_a_reply_that_repeats_itself_takes_fewer_passes_and_stays_the_same(weights: Weights, seed: int | None) -> None:
    # Without attention and feed-forward the next token depends on the last one alone, so replies go in circles.
    network = tiny.tiny_network()
    for name, weight in network.named_parameters():
        if "o_proj" in name or "down_proj" in name:
            weight.data.zero_()
    circling = replace(weights, network=network, eos=[303])
    rows = [ReplyRow(list(BEGINNING), 120, 0.05) for _ in range(2)]
    for row in rows:
        row.generator = None if seed is None else torch.Generator().manual_seed(seed)
    write_padded(circling, rows[:1])
    assert circling.reads_rows
    counter = PassCounter()
    network.get_input_embeddings().register_forward_pre_hook(counter)
    generate_replies(circling, rows[1:])
    assert rows[1].tokens == rows[0].tokens
    assert len(counter.passes) < 60


def test_a_guess_is_what_followed_the_last_two_tokens_before() -> None:
    assert guess_next([1, 2, 3, 4, 1, 2, 5, 6, 7, 1, 2], 3) == [5, 6, 7]
    assert guess_next([7, 7, 7], 3) == [7]
    assert guess_next([1, 2, 3], 3) == guess_next([1], 3) == guess_next([1, 2, 1, 2], 0) == []


def test_rows_that_begin_alike_wait_for_the_first_of_them(weights: Weights, read: list[int]) -> None:
    rows = [ReplyRow([*BEGINNING, number], 3) for number in (30, 41, 7)]
    finish(RowWriter(replace(weights, eos=[303]), 4, 2000), rows)
    assert read[:2] == [61, 1 + 1 + 1]


def test_kept_caches_have_a_bound_and_the_oldest_go_first(weights: Weights, read: list[int]) -> None:
    writer = RowWriter(replace(weights, eos=[303]), 2, 300)
    for start in (10, 20, 30, 10, 40, 50):
        finish(writer, [ReplyRow([start, *BEGINNING], 4)])
        assert writer.stored.size <= 300
    assert 1 < len(writer.stored) < 5
    read.clear()
    finish(writer, [ReplyRow([50, *BEGINNING, 9], 1)])
    finish(writer, [ReplyRow([20, *BEGINNING, 9], 1)])
    assert read == [1, 62], "the last one is still there, an early one is not"


def test_a_steered_reply_is_not_read_into_a_plain_one(weights: Weights, read: list[int]) -> None:
    endless = replace(weights, eos=[303])
    writer = RowWriter(endless, 4, 2000)
    control = Control(direction_for(weights.network))
    steered = ReplyRow(list(BEGINNING), 10, control=control, coefficient=1.5)
    finish(writer, [steered])
    plain = ReplyRow([*steered.prompt, *steered.tokens, 7], 6)
    alone = replace(plain, tokens=[])
    read.clear()
    finish(writer, [plain])
    assert read[0] == 1 + 10 + 1, "from the last token of the first prompt, which was steered"
    write_padded(endless, [alone])
    assert alone.tokens == plain.tokens


def test_a_network_with_states_of_another_kind_is_written_padded(weights: Weights) -> None:
    torch.manual_seed(5)
    network = transformers.BloomForCausalLM(
        transformers.BloomConfig(vocab_size=304, hidden_size=32, n_layer=2, n_head=4, bos_token_id=0, eos_token_id=2)
    ).eval()
    other = replace(weights, network=network, eos=[303])
    assert not other.reads_rows
    assert isinstance(writer_for(other, 2, 100), PaddedWriter)
    rows = [ReplyRow([5, 9, 30], 6), ReplyRow([9, 11], 6)]
    generate_replies(other, rows)
    assert [len(row.tokens) for row in rows] == [6, 6]


@pytest.mark.parametrize(
    ("sizes", "admitted"),
    [([10, 12, 11, 9, 10], 4), ([100, 10, 10, 90], 2), ([300, 280, 290], 2), ([900, 10], 1)],
)
def test_a_padded_batch_takes_rows_while_padding_does_not_outweigh_them(
    weights: Weights, sizes: list[int], admitted: int
) -> None:
    writer = PaddedWriter(weights, 4, 600)
    count = 0
    for size in sizes:
        row = ReplyRow([0] * (size - 1), 1)
        if not writer.admits(row):
            break
        writer.add(row)
        count += 1
    assert count == admitted
