"""Controls written down: folded into an ordinary checkpoint, and as a GGUF control vector."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gguf import GGUFReader
from transformers import AutoModelForCausalLM

from cocoon.core.errors import CocoonError
from cocoon.steering.control.control import Control
from cocoon.steering.control.fold import folded, save_folded
from cocoon.steering.directions.control_vector import save_control_vector
from cocoon.tests.models.local.tiny_models import tiny_tokenizer
from cocoon.tests.steering.steered import CLOSE, PROMPTS, direction_for, generated, tiny_family


@pytest.fixture(scope="module")
def llama() -> Any:
    """A tiny Llama."""
    return tiny_family("Llama")


def test_a_folded_checkpoint_is_an_ordinary_one_that_says_the_same(llama: Any, tmp_path: Path) -> None:
    control = Control(direction_for(llama), (1, 2), tokens="both")
    save_folded(llama, tiny_tokenizer(), control, 0.4, tmp_path / "folded")
    folded = AutoModelForCausalLM.from_pretrained(tmp_path / "folded", dtype=torch.float32)
    assert folded.config.mlp_bias
    with control.applied(llama, [0.4]):
        ids, steered = generated(llama, PROMPTS)
    again, said = generated(folded, PROMPTS)
    assert torch.equal(ids, again)
    assert torch.allclose(steered, said, atol=CLOSE)
    assert not torch.allclose(generated(llama, PROMPTS)[1], said, atol=0.01)


@pytest.mark.parametrize(
    ("family", "options", "words"),
    [
        ("Qwen2", {"tokens": "both"}, "only plain Llama"),
        ("Llama", {}, "tokens=both"),
        ("Llama", {"tokens": "both", "mode": "norm"}, "mode=add"),
    ],
)
def test_what_cannot_be_folded_is_refused(family: str, options: dict[str, Any], words: str) -> None:
    network = tiny_family(family)
    with pytest.raises(CocoonError, match=words):
        folded(network, Control(direction_for(network), **options), 0.5)


def test_a_folded_copy_leaves_the_network_as_it_is(llama: Any) -> None:
    _, before = generated(llama, PROMPTS)
    folded(llama, Control(direction_for(llama), tokens="both"), 0.5)
    assert torch.equal(generated(llama, PROMPTS)[1], before)
    assert not llama.config.mlp_bias


def test_a_control_vector_is_read_back_by_gguf(llama: Any, tmp_path: Path) -> None:
    direction = direction_for(llama, norm=3.0)
    assert save_control_vector(direction, tmp_path / "d.gguf", "llama") == (1, 2)
    reader = GGUFReader(tmp_path / "d.gguf")
    fields = {name: field.contents() for name, field in reader.fields.items()}
    assert fields["general.architecture"] == "controlvector"
    assert (fields["controlvector.model_hint"], fields["controlvector.layer_count"]) == ("llama", 2)
    read = {tensor.name: tensor.data for tensor in reader.tensors}
    assert list(read) == ["direction.1", "direction.2"]
    control = Control(direction, tokens="both")
    for layer in (1, 2):
        assert read[f"direction.{layer}"].dtype == np.float32
        assert np.allclose(0.4 * read[f"direction.{layer}"], control.added(layer, 0.4), rtol=1e-6)
