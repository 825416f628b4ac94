"""Measure how likely a model finds given replies and how repetitive they are, to detect steering that breaks speech."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cocoon.models.local.weights import Weights
from cocoon.steering.directions.shared_pass import TokenRow, passes

MOST_REPEATED = 0.3
MOST_SURPRISE = 4.0
_PILED_MARKS = re.compile(r"[?？]\s*[?？]")


def surprise(weights: Weights, rows: Sequence[TokenRow]) -> NDArray[np.float64]:
    """Return the mean negative log-likelihood in nats per token under the unsteered model, shape (rows,).

    All tokens of a row's span but the first are scored, because the model predicts from the first one on.
    """
    import torch

    surprises = np.zeros(len(rows))
    head = weights.network.get_output_embeddings()
    with torch.inference_mode():
        for batch in passes(weights, rows):
            hidden = batch.run(weights.network)
            for row, (number, start) in enumerate(zip(batch.rows, batch.starts, strict=True)):
                first, end = (edge - start for edge in rows[number].read)
                logits = head(hidden[row, first : end - 1]).float()
                next_ids = batch.ids[row, first + 1 : end, None].to(logits.device)
                log_likelihoods = torch.log_softmax(logits, -1).gather(-1, next_ids)
                surprises[number] = -float(log_likelihoods.mean())
    return surprises


def repeated(tokens: Sequence[int], size: int = 3) -> float:
    """Return the share of a reply's runs of `size` tokens that occurred before, 0 to 1, or 0 if it is too short."""
    runs = [tuple(tokens[start : start + size]) for start in range(len(tokens) - size + 1)]
    return 1 - len(set(runs)) / len(runs) if runs else 0.0


def degenerate(text: str, tokens: Sequence[int], nats: float | None) -> str | None:
    """Return why a reply is broken speech: "empty", "marks" (several in a row), "repeats" or "unlikely", else None."""
    if not text.strip():
        return "empty"
    if _PILED_MARKS.search(text):
        return "marks"
    if repeated(tokens) > MOST_REPEATED:
        return "repeats"
    return "unlikely" if nats is not None and nats > MOST_SURPRISE else None
