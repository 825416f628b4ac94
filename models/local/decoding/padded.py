"""Write rows with transformers' own `generate`, from their first token to their last, padded to one width.

This is for networks whose rows cannot be read one beside the other (`rows.can_read_rows`), and what the other way of
writing is tested against.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any

from cocoon.models.local.control import LocalControl
from cocoon.models.local.sampling import ReplyRow, as_numbers, choice_of, mass_of, pick, take
from cocoon.models.local.weights import Weights


class PaddedWriter:
    """Collects rows that fit together, and writes them all in one step."""

    def __init__(self, weights: Weights, batch_size: int, budget: int) -> None:
        self._weights = weights
        self._batch_size = batch_size
        self._budget = budget
        self._rows: list[ReplyRow] = []

    def admits(self, row: ReplyRow) -> bool:
        """Return whether `row` can be written with those that were added: same adapter, and not much padding."""
        if not self._rows:
            return True
        sizes = [other.size for other in self._rows] + [row.size]
        padded = max(sizes) * len(sizes)
        fits = padded <= min(self._budget, 2 * sum(sizes))
        return fits and len(sizes) <= self._batch_size and row.adapter is self._rows[0].adapter

    def add(self, row: ReplyRow) -> None:
        """Add a row to the next step."""
        self._rows.append(row)

    def step(self) -> list[ReplyRow]:
        """Write all rows, and return them."""
        rows, self._rows = self._rows, []
        write_padded(self._weights, rows)
        return rows

    def clear(self) -> None:
        """Forget the rows that were added."""
        self._rows = []


class _Sampler:
    """A logits processor that picks each row's next token, and the stopping criterion that belongs to it."""

    def __init__(self, weights: Weights, rows: Sequence[ReplyRow]) -> None:
        self._weights = weights
        self._rows = rows

    def pick(self, input_ids: Any, scores: Any) -> Any:  # noqa: ARG002
        """Turn logits, shape (rows, vocabulary), into ones that have their peak at the chosen tokens."""
        import torch

        picked = torch.zeros_like(scores)
        for number, (row, logits) in enumerate(zip(self._rows, as_numbers(scores), strict=True)):
            if row.finish is not None:
                continue
            choice = choice_of(row)
            token = int(pick(row, logits, choice))
            picked[number, token] = 1
            if choice is not None and row.constraint is not None:
                row.constraint.weigh(float(mass_of(logits, choice)))
            take(self._weights, row, token)
            if row.heard is not None:
                row.heard(row)
        return picked

    def done(self, input_ids: Any, scores: Any, **_: Any) -> Any:  # noqa: ARG002
        """Return which rows need no more tokens, shape (rows,)."""
        import torch

        return torch.tensor([row.over for row in self._rows], device=input_ids.device)


def write_padded(weights: Weights, rows: Sequence[ReplyRow]) -> None:
    """Write all rows together and fill `tokens` and `finish` of each. All rows must have the same adapter."""
    import torch
    from transformers import GenerationConfig, LogitsProcessorList, StoppingCriteriaList

    width = max(len(row.prompt) for row in rows)
    ids = torch.full((len(rows), width), weights.pad)
    mask = torch.zeros_like(ids)
    for number, row in enumerate(rows):
        ids[number, width - len(row.prompt) :] = torch.tensor(row.prompt)
        mask[number, width - len(row.prompt) :] = 1
    sampler = _Sampler(weights, rows)
    longest = max(row.max_tokens for row in rows)
    adapter = rows[0].adapter
    adapted = nullcontext() if adapter is None else adapter.applied(weights.network)
    with torch.inference_mode(), adapted, _steered(weights.network, rows, width):
        weights.network.generate(
            input_ids=ids.to(weights.device),
            attention_mask=mask.to(weights.device),
            generation_config=GenerationConfig(
                do_sample=False, max_new_tokens=longest, eos_token_id=weights.eos, pad_token_id=weights.pad
            ),
            logits_processor=LogitsProcessorList([sampler.pick]),
            stopping_criteria=StoppingCriteriaList([sampler.done]),
        )


@contextmanager
def _steered(network: Any, rows: Sequence[ReplyRow], width: int) -> Iterator[None]:
    """Activate all controls of the rows inside the block. Prompts end at column `width`."""
    columns = [row.columns(width - len(row.prompt)) for row in rows]
    with ExitStack() as stack:
        for control in controls_of(rows):
            coefficients = [row.coefficient if row.control is control else 0.0 for row in rows]
            stack.enter_context(control.applied(network, coefficients, columns))
        yield


def controls_of(rows: Sequence[ReplyRow]) -> list[LocalControl]:
    """Return the controls that steer any of the rows, each once."""
    controls = {id(row.control): row.control for row in rows if row.coefficient}
    return [control for control in controls.values() if control is not None]
