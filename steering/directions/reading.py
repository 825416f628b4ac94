"""Read the model's states at chosen tokens: contrastive rows in, one state per row and layer out.

Layers after the last one needed and logits are not computed. For every layer only the mean over the tokens that are
read is stored.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cocoon.core.errors import CocoonError
from cocoon.core.progress import working
from cocoon.models.local.decoder_layers import decoder_layers, hidden_size
from cocoon.models.local.weights import Weights
from cocoon.steering.directions.shared_pass import EnoughError, Pass, TokenRow, passes


@dataclass
class States:
    """`values`, shape (rows, layers, hidden), is the mean over the tokens that were read, in float32.

    `norms`, shape (layers,), is the median norm over all tokens but the first of each row, which is an attention sink
    with up to 100 times the norm of the others. `tokens` is the number of tokens computed.
    """

    layers: tuple[int, ...]
    values: NDArray[np.float32]
    norms: NDArray[np.float32]
    tokens: int


def read_states(
    weights: Weights, rows: Sequence[TokenRow], layers: Sequence[int] | None = None, *, share: bool = True
) -> States:
    """Return the states of all rows at `layers` (blocks counted from 0, their outputs, default: all).

    With `share`, what the rows of a group have in common is computed once. The states differ only by the rounding of
    another batch. Raises CocoonError for a layer that the model does not have.
    """
    import torch

    count = len(decoder_layers(weights.network))
    chosen = tuple(sorted(layers)) if layers is not None else tuple(range(count))
    if not chosen or chosen[0] < 0 or chosen[-1] >= count:
        raise CocoonError(f"layers {list(chosen)}: this model has layers 0 to {count - 1}")
    values = np.zeros((len(rows), len(chosen), hidden_size(weights.network)), np.float32)
    recorder = _Taker(weights.network, chosen)
    tokens = 0
    with working("reading states", len(rows)) as work, torch.inference_mode():
        for batch in passes(weights, rows, share=share, watch_heads=recorder.watching):
            with recorder.watching(batch.counted, _weights_of(rows, batch)):
                batch.run(weights.network)
            for column, layer in enumerate(chosen):
                values[batch.rows, column] = recorder.states[layer]
            tokens += batch.tokens
            work.advance(len(batch.rows))
    return States(chosen, values, recorder.medians(), tokens)


def _weights_of(rows: Sequence[TokenRow], batch: Pass) -> Any:
    """Return weights, shape (rows, columns): 1 at the tokens of a pass that are read, 0 elsewhere."""
    import torch

    read = torch.zeros(batch.ids.shape)
    for row, (number, start) in enumerate(zip(batch.rows, batch.starts, strict=True)):
        first, end = rows[number].read
        read[row, first - start : end - start] = 1
    return read


@dataclass
class _Taker:
    """Hooks that record `states` of the last pass, and the norms of all passes."""

    network: Any
    layers: Sequence[int]
    states: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    norms: dict[int, list[NDArray[np.float32]]] = field(default_factory=dict)

    @contextmanager
    def watching(self, counted: Any, read: Any = None) -> Iterator[None]:
        """Record the pass inside: norms of the `counted` tokens, and means over the tokens to `read` (0 and 1)."""
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
