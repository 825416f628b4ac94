"""Read new tokens of several rows in one pass, laid end to end, each row attending to its own keys and values.

Nothing is padded: rows may be of any length, and a row may read one token while another reads a whole prompt. All
layers but attention treat tokens alone, so they see one long row. Attention is the network's own function (or the same
with less copying), called for each row.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from cocoon.models.local.decoder_layers import text_config

_ATTENTION = "cocoon_rows"
# The network's own functions that are exact when called for one row, by the name transformers gives them.
_KNOWN = ("sdpa", "eager")
_LAYERS = ("full_attention", "sliding_attention")
# Buffers grow by this many tokens at least.
_GROWTH = 64
# Rows of a trial, and how alike its logits must be to those of the network's own pass. bfloat16 gives above 0.999.
_TRIAL = ([5, 9, 7, 11, 6, 8, 10, 4, 9, 5, 7], [7, 4, 10, 9, 5, 6])
_ALIKE = 0.99


@dataclass(eq=False)
class RowCache:
    """Keys and values of the first tokens of a row, whose ids are `ids`, for each layer.

    They hold under `adapter`. From token number `clean` on they were changed by a control. None means never.
    """

    adapter: Any = None
    clean: int | None = None
    ids: list[int] = field(default_factory=list)
    capacity: int = 0
    _layers: dict[int, tuple[Any, Any]] = field(default_factory=dict)

    def append(self, layer: int, key: Any, value: Any) -> tuple[Any, Any]:
        """Add the keys and values of new tokens, shape (1, heads, new, width), and return those of all tokens."""
        start, end = len(self.ids), len(self.ids) + key.shape[2]
        if end > self.capacity:
            self.capacity = end + _GROWTH - end % _GROWTH
        buffers = self._layers.get(layer)
        if buffers is None or buffers[0].shape[2] < end:
            larger = tuple(new.new_empty((*new.shape[:2], self.capacity, new.shape[3])) for new in (key, value))
            for buffer, old in zip(larger, buffers or (), strict=False):
                buffer[:, :, :start] = old[:, :, :start]
            buffers = self._layers[layer] = larger[0], larger[1]
        for buffer, new in zip(buffers, (key, value), strict=True):
            buffer[:, :, start:end] = new
        return buffers[0][:, :, :end], buffers[1][:, :, :end]

    @property
    def layers(self) -> int:
        """Return the number of layers that there are keys and values of."""
        return len(self._layers)

    def prefix(self, length: int) -> "RowCache":
        """Return a copy of the first `length` tokens."""
        copy = RowCache(self.adapter)
        for layer, (key, value) in self._layers.items():
            copy.append(layer, key[:, :, :length], value[:, :, :length])
        copy.ids = self.ids[:length]
        return copy

    def cut(self) -> None:
        """Forget the tokens that a control changed, and all after them."""
        self.ids, self.clean = self.ids[: self.clean], None


@dataclass
class _Pass:
    """One pass: the caches with the number of tokens that each reads, and the masks that its layers share."""

    implementation: str
    reads: Sequence[tuple[RowCache, int]]
    _masks: dict[tuple[int, int, int | None], Any] = field(default_factory=dict)

    def mask(self, query: Any, past: int, window: int | None) -> Any:
        """Return what is added to the scores of a row, shape (1, 1, new, past + new), or None where nothing must be."""
        new = query.shape[2]
        windowed = window is not None and past + new > window
        if new == 1 or (self.implementation == "sdpa" and not past and not windowed):
            return None
        key = past, new, window
        if key not in self._masks:
            self._masks[key] = _causal(query, past, window)
        return self._masks[key]


def _causal(query: Any, past: int, window: int | None) -> Any:
    import torch

    new = query.shape[2]
    columns = torch.arange(past + new, device=query.device)
    ahead = columns[None] - columns[past:, None]
    hidden = ahead > 0 if window is None else (ahead > 0) | (ahead <= -window)
    return query.new_zeros((1, 1, new, past + new)).masked_fill(hidden, torch.finfo(query.dtype).min)


def _attend(
    module: Any,
    query: Any,
    key: Any,
    value: Any,
    attention_mask: Any,  # noqa: ARG001
    *,
    row_pass: _Pass,
    sliding_window: int | None = None,
    **settings: Any,
) -> tuple[Any, None]:
    """Attend row by row. It is called as transformers calls its own attention functions."""
    import torch

    attend = _own_attention(module, row_pass.implementation)
    outputs, start = [], 0
    for cache, new in row_pass.reads:
        span = slice(start, start := start + new)
        queries = query[:, :, span]
        keys, values = cache.append(module.layer_idx, key[:, :, span], value[:, :, span])
        mask = row_pass.mask(queries, len(cache.ids), sliding_window)
        if new == 1 and sliding_window is not None:
            keys, values = keys[:, :, -sliding_window:], values[:, :, -sliding_window:]
        if mask is not None and row_pass.implementation == "sdpa":
            outputs.append(_attend_in_groups(queries, keys, values, mask, settings.get("scaling")))
        else:
            outputs.append(attend(module, queries, keys, values, mask, **settings)[0])
    return torch.cat(outputs, 1), None


def _attend_in_groups(query: Any, key: Any, value: Any, mask: Any, scaling: float | None) -> Any:
    """Attend with the query heads of a group side by side, shape (1, new, heads, width).

    transformers repeats keys and values for every query head where there is a mask. That took six times as long for two
    tokens after 1,200.
    """
    import torch

    heads, new, shared = query.shape[1], query.shape[2], key.shape[1]
    groups = query.reshape(1, shared, heads // shared * new, -1)
    masks = mask.repeat(1, 1, heads // shared, 1)
    output = torch.nn.functional.scaled_dot_product_attention(groups, key, value, attn_mask=masks, scale=scaling)
    return output.reshape(1, heads, new, -1).transpose(1, 2)


def _own_attention(module: Any, implementation: str) -> Callable[..., Any]:
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    eager: Any = getattr(sys.modules[type(module).__module__], "eager_attention_forward", None)
    return ALL_ATTENTION_FUNCTIONS.get_interface(implementation, eager)


@contextmanager
def _attention(config: Any) -> Iterator[str]:
    """Have the network attend row by row inside the block, and give the name of its own attention."""
    from transformers import AttentionInterface

    AttentionInterface.register(_ATTENTION, _attend)
    own = config._attn_implementation
    config._attn_implementation = _ATTENTION
    try:
        yield own
    finally:
        config._attn_implementation = own


def read_pass(network: Any, reads: Sequence[tuple[RowCache, Sequence[int]]], outputs: Sequence[int]) -> Any:
    """Read the new tokens of all rows, and return the logits after the last `outputs[i]` of row i's.

    The result has shape (all outputs, vocabulary), row after row. The caches hold the new tokens afterwards.
    """
    import torch

    ends = accumulate(len(new) for _, new in reads)
    last = [number for end, count in zip(ends, outputs, strict=True) for number in range(end - count, end)]
    tokens, positions, with_logits = (
        torch.tensor(numbers, device=network.device)
        for numbers in (
            [[token for _, new in reads for token in new]],
            [[len(cache.ids) + number for cache, new in reads for number in range(len(new))]],
            last,
        )
    )
    with _attention(text_config(network)) as own:
        row_pass = _Pass(own, [(cache, len(new)) for cache, new in reads])
        output = network(
            input_ids=tokens, position_ids=positions, use_cache=False, logits_to_keep=with_logits, row_pass=row_pass
        )
    for cache, new in reads:
        cache.ids.extend(new)
    return output.logits[0]


def can_read_rows(network: Any) -> bool:
    """Return whether `read_pass` is right for this network, tried on two short rows beside its own pass.

    It is not for networks that keep other states than keys and values, or whose layers attend in their own way. Such a
    network may raise anything.
    """
    import torch

    config = text_config(network)
    if config._attn_implementation not in _KNOWN or set(getattr(config, "layer_types", None) or ()) - {*_LAYERS}:
        return False
    caches = [RowCache() for _ in _TRIAL]
    try:
        with torch.inference_mode():
            read_pass(network, [(cache, ids[:-2]) for cache, ids in zip(caches, _TRIAL, strict=True)], [1, 1])
            logits = read_pass(network, [(cache, ids[-2:]) for cache, ids in zip(caches, _TRIAL, strict=True)], [1, 1])
            own = [network(input_ids=torch.tensor([ids], device=network.device)).logits[0, -1:] for ids in _TRIAL]
            alike = torch.nn.functional.cosine_similarity(logits.float(), torch.cat(own).float())
    except Exception:
        return False
    attended = all(cache.layers == config.num_hidden_layers for cache in caches)
    return attended and bool((alike > _ALIKE).all())
