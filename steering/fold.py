"""A direction folded into a checkpoint, so that servers without hooks (vLLM, SGLang, llama.cpp) serve it as it is.

Adding a constant to a block's output is the same as a bias on its last matrix. Llama's architecture has such biases
(`mlp_bias`), so a folded checkpoint is an ordinary one. It steers every token, the prompt's too.
"""

from pathlib import Path
from typing import Any

from cocoon.core.decoder_layers import decoder_layers, hidden_size, text_config
from cocoon.core.errors import CocoonError, NotSavedError
from cocoon.steering.control import Control, check_shape


def folded(network: Any, control: Control, coefficient: float) -> Any:
    """A copy of a Llama network whose `down_proj` biases do what `control` times `coefficient` does to every token.

    Raises CocoonError for another architecture, or a control that is more than an addition to every token.
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
    told = type(config).from_dict({**config.to_dict(), "mlp_bias": True})
    with torch.device("meta"):
        made = type(network)(told)
    weights = {**dict(network.state_dict()), **_biases(network, control, coefficient)}
    made.load_state_dict(weights, assign=True)
    made.tie_weights()
    made.generation_config = network.generation_config
    _restore_buffers(network, made)
    return made.eval()


def _biases(network: Any, control: Control, coefficient: float) -> dict[str, Any]:
    import torch

    config, kind = text_config(network), network.dtype
    found: dict[str, Any] = {}
    for number in range(config.num_hidden_layers):
        head = f"model.layers.{number}.mlp"
        # Llama has all three biases or none.
        for name in ("gate_proj", "up_proj"):
            found[f"{head}.{name}.bias"] = torch.zeros(config.intermediate_size, dtype=kind)
        found[f"{head}.down_proj.bias"] = torch.from_numpy(control.added(number, coefficient)).to(kind)
    return found


def _restore_buffers(network: Any, made: Any) -> None:
    """Buffers outside the state dict (rotary frequencies), which a copy on `meta` lacks."""
    held = dict(network.named_buffers())
    for name, buffer in made.named_buffers():
        if buffer.is_meta:
            place, _, last = name.rpartition(".")
            made.get_submodule(place).register_buffer(last, held[name].clone(), persistent=False)


def save_folded(network: Any, tokenizer: Any, control: Control, coefficient: float, folder: Path) -> Path:
    """Write the folded checkpoint as safetensors with its tokenizer; raises NotSavedError without room."""
    try:
        folded(network, control, coefficient).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    except OSError as error:
        raise NotSavedError(
            f"{folder}: cannot be written ({error.strerror or error}); make room and try again"
        ) from None
    return folder
