"""Tiny random models of four families and directions for them, for tests of controls, adapters and the server."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from transformers import PreTrainedModel

from cocoon.models.local.decoder_layers import decoder_layers, hidden_size
from cocoon.models.local.weights import model_hash
from cocoon.steering.directions.direction import Direction, DirectionCard
from cocoon.tests.models.local import tiny_models as tiny

FAMILIES = ("Llama", "Qwen2", "Qwen3", "Gemma2", "Gemma3Text", "Mistral")
SHAPE: dict[str, Any] = {
    "vocab_size": 304,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 512,
    "initializer_range": 0.4,
    "bos_token_id": 0,
    "eos_token_id": 2,
    "pad_token_id": 3,
    "tie_word_embeddings": False,
}
# The largest difference of logits (up to about 10) between float32 computations that batch differently.
CLOSE = 2e-4
PROMPTS = [[5, 9, 30, 41, 7, 8, 60], [9, 11, 12, 80], [6, 7, 100, 33, 21], [5, 9, 30, 41, 7, 8, 60]]


def tiny_family(family: str) -> PreTrainedModel:
    """A random model of a family: three layers of width 32."""
    torch.manual_seed(11)
    config = getattr(transformers, f"{family}Config")(**SHAPE)
    name = "Gemma3ForCausalLM" if family == "Gemma3Text" else f"{family}ForCausalLM"
    return getattr(transformers, name)(config).eval()


def direction_for(network: Any, *, seed: int = 0, norm: float = 10.0, band: Sequence[int] | None = None) -> Direction:
    """Random unit vectors for all layers of a network, as if each had that median norm."""
    drawn = np.random.default_rng(seed).normal(size=(len(decoder_layers(network)), hidden_size(network)))
    units = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    card = DirectionCard(
        layers=list(range(len(units))),
        band=list(band) if band else None,
        layer_count=len(units),
        model="tiny",
        model_hash=model_hash(network),
        kind="random",
        method="random",
        position="none",
        seed=seed,
    )
    return Direction(units, np.full(len(units), norm, np.float32), card)


def saved_direction(path: Path, network: Any, **options: Any) -> Path:
    """A direction's file."""
    direction_for(network, **options).save(path)
    return path


def saved_adapter(folder: Path, *, seed: int = 3, scale: float = 0.3) -> Path:
    """A LoRA adapter for `tiny_models.tiny_network` whose weights are random, so that it changes what is said."""
    from peft import LoraConfig

    torch.manual_seed(seed)
    lora = with_lora(tiny.tiny_network(), LoraConfig(r=4, target_modules=["q_proj", "v_proj", "down_proj"]))
    for name, weight in lora.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(weight, std=scale)
    lora.save_pretrained(str(folder))
    return folder


def with_lora(network: Any, config: Any) -> Any:
    """A network wrapped by peft."""
    from peft import get_peft_model

    with warnings.catch_warnings():
        # peft 0.21 reads an attribute that transformers 5.23 has renamed.
        warnings.simplefilter("ignore", FutureWarning)
        return get_peft_model(network, config)


def left_padded(prompts: Sequence[Sequence[int]], *, pad: int = 3) -> dict[str, torch.Tensor]:
    """Token ids, mask and positions of a batch, shape (rows, longest)."""
    width = max(map(len, prompts))
    ids = torch.tensor([[pad] * (width - len(prompt)) + list(prompt) for prompt in prompts])
    mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    return {"input_ids": ids, "attention_mask": mask, "position_ids": (mask.cumsum(-1) - 1).clamp_min(0)}


def generated(network: Any, prompts: Sequence[Sequence[int]], **options: Any) -> Any:
    """Greedy ids and logits of six new tokens for each prompt, from a left-padded batch."""
    batch = left_padded(prompts)
    del batch["position_ids"]
    given = {"do_sample": False, "max_new_tokens": 6, "min_new_tokens": 6, "pad_token_id": 3, **options}
    made = network.generate(**batch, **given, output_logits=True, return_dict_in_generate=True)
    return made.sequences, torch.stack(made.logits, 1) if made.logits else None
