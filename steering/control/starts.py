"""Find where sentences of a reply begin, token by token, because there a reply turns to asking.

A sentence begins after one that states. After a question nothing is marked, so that a reply that has already asked is
not pushed to ask again.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cocoon.core.records import Record

_ENDS = (".", "!", "。", "！", "…")
_QUESTION = ("?", "？")
_CLOSING = "\"'”’)）」』]*_ \t\r\n"
_OTHER, _END, _BETWEEN = 0, 1, 2


class SentenceMarks(Record):
    """Token ids of a vocabulary, ascending.

    `ends` end a sentence other than a question. `between` are only blanks and closing marks, which may stand between
    such an end and the next sentence.
    """

    ends: list[int]
    between: list[int]


def sentence_marks(tokenizer: Any) -> SentenceMarks:
    """Return the sentence marks of a vocabulary.

    Quotation marks, brackets and blanks after the mark may belong to the same token. A mark that the vocabulary spells
    in several bytes (`！` in SmolLM2's) is not recognised.
    """
    special = set(tokenizer.all_special_ids)
    ids = [number for number in range(len(tokenizer)) if number not in special]
    texts: list[str] = tokenizer.batch_decode([[number] for number in ids], clean_up_tokenization_spaces=False)
    kinds = [_kind(text) for text in texts]
    ends, between = (
        [number for number, kind in zip(ids, kinds, strict=True) if kind == mark_kind] for mark_kind in (_END, _BETWEEN)
    )
    return SentenceMarks(ends=ends, between=between)


def _kind(text: str) -> int:
    stripped = text.rstrip(_CLOSING)
    if text and not stripped:
        return _BETWEEN
    return _END if stripped.endswith(_ENDS) and not any(mark in text for mark in _QUESTION) else _OTHER


@dataclass
class SentenceStarts:
    """Follow the rows of a batch from pass to pass, and mark the tokens that decide how a sentence begins.

    Those are the token before it (the one before the reply, or one that ends a statement), the tokens between the two,
    and the sentence's first token. Rows that change places from pass to pass, as beams do, are not told apart.
    """

    marks: SentenceMarks
    _kinds: NDArray[np.int8] = field(init=False)
    _open: NDArray[np.bool_] = field(init=False)
    _next: int = 0

    def __post_init__(self) -> None:
        known = [*self.marks.ends, *self.marks.between]
        self._kinds = np.zeros(max(known, default=0) + 1, np.int8)
        self._kinds[self.marks.ends] = _END
        self._kinds[self.marks.between] = _BETWEEN
        self._open = np.zeros(0, np.bool_)

    def of(self, ids: NDArray[np.int_], first: int, opening: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which of `ids`, shape (rows, columns), are marked. `first` is the column of `ids[:, 0]` in the batch.

        `opening`, same shape, is true at the tokens before a reply, whatever they are.
        """
        kinds = self._kinds[np.where(ids < len(self._kinds), ids, 0)] * (ids < len(self._kinds))
        begins = opening | (kinds == _END)
        goes_on = first == self._next and len(self._open) == len(ids)
        is_open = self._open if goes_on else np.zeros(len(ids), np.bool_)
        # A column is open if the last one up to it that does more than stand between sentences begins one.
        columns = np.arange(ids.shape[1])
        last = np.maximum.accumulate(np.where(begins | (kinds != _BETWEEN), columns, -1), axis=1)
        after = np.where(last < 0, is_open[:, None], np.take_along_axis(begins, last.clip(0), axis=1))
        marked = begins | np.concatenate([is_open[:, None], after[:, :-1]], axis=1)
        self._open, self._next = after[:, -1], first + ids.shape[1]
        return marked
