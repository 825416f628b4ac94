"""Test on the network itself whether documents packed into one row see each other, with any attention."""

import random
from collections.abc import Sequence
from typing import Any

# A leak changes logits as much as joining the documents does. Rounding changes them far less.
_ROUNDING = 0.1


def isolates(network: Any) -> bool:
    """Return whether a document has the same logits in a packed row as alone.

    The packed row is what TRL's collator makes: positions that start again, and no mask. It is compared with the
    document alone and with both documents as one text. If these two hardly differ, no test is possible, and the answer
    is False.
    """
    import torch

    draws = random.Random(0)
    last = network.config.get_text_config().vocab_size - 1
    # The text is random, because in a repetitive text the earlier tokens hardly matter.
    first, second = ([draws.randint(0, last) for _ in range(length)] for length in (24, 9))
    with torch.no_grad():
        alone = _logits(network, second, range(len(second)))
        packed = _logits(network, [*first, *second], [*range(len(first)), *range(len(second))])[len(first) :]
        joined = _logits(network, [*first, *second], range(len(first) + len(second)))[len(first) :]
    leak = float((joined - alone).abs().mean())
    return leak > 0 and float((packed - alone).abs().mean()) < _ROUNDING * leak


def _logits(network: Any, ids: Sequence[int], positions: Sequence[int]) -> Any:
    """Return the logits of one row without a mask, in float32, shape (tokens, vocabulary)."""
    import torch

    row, position_row = (torch.tensor([list(numbers)], device=network.device) for numbers in (ids, positions))
    return network(input_ids=row, position_ids=position_row, use_cache=False).logits[0].float()


def attention_of(network: Any) -> str:
    """Return the name of the attention implementation that the network uses."""
    return str(getattr(network.config, "_attn_implementation", None) or "unknown")
