"""repeng as a peer: its last release (0.4.0) was written for numpy 1, whose removed names are lent to it here."""

import importlib
import importlib.util
from collections.abc import Sequence
from typing import Any

import numpy as np


def load_repeng() -> Any:
    """The package, or none where it is not installed (`pip install --no-deps repeng==0.4.0`)."""
    if importlib.util.find_spec("repeng") is None:
        return None
    if not hasattr(np, "float_"):
        setattr(np, "float_", np.float64)  # noqa: B010
    return importlib.import_module("repeng")


class GivenIds:
    """A tokenizer for repeng that knows whole texts by their names and gives our token ids, padded on the right."""

    def __init__(self, rows: Sequence[Sequence[int]], pad: int) -> None:
        self.rows = rows
        self.pad = pad

    def __call__(self, names: Sequence[str], **_: Any) -> Any:
        import torch
        from transformers import BatchEncoding

        chosen = [list(self.rows[int(name)]) for name in names]
        width = max(map(len, chosen))
        ids = [row + [self.pad] * (width - len(row)) for row in chosen]
        mask = [[1] * len(row) + [0] * (width - len(row)) for row in chosen]
        return BatchEncoding({"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask)})


def train(
    library: Any, network: Any, tokenizer: Any, pairs: Sequence[tuple[str, str]], layers: Sequence[int], method: str
) -> Any:
    """repeng's own direction of these texts, by layer."""
    entries = [library.DatasetEntry(positive=one, negative=other) for one, other in pairs]
    vector = library.ControlVector.train(network, tokenizer, entries, hidden_layers=list(layers), method=method)
    return vector.directions
