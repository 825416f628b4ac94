"""The decoder layers of a causal language model, found by structure: Llama, Qwen, Gemma, Mistral and their like.

Names differ between families, wrappers (peft) and versions. What they share is one list of as many blocks as the
configuration says, each with attention inside.
"""

from collections.abc import Sequence
from typing import Any

from cocoon.core.errors import CocoonError

_ATTENTION = ("self_attn", "attn", "attention", "self_attention", "linear_attn")
# Towers of models that also see or hear have lists of attention blocks of their own.
_OTHER_TOWERS = ("vision", "visual", "audio", "image", "encoder")


def text_config(network: Any) -> Any:
    """Return the configuration of the part that writes."""
    return network.config.get_text_config(decoder=True)


def hidden_size(network: Any) -> int:
    """Width of the residual stream."""
    return int(text_config(network).hidden_size)


def decoder_layers(network: Any) -> Sequence[Any]:
    """Return the blocks in order, counted from 0: block l turns hidden_states[l] into hidden_states[l + 1].

    Raises CocoonError where no list of blocks, or more than one, could be meant.
    """
    return _find(network)[1]


def decoder(network: Any) -> Any:
    """Return the module that owns the blocks and runs them."""
    return network.get_submodule(_find(network)[0].rpartition(".")[0])


def _find(network: Any) -> tuple[str, Any]:
    from torch.nn import ModuleList

    count = int(text_config(network).num_hidden_layers)
    lists = ((name, module) for name, module in network.named_modules() if isinstance(module, ModuleList))
    found = [(name, module) for name, module in lists if len(module) == count and _are_blocks(name, module)]
    if len(found) != 1:
        raise CocoonError(
            f"{type(network).__name__}: {len(found)} lists of {count} decoder layers found, 1 expected; "
            "this architecture cannot be steered"
        )
    return found[0]


def _are_blocks(name: str, blocks: Any) -> bool:
    other = any(word in name.lower() for word in _OTHER_TOWERS)
    return not other and all(any(hasattr(block, part) for part in _ATTENTION) for block in blocks)
