"""Reads what a model computes at chosen tokens: contrastive rows in, one state per row and layer out.

No layer after the last one wanted is computed, no logits, and of every layer only the mean over the tokens that are
read is kept.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cocoon.core.decoder_layers import decoder_layers, hidden_size
from cocoon.core.errors import CocoonError
from cocoon.core.local_weights import Weights
from cocoon.steering.shared_pass import EnoughError, Pass, TokenRow, passes


@dataclass
class States:
    """`values`, shape (rows, layers, hidden): the mean over the tokens read, in float32.

    `norms`, shape (layers,): the median norm over every token passed but each row's first, which is an attention sink
    with up to 100 times the norm of the others. `tokens`: how many were computed.
    """

    layers: tuple[int, ...]
    values: NDArray[np.float32]
    norms: NDArray[np.float32]
    tokens: int


def read_states(
    weights: Weights, rows: Sequence[TokenRow], layers: Sequence[int] | None = None, *, share: bool = True
) -> States:
    """States of all rows at `layers` (blocks counted from 0, their outputs; default: all).

    With `share` what the rows of a group have in common is computed once; states are the same but for the rounding
    of another batch. Raises CocoonError for a layer that the model does not have.
    """
    import torch

    count = len(decoder_layers(weights.network))
    chosen = tuple(sorted(layers)) if layers is not None else tuple(range(count))
    if not chosen or chosen[0] < 0 or chosen[-1] >= count:
        raise CocoonError(f"layers {list(chosen)}: this model has layers 0 to {count - 1}")
    values = np.zeros((len(rows), len(chosen), hidden_size(weights.network)), np.float32)
    taker = _Taker(weights.network, chosen)
    tokens = 0
    with torch.inference_mode():
        for one in passes(weights, rows, share=share, watch_heads=taker.watching):
            with taker.watching(one.counted, _weights_of(rows, one)):
                one.run(weights.network)
            for column, layer in enumerate(chosen):
                values[one.rows, column] = taker.states[layer]
            tokens += one.tokens
    return States(chosen, values, taker.medians(), tokens)


def _weights_of(rows: Sequence[TokenRow], one: Pass) -> Any:
    """Shape (rows, columns): 1 at the tokens of a pass that are read."""
    import torch

    read = torch.zeros(one.ids.shape)
    for place, (number, start) in enumerate(zip(one.rows, one.starts, strict=True)):
        first, end = rows[number].read
        read[place, first - start : end - start] = 1
    return read


@dataclass
class _Taker:
    """What hooks keep of a pass: `states` of the last one, and the norms of all."""

    network: Any
    layers: Sequence[int]
    states: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    norms: dict[int, list[NDArray[np.float32]]] = field(default_factory=dict)

    @contextmanager
    def watching(self, counted: Any, read: Any = None) -> Iterator[None]:
        """Take the norms of the `counted` tokens, and the means over those to `read` (0 and 1), of the pass inside."""
        blocks = decoder_layers(self.network)
        handles = [blocks[layer].register_forward_hook(self._hook(layer, counted, read)) for layer in self.layers]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _hook(self, layer: int, counted: Any, read: Any) -> Any:
        def take(module: Any, arguments: tuple[Any, ...], output: Any) -> None:  # noqa: ARG001
            hidden = (output[0] if isinstance(output, tuple) else output).float()
            norms = hidden.norm(dim=-1)[counted.to(hidden.device)]
            self.norms.setdefault(layer, []).append(norms.cpu().numpy())
            if read is not None:
                weight = read.to(hidden.device)
                mean = (hidden * weight[..., None]).sum(1) / weight.sum(1, keepdim=True)
                self.states[layer] = mean.cpu().numpy()
            if layer == self.layers[-1]:
                raise EnoughError

        return take

    def medians(self) -> NDArray[np.float32]:
        return np.array([np.median(np.concatenate(self.norms[layer])) for layer in self.layers], np.float32)
