"""Read each prompt that several rows of a batch share once: choices, votes, and coefficients of one situation."""

from collections.abc import Sequence
from typing import Any

from cocoon.models.local.decoder_layers import decoder


def shared_prompts(network: Any, ids: Any, mask: Any, prompts: Sequence[Sequence[int]]) -> Any:
    """Return the key-value cache of all prompts without their last tokens, one row each.

    `ids` and `mask`, shape (rows, columns), are the left-padded prompts. The result is None where no two prompts are
    equal, and for networks whose cache cannot be split by rows.
    """
    import torch

    unique_rows: dict[tuple[int, ...], int] = {}
    row_numbers = [unique_rows.setdefault(tuple(prompt), len(unique_rows)) for prompt in prompts]
    supports_cache = getattr(network, "_supports_default_dynamic_cache", None)
    if len(unique_rows) == len(prompts) or ids.shape[1] < 2 or supports_cache is None or not supports_cache():
        return None
    first_rows = torch.tensor([row_numbers.index(number) for number in range(len(unique_rows))], device=ids.device)
    cache = _read(network, ids[first_rows, :-1], mask[first_rows, :-1])
    cache.batch_select_indices(torch.tensor(row_numbers, device=ids.device))
    return cache


def _read(network: Any, ids: Any, mask: Any) -> Any:
    from transformers import DynamicCache

    cache = DynamicCache(config=network.config.get_text_config(decoder=True))
    # The positions that `generate` would give, where padding counts as 0.
    positions = (mask.cumsum(-1) - 1).masked_fill(mask == 0, 0)
    decoder(network)(input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True)
    return cache
