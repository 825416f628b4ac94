"""How far the detector of questions can be trusted: replies that a reader has labelled, and ratios corrected by them.

The detector goes by the form of a sentence; a reader says whether it asks anything ("What's what?" does not).
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
from cocoon.steering.pairs import SHIPPED

# A small count says little: with fewer labels no correction is made.
LEAST = 20
_FILES = {f"{SHIPPED}:en": "labels.en.jsonl", f"{SHIPPED}:en:sentences": "sentences.en.jsonl"}


class Label(Record):
    """A steered reply, or a sentence of one; `genuine`: by the reader it asks the user for an answer.

    `detected`: it asks by its form. The others have a question mark and ask nothing by their form. The reader was not
    shown the `coefficient`.
    """

    text: str = Field(min_length=1)
    language: Language
    detected: bool
    genuine: bool
    coefficient: float | None = None
    model: str = ""
    reader: str = ""


class Trust(Record):
    """Labels counted. `detected`: those that ask by their form; `pasted`: the other ones with a mark.

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
        """Share of what has a mark, is not detected, and asks all the same, 0 to 1; 0 without such."""
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
    """Labels of a JSONL file, or shipped ones: `shipped:en` (replies), `shipped:en:sentences`.

    Raises CocoonError for a line that is none. Only labels of whole replies correct a ratio of replies.
    """
    path = Path(name).expanduser()
    if name.partition(":")[0] == SHIPPED:
        if name not in _FILES:
            raise CocoonError(f"labels {name!r}: shipped labels are {', '.join(_FILES)}; label replies of your own")
        path = Path(str(files("cocoon.steering") / "shipped" / _FILES[name]))
    if not path.is_file():
        raise CocoonError(f"labels {name!r} are not there; give a JSONL file, or shipped:en")
    return [parse_record(line, Label, f"{path}: line {number}") for number, line in read_lines(path)]


def trust(labels: Iterable[Label]) -> Trust:
    """Labels counted; raises CocoonError where too few of them are of what the detector found."""
    kept = list(labels)
    detected = [one.genuine for one in kept if one.detected]
    pasted = [one.genuine for one in kept if not one.detected]
    if len(detected) < LEAST:
        raise CocoonError(f"labels: {len(detected)} of what asks by its form, at least {LEAST} are needed")
    return Trust(detected=len(detected), detected_genuine=sum(detected), pasted=len(pasted), pasted_genuine=sum(pasted))
