"""Fold a direction into a checkpoint, so that servers without hooks (vLLM, SGLang, llama.cpp) can serve it.

Adding a constant to a block's output is the same as a bias on its last matrix. Llama's architecture has such biases
(`mlp_bias`), so a folded checkpoint is an ordinary one. It steers every token, also those of the prompt.
"""

from pathlib import Path
from typing import Any

from cocoon.core.errors import CocoonError, NotSavedError
from cocoon.models.local.decoder_layers import decoder_layers, hidden_size, text_config
from cocoon.steering.control.control import Control, check_shape


def folded(network: Any, control: Control, coefficient: float) -> Any:
    """Return a copy of a Llama network whose `down_proj` biases add `control` times `coefficient` to every token.

    Raises CocoonError for another architecture, or for a control that does more than add to every token.
    """
    import torch

    config = text_config(network)
    if config.model_type != "llama" or hasattr(network, "peft_config"):
        raise CocoonError(
            f"only plain Llama checkpoints can be folded, this is {config.model_type!r}; merge adapters first"
        )
    if (control.mode, control.tokens, control.at) != ("add", "both", "every"):
        raise CocoonError("only +mode=add+tokens=both+at=every can be folded: a bias is added to every token alike")
    check_shape(control.direction, len(decoder_layers(network)), hidden_size(network))
    biased_config = type(config).from_dict({**config.to_dict(), "mlp_bias": True})
    with torch.device("meta"):
        copy = type(network)(biased_config)
    weights = {**dict(network.state_dict()), **_biases(network, control, coefficient)}
    copy.load_state_dict(weights, assign=True)
    copy.tie_weights()
    copy.generation_config = network.generation_config
    _restore_buffers(network, copy)
    return copy.eval()


def _biases(network: Any, control: Control, coefficient: float) -> dict[str, Any]:
    import torch

    config, kind = text_config(network), network.dtype
    biases: dict[str, Any] = {}
    for layer in range(config.num_hidden_layers):
        prefix = f"model.layers.{layer}.mlp"
        # Llama has either all three biases or none of them.
        for name in ("gate_proj", "up_proj"):
            biases[f"{prefix}.{name}.bias"] = torch.zeros(config.intermediate_size, dtype=kind)
        biases[f"{prefix}.down_proj.bias"] = torch.from_numpy(control.added(layer, coefficient)).to(kind)
    return biases


def _restore_buffers(network: Any, copy: Any) -> None:
    """Copy the buffers outside the state dict (rotary frequencies), which a copy on `meta` lacks."""
    buffers = dict(network.named_buffers())
    for name, buffer in copy.named_buffers():
        if buffer.is_meta:
            module, _, last = name.rpartition(".")
            copy.get_submodule(module).register_buffer(last, buffers[name].clone(), persistent=False)


def save_folded(network: Any, tokenizer: Any, control: Control, coefficient: float, folder: Path) -> Path:
    """Write the folded checkpoint as safetensors with its tokenizer. Raises NotSavedError if there is no room."""
    try:
        folded(network, control, coefficient).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    except OSError as error:
        raise NotSavedError.at(folder, error) from None
    return folder
