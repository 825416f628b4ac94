"""How likely a model finds given replies, and how worn their wording is: guards against steering that breaks speech."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cocoon.core.local_weights import Weights
from cocoon.steering.shared_pass import TokenRow, passes

MOST_REPEATED = 0.3
MOST_SURPRISE = 4.0
_PILED_MARKS = re.compile(r"[?？]\s*[?？]")


def surprise(weights: Weights, rows: Sequence[TokenRow]) -> NDArray[np.float64]:
    """Mean negative log-likelihood in nats per token, under the model as it is, shape (rows,).

    Of each row's span all tokens but the first are scored: from that one on the model predicts.
    """
    import torch

    found = np.zeros(len(rows))
    head = weights.network.get_output_embeddings()
    with torch.inference_mode():
        for one in passes(weights, rows):
            hidden = one.run(weights.network)
            for place, (number, start) in enumerate(zip(one.rows, one.starts, strict=True)):
                first, end = (edge - start for edge in rows[number].read)
                logits = head(hidden[place, first : end - 1]).float()
                next_ids = one.ids[place, first + 1 : end, None].to(logits.device)
                told = torch.log_softmax(logits, -1).gather(-1, next_ids)
                found[number] = -float(told.mean())
    return found


def repeated(tokens: Sequence[int], size: int = 3) -> float:
    """Share of a reply's runs of `size` tokens that occurred in it before, 0 to 1; 0 for one too short."""
    runs = [tuple(tokens[place : place + size]) for place in range(len(tokens) - size + 1)]
    return 1 - len(set(runs)) / len(runs) if runs else 0.0


def degenerate(text: str, tokens: Sequence[int], nats: float | None) -> str | None:
    """Why a reply is broken speech: "empty", "marks" (several in a row), "repeats", "unlikely", or none."""
    if not text.strip():
        return "empty"
    if _PILED_MARKS.search(text):
        return "marks"
    if repeated(tokens) > MOST_REPEATED:
        return "repeats"
    return "unlikely" if nats is not None and nats > MOST_SURPRISE else None
