"""Run sequences through a model so that the common beginning of one situation's sequences is computed only once."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.models.local.decoder_layers import decoder
from cocoon.models.local.weights import Weights

Span = tuple[int, int]
# Tokens of one pass, padding included. It bounds memory (a 4096-wide model in bfloat16 uses 64 MB a layer).
PASS_TOKENS = 8_192
# A shared beginning gets a pass of its own from this many tokens on.
_WORTH_SHARING = 8


@dataclass(frozen=True)
class TokenRow:
    """Token ids with the span [first, one past the last) that is read. Rows of one `group` may begin alike."""

    ids: tuple[int, ...]
    read: Span
    group: str

    def __post_init__(self) -> None:
        first, end = self.read
        if not 0 <= first < end <= len(self.ids):
            raise CocoonError(f"tokens {first} to {end} cannot be read from a sequence of {len(self.ids)} tokens")


@dataclass(frozen=True)
class Pass:
    """One batch of `rows` (indices) after their shared beginnings.

    `starts` is the number of tokens of each row that are already in `cache`. `ids` and `positions` have shape (rows,
    columns), and `mask` covers the columns of the cache too. `tokens` counts the tokens computed, beginnings included.
    `counted`, shape (rows, columns), is true at real tokens that are not the first of their sequence.
    """

    rows: list[int]
    starts: list[int]
    ids: Any
    mask: Any
    positions: Any
    cache: Any
    counted: Any
    tokens: int

    def run(self, network: Any) -> Any:
        """Return the decoder's last hidden states, shape (rows, columns, hidden)."""
        return run_decoder(network, self.ids, self.mask, self.positions, self.cache)


# Takes the columns of a pass that count, and returns a context that watches the pass.
Watching = Callable[[Any], AbstractContextManager[Any]]


def passes(
    weights: Weights, rows: Sequence[TokenRow], *, share: bool = True, watch_heads: Watching | None = None
) -> Iterator[Pass]:
    """Yield all rows in batches of similar lengths. Run each batch before taking the next.

    `watch_heads` is entered while shared beginnings are computed. Use this inside `torch.inference_mode()`.
    """
    single, shared = _partitioned(rows, share)
    for batch in _filled([[number] for number in single], rows):
        yield _prepared(weights, rows, batch, None, watch_heads)
    for batch in _filled(shared, rows):
        yield _prepared(weights, rows, batch, _starts(rows, batch), watch_heads)


def _partitioned(rows: Sequence[TokenRow], share: bool) -> tuple[list[int], list[list[int]]]:
    """Return rows that are computed alone, and groups of rows that share a beginning."""
    groups: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        groups.setdefault(row.group if share else str(number), []).append(number)
    shared = [group for group in groups.values() if len(group) > 1 and _common(rows, group) >= _WORTH_SHARING]
    taken = {number for group in shared for number in group}
    return [number for number in range(len(rows)) if number not in taken], shared


def _filled(groups: Sequence[list[int]], rows: Sequence[TokenRow]) -> Iterator[list[int]]:
    """Yield batches of complete groups of similar length, up to PASS_TOKENS with padding."""

    def longest(group: list[int]) -> int:
        return max(len(rows[number].ids) for number in group)

    batch: list[int] = []
    for group in sorted(groups, key=longest):
        if batch and (len(batch) + len(group)) * longest(group) > PASS_TOKENS:
            yield batch
            batch = []
        batch = batch + group
    if batch:
        yield batch


def _common(rows: Sequence[TokenRow], group: Sequence[int]) -> int:
    """Return how many first tokens a group has in common, before any token that is read and before each row's last."""
    members = [rows[number] for number in group]
    most = min(min(row.read[0], len(row.ids) - 1) for row in members)
    first = members[0].ids
    return next(
        (position for position in range(most) if any(row.ids[position] != first[position] for row in members)), most
    )


def _starts(rows: Sequence[TokenRow], batch: Sequence[int]) -> dict[str, int]:
    groups: dict[str, list[int]] = {}
    for number in batch:
        groups.setdefault(rows[number].group, []).append(number)
    return {name: _common(rows, group) for name, group in groups.items()}


def _prepared(
    weights: Weights,
    rows: Sequence[TokenRow],
    batch: list[int],
    shared: dict[str, int] | None,
    watch: Watching | None,
) -> Pass:
    import torch

    cache, width, tokens = None, 0, 0
    if shared:
        heads = {rows[number].group: rows[number].ids[: shared[rows[number].group]] for number in batch}
        cache = _heads_cache(weights, list(heads.values()), watch)
        width, tokens = max(map(len, heads.values())), sum(map(len, heads.values()))
        names = list(heads)
        cache.batch_select_indices(torch.tensor([names.index(rows[n].group) for n in batch], device=weights.device))
    starts = [shared[rows[number].group] if shared else 0 for number in batch]
    tails = [rows[number].ids[start:] for number, start in zip(batch, starts, strict=True)]
    columns = max(map(len, tails))
    ids = torch.full((len(batch), columns), weights.pad)
    mask = torch.zeros((len(batch), width + columns), dtype=torch.long)
    counted = torch.zeros(ids.shape, dtype=torch.bool)
    for row, (start, tail) in enumerate(zip(starts, tails, strict=True)):
        ids[row, : len(tail)] = torch.tensor(tail)
        mask[row, width - start : width + len(tail)] = 1
        counted[row, (0 if start else 1) : len(tail)] = True
    positions = (mask.cumsum(-1) - 1).clamp_min(0)[:, width:]
    return Pass(batch, starts, ids, mask, positions, cache, counted, tokens + sum(map(len, tails)))


def _heads_cache(weights: Weights, heads: Sequence[Sequence[int]], watch: Watching | None) -> Any:
    """Return a cache of the groups' beginnings, left-padded so that all end in one column."""
    import torch
    from transformers import DynamicCache

    width = max(map(len, heads))
    ids = torch.full((len(heads), width), weights.pad)
    mask = torch.zeros_like(ids)
    counted = torch.zeros(ids.shape, dtype=torch.bool)
    for row, head in enumerate(heads):
        ids[row, width - len(head) :] = torch.tensor(head)
        mask[row, width - len(head) :] = 1
        counted[row, width - len(head) + 1 :] = True
    cache = DynamicCache(config=weights.network.config.get_text_config(decoder=True))
    with watch(counted) if watch else nullcontext():
        run_decoder(weights.network, ids, mask, (mask.cumsum(-1) - 1).clamp_min(0), cache)
    return cache


class EnoughError(Exception):
    """Raised by a hook when no later layer is needed."""


def run_decoder(network: Any, ids: Any, mask: Any, positions: Any, cache: Any) -> Any:
    """Run the decoder without its head. Return None if a hook stopped it because no later layer is needed."""
    device = network.device
    try:
        return decoder(network)(
            input_ids=ids.to(device),
            attention_mask=mask.to(device),
            position_ids=positions.to(device),
            past_key_values=cache,
            use_cache=cache is not None,
        ).last_hidden_state
    except EnoughError:
        return None
