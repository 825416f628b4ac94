"""Merge an adapter into its base: an ordinary model folder for vLLM, transformers, or llama.cpp's converter.

An adapter is never merged into quantised weights, because rounding them again would lose what was learnt. A base that
came as a float GGUF, and the embedded model, were unpacked when they were loaded. The result is that float model with
the adapter in it, not a GGUF.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cocoon.core.errors import CocoonError
from cocoon.models.local.embedded import EMBEDDED, without_packing
from cocoon.models.local.libraries import first_line, quiet, require_libraries
from cocoon.models.local.weights import Weights, load_weights, model_folder
from cocoon.training.adapters.attach import CONFIG_FILE, attach
from cocoon.training.adapters.card import CARD_FILE, adapter_folder, read_card
from cocoon.training.adapters.new_folder import new_folder, refuse_existing
from cocoon.training.fit.base import MERGED, refuse_packed, refuse_quantised

Dtype = Literal["float32", "bfloat16"]
UNPACKED = (
    "the base's GGUF weights were unpacked to float32 before training and merging: the result is a float model "
    "(several times the GGUF's size), and quantising it again is up to you"
)


@dataclass(frozen=True)
class Merged:
    """What was written, checked by reading it back.

    `change` is the largest difference of a logit on a short text between the merged model and base with adapter.
    """

    folder: str
    base: str
    dtype: Dtype
    parameters: int
    change: float
    note: str = ""


def read_dtype(name: str) -> Dtype:
    """Return a type to write in. Raises CocoonError for another name."""
    if name == "float32":
        return "float32"
    if name == "bfloat16":
        return "bfloat16"
    raise CocoonError(f"--dtype {name!r}: float32 or bfloat16; nothing is written in quantised weights")


def merge(folder: Path, out: Path, base: str | None = None, dtype: Dtype = "float32") -> Merged:
    """Write base and adapter as one model.

    `base` is a name as in `local:NAME`. None means the base that the card names. Raises CocoonError for a quantised
    base, an adapter that does not fit, and a folder that already exists.
    """
    require_libraries("torch", "transformers", "peft")
    refuse_existing(out)
    folder = adapter_folder(folder)
    name = base or _base_of(folder)
    refuse_packed(name, MERGED)
    base_folder, _ = model_folder(name)
    refuse_quantised(base_folder, name, MERGED)
    # Sums are computed in float32 and rounded once.
    weights = load_weights(name, "cpu", "float32")
    adapter = attach(weights, folder)
    before = _logits(weights, adapter)
    network = _merged(weights, adapter.name)
    parameters = network.num_parameters()
    _write(network, weights.tokenizer, folder, out, dtype)
    del network, weights
    written = load_weights(str(out), "cpu", dtype)
    change = float((_last_logits(written.tokenizer, written.network) - before).abs().max())
    unpacked = UNPACKED if name == EMBEDDED or name.endswith(".gguf") else ""
    return Merged(str(out), name, dtype, parameters, change, unpacked)


def _base_of(folder: Path) -> str:
    card = read_card(folder)
    if card is not None:
        return str(card.settings.get("base", "")).removeprefix("local:") or card.base
    try:
        base_name = json.loads((folder / CONFIG_FILE).read_text("utf-8")).get("base_model_name_or_path")
    except (OSError, ValueError, AttributeError):
        base_name = None
    if not base_name:
        raise CocoonError(f"adapter {str(folder)!r} does not name its base; give --base local:NAME")
    return str(base_name)


def _merged(weights: Weights, name: str) -> Any:
    """Return the network with the adapter added to its weights, and without any modules of peft."""
    from peft.tuners.lora import LoraLayer

    network = weights.network
    network.set_adapter(name)
    network.enable_adapters()
    try:
        for path, module in list(network.named_modules()):
            if isinstance(module, LoraLayer):
                module.merge(safe_merge=True, adapter_names=[name])
                parent, _, leaf = path.rpartition(".")
                setattr(network.get_submodule(parent), leaf, module.get_base_layer())
    except ValueError as error:
        raise CocoonError(f"adapter {name!r} cannot be merged: {first_line(error)}") from None
    # A new network is needed, because one that held adapters would save its weights under peft's names.
    return without_packing(network)


def _logits(weights: Weights, adapter: Any) -> Any:
    with adapter.applied(weights.network):
        return _last_logits(weights.tokenizer, weights.network)


def _last_logits(tokenizer: Any, network: Any) -> Any:
    import torch

    ids = tokenizer("You look a bit tired. 你看起来有点累。", return_tensors="pt", add_special_tokens=False)[
        "input_ids"
    ]
    with torch.no_grad():
        return network(input_ids=ids).logits[0, -1].float()


def _write(network: Any, tokenizer: Any, adapter: Path, out: Path, dtype: Dtype) -> None:
    import torch

    with new_folder(out) as part:
        with quiet():
            network.to(getattr(torch, dtype)).save_pretrained(part)
            tokenizer.save_pretrained(part)
        if (adapter / CARD_FILE).is_file():
            shutil.copyfile(adapter / CARD_FILE, part / "adapter_card.json")
