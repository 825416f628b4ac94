"""Write rows step by step: each step reads what every row has not read yet, in one pass, and takes its next tokens.

Rows join between steps. A new row takes over the keys and values of the longest beginning that it shares with another,
kept or still being written. Tokens of which a schema leaves no choice are taken at once and read together. Where few
rows are written, what followed the same words before is guessed and read along, which saves passes and changes nothing.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cocoon.models.local.control import LocalControl
from cocoon.models.local.decoding.kept import KeptCaches
from cocoon.models.local.decoding.padded import PaddedWriter, controls_of
from cocoon.models.local.decoding.rows import RowCache, read_pass
from cocoon.models.local.sampling import ReplyRow, TokenChoice, as_numbers, choice_of, draw, mass_of, pick, take
from cocoon.models.local.template import common_length
from cocoon.models.local.weights import Weights

# Waiting for another row to be read costs a step, which is worth it for this many shared tokens.
_WORTH_WAITING = 32
# A pass over this many tokens takes no longer than over one, since reading the weights takes most of it.
_FREE_TOKENS = 16


class Writer(Protocol):
    """Writes rows in steps."""

    def admits(self, row: ReplyRow) -> bool:
        """Return whether the row may join those that are being written."""
        ...

    def add(self, row: ReplyRow) -> None:
        """Begin to write a row with the next step."""
        ...

    def step(self) -> list[ReplyRow]:
        """Write at least one more token of a row, and return the rows that need no more."""
        ...

    def clear(self) -> None:
        """Forget all rows, after a step that failed."""
        ...


@dataclass(eq=False)
class _Slot:
    """A row that is being written.

    `cache` is None until the row is read for the first time. `choice` is what the next token is chosen from, and
    `unweighed` are the choices of forced tokens whose probability is not known yet, and `guess` tokens that may follow.
    """

    row: ReplyRow
    cache: RowCache | None = None
    choice: TokenChoice | None = None
    unweighed: list[TokenChoice] = field(default_factory=list)
    guess: list[int] = field(default_factory=list)

    @property
    def done(self) -> bool:
        """Return whether nothing is left to be read or written."""
        row = self.row
        return row.over and (row.finish is None or row.constraint is None or row.constraint.weighed)

    @property
    def known(self) -> list[int]:
        """Return the tokens whose successors matter: all, or all but the last one where nothing follows."""
        return [*self.row.prompt, *(self.row.tokens if self.row.finish is None else self.row.tokens[:-1])]

    @property
    def read(self) -> list[int]:
        """Return the tokens that are read by the end of the next pass."""
        return [*self.known, *self.guess]

    @property
    def outputs(self) -> int:
        """Return how many of the last of these tokens have successors that are still to be weighed or chosen."""
        return len(self.unweighed) + (self.row.finish is None) + len(self.guess)

    def forget_guess(self) -> None:
        """Take what turned out otherwise out of the cache, and what the next outputs need."""
        self.guess = []
        if self.cache is not None:
            known = self.known
            del self.cache.ids[min(common_length(self.cache.ids, known), len(known) - self.outputs) :]


class RowWriter:
    """Writes up to `batch_size` rows of one adapter at a time.

    They and the kept caches of finished rows take up at most `budget` tokens together.
    """

    def __init__(self, weights: Weights, batch_size: int, budget: int) -> None:
        self._weights = weights
        self._batch_size = batch_size
        self._budget = budget
        self._slots: list[_Slot] = []
        self._adapted = ExitStack()
        self.stored = KeptCaches()

    def admits(self, row: ReplyRow) -> bool:
        """Return whether there is room for the row beside those that are being written, under the same adapter."""
        if not self._slots:
            return True
        size = row.size + sum(slot.row.size for slot in self._slots)
        fits = len(self._slots) < self._batch_size and size <= self._budget
        return fits and row.adapter is self._slots[0].row.adapter

    def add(self, row: ReplyRow) -> None:
        """Begin to write a row with the next step."""
        slot = _Slot(row)
        if not self._slots and row.adapter is not None:
            self._adapted.enter_context(row.adapter.applied(self._weights.network))
        self._slots.append(slot)
        self._run_on(slot)

    def step(self) -> list[ReplyRow]:
        """Read what is new of every row, take the next tokens, and return the rows that need no more."""
        import torch

        with torch.inference_mode():
            self._start()
            self._make_room()
            reading = [slot for slot in self._slots if slot.cache is not None and not slot.done]
            if reading:
                logits = self._read(reading)
                for slot, own in zip(reading, logits.split([slot.outputs for slot in reading]), strict=True):
                    self._continue(slot, own)
        return self._finish()

    def clear(self) -> None:
        """Forget all rows and caches."""
        self._slots = []
        self.stored.clear()
        self._adapted.close()

    def _start(self) -> None:
        """Give each new row the longest beginning that is read already.

        A row that shares much more with one that is read in this step waits for it.
        """
        caches = [slot.cache for slot in self._slots if slot.cache is not None]
        fresh: list[list[int]] = []
        for slot in [slot for slot in self._slots if slot.cache is None]:
            clean = _clean_length(slot.row)
            # The last token of the prompt is always read, because the reply begins with what follows it.
            ids = slot.row.prompt[:-1][:clean]
            source, length = self.stored.longest(slot.row.adapter, ids, caches)
            if max((common_length(other, ids) for other in fresh), default=0) >= length + _WORTH_WAITING:
                continue
            slot.cache = RowCache() if source is None else source.prefix(length)
            slot.cache.adapter, slot.cache.clean = slot.row.adapter, clean
            fresh.append(ids)

    def _make_room(self) -> None:
        """Drop kept caches where the rows that are being written need their memory."""
        caches = [(slot.cache, slot) for slot in self._slots if slot.cache is not None]
        self.stored.trim(self._budget - sum(max(cache.capacity, len(slot.known)) for cache, slot in caches))

    def _read(self, slots: Sequence[_Slot]) -> Any:
        """Read what is new of the rows, and return the logits that each of them needs, row after row."""
        network = self._weights.network
        for slot in [slot for slot in slots if slot.row.finish is None]:
            slot.guess = guess_next(slot.known, min(_FREE_TOKENS // len(slots), slot.row.left) - 1)
        reads = [(slot.cache, slot.read[len(slot.cache.ids) :]) for slot in slots if slot.cache is not None]
        with ExitStack() as steered:
            for control in controls_of([slot.row for slot in slots]):
                doses = np.concatenate([_doses(slot, control) for slot in slots])
                steered.enter_context(control.applied_to_tokens(network, doses))
            return as_numbers(read_pass(network, reads, [slot.outputs for slot in slots]))

    def _continue(self, slot: _Slot, logits: Any) -> None:
        """Take the row's next tokens from logits of shape (outputs, vocabulary), as far as the guess was right.

        Each token is sampled as it would be without the guess, so that the reply does not depend on it.
        """
        row, guess = slot.row, slot.guess
        logits = self._weigh(slot, logits)
        while row.finish is None and len(logits):
            written = len(row.tokens)
            token = int(pick(row, logits[0], slot.choice))
            if slot.choice is not None and row.constraint is not None:
                row.constraint.weigh(float(mass_of(logits[0], slot.choice)))
            take(self._weights, row, token)
            self._run_on(slot)
            new = row.tokens[written:]
            if row.finish is not None or guess[: len(new)] != new:
                break
            guess, logits = guess[len(new) :], self._weigh(slot, logits[1:])
        slot.forget_guess()

    def _weigh(self, slot: _Slot, logits: Any) -> Any:
        """Weigh the row's forced tokens by the first logits, and return the other logits."""
        for own, choice in zip(logits, slot.unweighed, strict=False):
            assert slot.row.constraint is not None
            slot.row.constraint.weigh(float(mass_of(own, choice)))
        rest, slot.unweighed = logits[len(slot.unweighed) :], []
        return rest

    def _run_on(self, slot: _Slot) -> None:
        """Take the tokens of which there is no choice, up to one of which there is."""
        row, slot.choice = slot.row, None
        while row.finish is None:
            choice = choice_of(row)
            forced = None if choice is None else choice.forced
            if choice is None or forced is None:
                slot.choice = choice
                break
            slot.unweighed.append(choice)
            if row.generator is not None:
                draw(row.generator)
            take(self._weights, row, forced)
        if row.heard is not None and row.tokens:
            row.heard(row)

    def _finish(self) -> list[ReplyRow]:
        """Remove the rows that need no more, keep their caches as far as there is room, and return them."""
        done = [slot for slot in self._slots if slot.done]
        self._slots = [slot for slot in self._slots if not slot.done]
        for slot in done:
            if slot.cache is not None:
                self.stored.add(slot.cache)
        self._make_room()
        if not self._slots:
            self._adapted.close()
        return [slot.row for slot in done]


def _clean_length(row: ReplyRow) -> int | None:
    """Return how many tokens of the prompt are read as without a control. None means that the row has no control."""
    if row.control is None or not row.coefficient:
        return None
    steered = row.control.steers(row.prompt, row.columns())
    return int(steered.argmax()) if steered.any() else len(row.prompt)


def _doses(slot: _Slot, control: LocalControl) -> NDArray[np.float32]:
    """Return the coefficient of `control` for each token that the row is about to read."""
    row, read = slot.row, slot.read
    start = 0 if slot.cache is None else len(slot.cache.ids)
    if row.control is not control or not row.coefficient:
        return np.zeros(len(read) - start, np.float32)
    return control.steers(read, row.columns())[start:] * np.float32(row.coefficient)


def guess_next(ids: Sequence[int], count: int) -> list[int]:
    """Return up to `count` tokens that followed the last two of `ids` where they stood together before."""
    if count < 1:
        return []
    starts = (start for start in range(len(ids) - 3, -1, -1) if ids[start] == ids[-2] and ids[start + 1] == ids[-1])
    start = next(starts, len(ids))
    return list(ids[start + 2 : start + 2 + count])


def writer_for(weights: Weights, batch_size: int, budget: int) -> Writer:
    """Return what writes rows of this model, at most `batch_size` and `budget` tokens at a time."""
    kind = RowWriter if weights.reads_rows else PaddedWriter
    return kind(weights, batch_size, budget)


def generate_replies(weights: Weights, rows: Sequence[ReplyRow]) -> None:
    """Write all rows together and fill `tokens` and `finish` of each. All rows must have the same adapter."""
    writer = writer_for(weights, len(rows), sum(row.size for row in rows))
    for row in rows:
        writer.add(row)
    unfinished = len(rows)
    while unfinished:
        unfinished -= len(writer.step())
