"""Batched generation in which every row has its own temperature, seed, length and constraint.

transformers' `generate` runs the network. `RowSampler` samples each row's token from that row's logits with that row's
own random numbers, so that a sample does not depend on the other rows of the batch (beyond float noise).
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal

from cocoon.models.local.constraint import Constraint
from cocoon.models.local.control import Adapter, LocalControl, RowColumns, Span
from cocoon.models.local.prefix import shared_prompts
from cocoon.models.local.weights import Weights

# A nucleus is first looked for among this many tokens, because sorting the full vocabulary took a quarter of the time.
_LIKELIEST = 512


@dataclass
class ReplyRow:
    """One reply while it is written. `prompt` and `tokens` are ids, and `finish` is None until the reply is complete.

    `generator` (torch, on the CPU) gives the row's random numbers, and None means greedy. `abandoned` says that nobody
    waits. `control` is applied by `coefficient`, and `earlier` are the replies in the prompt, as spans of its tokens.
    `heard` is called after each token, in the thread that writes.
    """

    prompt: list[int]
    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    generator: Any = None
    constraint: Constraint | None = None
    stop: Sequence[str] = ()
    tokens: list[int] = field(default_factory=list)
    finish: Literal["stop", "length"] | None = None
    abandoned: bool = False
    adapter: Adapter | None = None
    control: LocalControl | None = None
    coefficient: float = 0.0
    earlier: Sequence[Span] = ()
    heard: Callable[["ReplyRow"], None] | None = None

    @property
    def size(self) -> int:
        """Return the number of tokens that the row may reach."""
        return len(self.prompt) + self.max_tokens

    @property
    def left(self) -> int:
        """Return the number of tokens that may still be written."""
        return self.max_tokens - len(self.tokens)


class RowSampler:
    """A logits processor that picks each row's next token, and the stopping criterion that belongs to it."""

    def __init__(self, weights: Weights, rows: Sequence[ReplyRow]) -> None:
        self.weights = weights
        self.rows = rows

    def pick(self, input_ids: Any, scores: Any) -> Any:  # noqa: ARG002
        """Turn logits, shape (rows, vocabulary), into ones that have their peak at the chosen tokens."""
        import torch

        # float64 sums keep a sample independent of the batch, and some accelerators do not have them.
        logits = scores.float() if scores.device.type in ("cpu", "cuda") else scores.float().cpu()
        live = [number for number, row in enumerate(self.rows) if row.finish is None]
        samples = [self._sample_token(self.rows[number], logits[number]) for number in live]
        tokens, masses = (torch.stack(part).tolist() for part in zip(*samples, strict=True))
        picked = torch.zeros_like(scores)
        for number, token, mass in zip(live, tokens, masses, strict=True):
            picked[number, token] = 1
            self._take(self.rows[number], token, mass)
        return picked

    def done(self, input_ids: Any, scores: Any, **_: Any) -> Any:  # noqa: ARG002
        """Return which rows are finished, shape (rows,). All of them are when the program is ending."""
        import torch

        exiting = not threading.main_thread().is_alive()
        finished = [exiting or row.abandoned or row.finish is not None for row in self.rows]
        return torch.tensor(finished, device=input_ids.device)

    def _sample_token(self, row: ReplyRow, logits: Any) -> tuple[Any, Any]:
        """Return the next token and the mass of the legal ones (1 for a free row), both 0-dimensional tensors."""
        import torch

        mass = torch.ones((), device=logits.device)
        if row.constraint is not None:
            legal = row.constraint.legal()
            mask = torch.from_numpy(legal).to(logits.device)
            mass = torch.softmax(logits, -1)[mask].sum()
            narrow = row.constraint.narrow(legal, row.left)
            mask = mask if narrow is legal else torch.from_numpy(narrow).to(logits.device)
            logits = logits.masked_fill(~mask, float("-inf"))
        if row.generator is None:
            return logits.argmax(), mass
        return sample(logits / row.temperature, row.top_p, row.generator), mass

    def _take(self, row: ReplyRow, token: int, mass: float) -> None:
        row.tokens.append(token)
        self._finish(row, token, mass)
        if row.heard is not None:
            row.heard(row)

    def _finish(self, row: ReplyRow, token: int, mass: float) -> None:
        if token in self.weights.eos:
            row.finish = "stop"
            return
        if row.constraint is not None:
            row.constraint.accept(token, mass)
        if (row.constraint is not None and row.constraint.finished) or self._says_stop(row):
            row.finish = "stop"
        elif row.left <= 0:
            row.finish = "length"

    def _says_stop(self, row: ReplyRow) -> bool:
        return bool(row.stop) and any(word in text_of(self.weights, row) for word in row.stop)


def sample(logits: Any, top_p: float, generator: Any) -> Any:
    """Sample one token from `logits`, shape (vocabulary,), with one random number, out of the `top_p` nucleus."""
    import torch

    probabilities = torch.softmax(logits, -1).double()
    order = None
    if top_p < 1:
        probabilities, order = _descending(probabilities, top_p)
        probabilities = probabilities * (probabilities.cumsum(-1) - probabilities < top_p)
    cumulative = probabilities.cumsum(-1)
    point = torch.rand((), generator=generator, dtype=torch.float64).to(logits.device) * cumulative[-1]
    index = torch.searchsorted(cumulative, point, right=True).clamp(max=len(cumulative) - 1)
    return index if order is None else order[index]


def _descending(probabilities: Any, top_p: float) -> tuple[Any, Any]:
    """Return the likeliest tokens in order, with their ids.

    They are enough for a nucleus, or all tokens where a few hundred are not enough.
    """
    import torch

    if len(probabilities) > 4 * _LIKELIEST:
        least = probabilities.topk(_LIKELIEST).values[-1]
        # All tokens that tie with the last one are included, so that the order equals that of a full sort.
        chosen = torch.nonzero(probabilities >= least)[:, 0]
        if probabilities[chosen].sum() >= top_p:
            likeliest, order = probabilities[chosen].sort(descending=True, stable=True)
            return likeliest, chosen[order]
    return probabilities.sort(descending=True, stable=True)


def text_of(weights: Weights, row: ReplyRow) -> str:
    """Return the text of a row, without control tokens and without half a character where it was cut off."""
    if row.constraint is not None:
        return row.constraint.text
    tokens = row.tokens[:-1] if row.tokens and row.tokens[-1] in weights.eos else row.tokens
    text = weights.tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return text.rstrip("\ufffd")


def generate_replies(weights: Weights, rows: Sequence[ReplyRow]) -> None:
    """Write all rows together and fill `tokens` and `finish` of each. All rows must have the same adapter."""
    import torch
    from transformers import GenerationConfig, LogitsProcessorList, StoppingCriteriaList

    width = max(len(row.prompt) for row in rows)
    ids = torch.full((len(rows), width), weights.pad)
    mask = torch.zeros_like(ids)
    for number, row in enumerate(rows):
        ids[number, width - len(row.prompt) :] = torch.tensor(row.prompt)
        mask[number, width - len(row.prompt) :] = 1
    sampler = RowSampler(weights, rows)
    longest = max(row.max_tokens for row in rows)
    ids, mask = ids.to(weights.device), mask.to(weights.device)
    with torch.inference_mode(), _adapted(weights.network, rows):
        cache = _shared(weights.network, rows, ids, mask)
        with _steered(weights.network, rows, width):
            weights.network.generate(
                input_ids=ids,
                attention_mask=mask,
                generation_config=GenerationConfig(
                    do_sample=False, max_new_tokens=longest, eos_token_id=weights.eos, pad_token_id=weights.pad
                ),
                logits_processor=LogitsProcessorList([sampler.pick]),
                stopping_criteria=StoppingCriteriaList([sampler.done]),
                **({} if cache is None else {"past_key_values": cache}),
            )


def _adapted(network: Any, rows: Sequence[ReplyRow]) -> AbstractContextManager[None]:
    """Return a context in which the adapter of the rows is active."""
    adapter = rows[0].adapter
    return nullcontext() if adapter is None else adapter.applied(network)


@contextmanager
def _steered(network: Any, rows: Sequence[ReplyRow], width: int) -> Iterator[None]:
    """Activate all controls of the rows inside the block. Prompts end at column `width`."""
    prompt_places = [_prompt_place(row, width) for row in rows]
    with ExitStack() as stack:
        for control in _controls(rows):
            coefficients = [row.coefficient if row.control is control else 0.0 for row in rows]
            stack.enter_context(control.applied(network, coefficients, prompt_places))
        yield


def _controls(rows: Sequence[ReplyRow]) -> list[LocalControl]:
    controls = {id(row.control): row.control for row in rows if row.coefficient}
    return [control for control in controls.values() if control is not None]


def _shared(network: Any, rows: Sequence[ReplyRow], ids: Any, mask: Any) -> Any:
    """Return a cache of the prompts, each read once, or None where a control changes what is read."""
    if any(control.changes_prompt for control in _controls(rows)):
        return None
    return shared_prompts(network, ids, mask, [row.prompt for row in rows])


def _prompt_place(row: ReplyRow, width: int) -> RowColumns:
    begin = width - len(row.prompt)
    return RowColumns(begin, width, tuple((begin + first, begin + end) for first, end in row.earlier))
