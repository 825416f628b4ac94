"""How far the detector of questions can be trusted: sentences that a reader has labelled, and ratios corrected by them.

Steering sticks question marks on statements. The detector goes by the form of a sentence; a reader says what it asks.
"""

from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import parse_record, read_lines
from cocoon.core.records import Language, Record
from cocoon.steering.behaviour import asks_by_form
from cocoon.steering.pairs import SHIPPED

# A small count says little: below this many sentences of a kind no correction is made.
LEAST = 20


class Label(Record):
    """A sentence of a steered reply; `genuine`: by the reader it asks the user for an answer.

    Drawn from sentences that end in a question mark or ask by their form. `coefficient` was not shown to the reader.
    """

    text: str = Field(min_length=1)
    language: Language
    genuine: bool
    coefficient: float | None = None
    model: str = ""
    reader: str = ""


class Trust(Record):
    """Labels counted. `detected`: sentences that ask by their form; `pasted`: the other ones with a mark.

    `detected_genuine`, `pasted_genuine`: those of each that ask by the reader.
    """

    detected: int
    detected_genuine: int
    pasted: int
    pasted_genuine: int

    @property
    def precision(self) -> float:
        """Share of what is detected that asks, 0 to 1."""
        return self.detected_genuine / self.detected

    @property
    def missed(self) -> float:
        """Share of the marked sentences that are not detected and ask all the same, 0 to 1; 0 without such."""
        return self.pasted_genuine / self.pasted if self.pasted else 0.0

    def draws(self, count: int, drawn: np.random.Generator) -> NDArray[np.float64]:
        """`count` pairs of (precision, missed) that the labels leave possible (Jeffreys), shape (count, 2)."""
        parts = ((self.detected_genuine, self.detected), (self.pasted_genuine, self.pasted))
        return np.stack([drawn.beta(yes + 0.5, n - yes + 0.5, count) for yes, n in parts], axis=1)

    def interval(self) -> tuple[float, float]:
        """95 % interval of the precision (Jeffreys)."""
        low, high = np.percentile(self.draws(20_000, np.random.default_rng(0))[:, 0], [2.5, 97.5])
        return float(low), float(high)


def read_labels(name: str) -> list[Label]:
    """Labels of a JSONL file, or `shipped:en`; raises CocoonError for a line that is none."""
    kind, _, language = name.partition(":")
    if kind == SHIPPED and language != "en":
        raise CocoonError(f"labels {name!r}: shipped labels are shipped:en; label sentences of your own for others")
    path = Path(str(files("cocoon.steering") / "shipped" / "labels.en.jsonl")) if kind == SHIPPED else Path(name)
    if not path.expanduser().is_file():
        raise CocoonError(f"labels {name!r} are not there; give a JSONL file, or shipped:en")
    lines = read_lines(path.expanduser())
    return [parse_record(line, Label, f"{path}: line {number}") for number, line in lines]


def trust(labels: Iterable[Label]) -> Trust:
    """Labels counted against the detector; raises CocoonError for too few sentences that it detects."""
    seen = [(asks_by_form(one.text, one.language), one.genuine) for one in labels]
    detected = [genuine for found, genuine in seen if found]
    pasted = [genuine for found, genuine in seen if not found]
    if len(detected) < LEAST:
        raise CocoonError(f"labels: {len(detected)} sentences that ask by their form, at least {LEAST} are needed")
    return Trust(detected=len(detected), detected_genuine=sum(detected), pasted=len(pasted), pasted_genuine=sum(pasted))
