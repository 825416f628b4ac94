"""Sample the tokens of a reply. Each row has its own temperature, random numbers, length and constraint."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cocoon.models.local.constraint import Constraint
from cocoon.models.local.control import Adapter, LocalControl, RowColumns, Span
from cocoon.models.local.weights import Weights

# A nucleus is first looked for among this many tokens, because sorting the full vocabulary took a quarter of the time.
_LIKELIEST = 512


@dataclass(eq=False)
class ReplyRow:
    """One reply while it is written. `prompt` and `tokens` are ids, and `finish` is None until the reply is complete.

    `generator` (torch, on the CPU) gives the row's random numbers, and None means greedy. `abandoned` says that nobody
    waits. `control` is applied by `coefficient`, and `earlier` are the replies in the prompt, as spans of its tokens.
    `heard` is called after new tokens, in the thread that writes.
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

    @property
    def over(self) -> bool:
        """Return whether no more tokens are needed: it is finished, nobody waits, or the program is ending."""
        return self.abandoned or self.finish is not None or not threading.main_thread().is_alive()

    def columns(self, begin: int = 0) -> RowColumns:
        """Return where prompt and earlier replies stand when the row begins at column `begin`."""
        earlier = tuple((begin + first, begin + end) for first, end in self.earlier)
        return RowColumns(begin, begin + len(self.prompt), earlier)


@dataclass(frozen=True)
class TokenChoice:
    """The tokens that a constrained row may take next, shape (vocabulary,): by its schema, and with the end in view."""

    legal: NDArray[np.bool_]
    narrow: NDArray[np.bool_]

    @property
    def forced(self) -> int | None:
        """Return the token, if there is only one."""
        return int(self.narrow.argmax()) if np.count_nonzero(self.narrow) == 1 else None


def choice_of(row: ReplyRow) -> TokenChoice | None:
    """Return what the row may choose from, or None for any token."""
    if row.constraint is None:
        return None
    legal = row.constraint.legal()
    return TokenChoice(legal, row.constraint.narrow(legal, row.left))


def as_numbers(logits: Any) -> Any:
    """Return logits in float32, on a device that can add float64.

    float64 sums keep a sample independent of the batch, and some accelerators do not have them.
    """
    return logits.float() if logits.device.type in ("cpu", "cuda") else logits.float().cpu()


def mass_of(logits: Any, choice: TokenChoice) -> Any:
    """Return the probability of the legal tokens before any is ruled out, a 0-dimensional tensor."""
    import torch

    return torch.softmax(logits, -1)[_on(logits, choice.legal)].sum()


def pick(row: ReplyRow, logits: Any, choice: TokenChoice | None) -> Any:
    """Return the row's next token, sampled from logits of shape (vocabulary,), as a 0-dimensional tensor."""
    if choice is not None:
        logits = logits.masked_fill(~_on(logits, choice.narrow), float("-inf"))
    if row.generator is None:
        return logits.argmax()
    return sample(logits / row.temperature, row.top_p, row.generator)


def _on(logits: Any, mask: NDArray[np.bool_]) -> Any:
    import torch

    return torch.from_numpy(mask).to(logits.device)


def draw(generator: Any) -> Any:
    """Return the random number of one token. A forced token takes one too, so that a seed's reply stays the same."""
    import torch

    return torch.rand((), generator=generator, dtype=torch.float64)


def sample(logits: Any, top_p: float, generator: Any) -> Any:
    """Sample one token from `logits`, shape (vocabulary,), with one random number, out of the `top_p` nucleus."""
    import torch

    probabilities = torch.softmax(logits, -1).double()
    order = None
    if top_p < 1:
        probabilities, order = _descending(probabilities, top_p)
        probabilities = probabilities * (probabilities.cumsum(-1) - probabilities < top_p)
    cumulative = probabilities.cumsum(-1)
    point = draw(generator).to(logits.device) * cumulative[-1]
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


def take(weights: Weights, row: ReplyRow, token: int) -> None:
    """Add a token to the row, and finish the row where it ends."""
    row.tokens.append(token)
    if token in weights.eos:
        row.finish = "stop"
        return
    if row.constraint is not None:
        row.constraint.accept(token)
    if (row.constraint is not None and row.constraint.finished) or _says_stop(weights, row):
        row.finish = "stop"
    elif row.left <= 0:
        row.finish = "length"


def _says_stop(weights: Weights, row: ReplyRow) -> bool:
    return bool(row.stop) and any(word in text_of(weights, row) for word in row.stop)


def text_of(weights: Weights, row: ReplyRow) -> str:
    """Return the text of a row, without control tokens and without half a character where it was cut off."""
    if row.constraint is not None:
        return row.constraint.text
    tokens = row.tokens[:-1] if row.tokens and row.tokens[-1] in weights.eos else row.tokens
    text = weights.tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return text.rstrip("\ufffd")
