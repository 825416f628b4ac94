"""Whether documents that share a row see each other: tried on the network itself, whatever its attention is."""

import random
from collections.abc import Sequence
from typing import Any

# A leak changes logits as much as plainly joined documents do; rounding changes them far less.
_ROUNDING = 0.1


def isolates(network: Any) -> bool:
    """Whether a document's logits in a packed row are those that it has alone.

    The packed row is what TRL's collator makes: positions that begin anew, no mask. It is compared with the document
    alone and with both documents as one text; where the two latter hardly differ, nothing can be told and it is False.
    """
    import torch

    draws = random.Random(0)
    last = network.config.get_text_config().vocab_size - 1
    # Drawn by chance: in a text that repeats itself, what stands before hardly matters.
    first, second = ([draws.randint(0, last) for _ in range(length)] for length in (24, 9))
    with torch.no_grad():
        alone = _logits(network, second, range(len(second)))
        packed = _logits(network, [*first, *second], [*range(len(first)), *range(len(second))])[len(first) :]
        joined = _logits(network, [*first, *second], range(len(first) + len(second)))[len(first) :]
    leak = float((joined - alone).abs().mean())
    return leak > 0 and float((packed - alone).abs().mean()) < _ROUNDING * leak


def _logits(network: Any, ids: Sequence[int], positions: Sequence[int]) -> Any:
    """Logits in float32, of shape (tokens, vocabulary), of one row without a mask."""
    import torch

    row, places = (torch.tensor([list(some)], device=network.device) for some in (ids, positions))
    return network(input_ids=row, position_ids=places, use_cache=False).logits[0].float()


def attention_of(network: Any) -> str:
    """The attention implementation that the network uses."""
    return str(getattr(network.config, "_attn_implementation", None) or "unknown")
