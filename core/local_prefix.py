"""Prompts that several rows of a batch share are read once: choices, votes, and coefficients of one situation."""

from collections.abc import Sequence
from typing import Any

from cocoon.core.decoder_layers import decoder


def shared_prompts(network: Any, ids: Any, mask: Any, prompts: Sequence[Sequence[int]]) -> Any:
    """The key-value cache of all prompts without their last tokens, one row each; none where no two are alike.

    `ids` and `mask`, shape (rows, columns), are the left-padded prompts. None too for networks whose cache cannot be
    taken apart by rows.
    """
    import torch

    numbers: dict[tuple[int, ...], int] = {}
    places = [numbers.setdefault(tuple(prompt), len(numbers)) for prompt in prompts]
    can = getattr(network, "_supports_default_dynamic_cache", None)
    if len(numbers) == len(prompts) or ids.shape[1] < 2 or can is None or not can():
        return None
    firsts = torch.tensor([places.index(number) for number in range(len(numbers))], device=ids.device)
    cache = _read(network, ids[firsts, :-1], mask[firsts, :-1])
    cache.batch_select_indices(torch.tensor(places, device=ids.device))
    return cache


def _read(network: Any, ids: Any, mask: Any) -> Any:
    from transformers import DynamicCache

    cache = DynamicCache(config=network.config.get_text_config(decoder=True))
    # The positions that generate would give: padding counts as 0.
    positions = (mask.cumsum(-1) - 1).masked_fill(mask == 0, 0)
    decoder(network)(input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True)
    return cache
