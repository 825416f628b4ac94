"""Measure how far the detector of questions can be trusted, from labelled replies, and correct ratios by it.

The detector goes by the form of a sentence. A reader says whether it really asks something ("What's what?" does not).
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
from cocoon.steering.directions.direction import At, DirectionCard
from cocoon.steering.pairs.pairs import SHIPPED

# Too few labels say little: below this number no correction is made.
LEAST = 20
_FILES = {f"{SHIPPED}:en": "labels.en.jsonl", f"{SHIPPED}:en:sentences": "sentences.en.jsonl"}


class Label(Record):
    """A steered reply, or one sentence of it. `genuine`: whether it asks the user for an answer, by the reader.

    `detected`: whether it asks by its form. The others have a question mark but do not ask by their form. The reader
    did not see the `coefficient`.
    """

    text: str = Field(min_length=1)
    language: Language
    detected: bool
    genuine: bool
    coefficient: float | None = None
    model: str = ""
    reader: str = ""


class Trust(Record):
    """Counts of labels. `detected` counts those that ask by their form, `pasted` the others with a question mark.

    `detected_genuine` and `pasted_genuine` count those of each that ask according to the reader.
    """

    detected: int
    detected_genuine: int
    pasted: int
    pasted_genuine: int

    @property
    def precision(self) -> float:
        """Share of the detected texts that really ask, 0 to 1."""
        return self.detected_genuine / self.detected

    @property
    def missed(self) -> float:
        """Share of the texts that have a mark, are not detected, and still ask. 0 to 1, and 0 if there are none."""
        return self.pasted_genuine / self.pasted if self.pasted else 0.0

    def ratio(self, asks: float, only_marked: float) -> float:
        """Return the ratio that the reader would count, from the shares of replies that ask or are only marked."""
        return self.precision * asks + self.missed * only_marked

    def draws(self, count: int, drawn: np.random.Generator) -> NDArray[np.float64]:
        """Draw `count` pairs of (precision, missed) from their posterior (Jeffreys prior), shape (count, 2)."""
        parts = ((self.detected_genuine, self.detected), (self.pasted_genuine, self.pasted))
        return np.stack([drawn.beta(yes + 0.5, n - yes + 0.5, count) for yes, n in parts], axis=1)

    def interval(self) -> tuple[float, float]:
        """Return the 95 % interval of the precision (Jeffreys prior)."""
        low, high = np.percentile(self.draws(20_000, np.random.default_rng(0))[:, 0], [2.5, 97.5])
        return float(low), float(high)


def read_labels(name: str) -> list[Label]:
    """Read labels from a JSONL file, or shipped ones: `shipped:en` (replies), `shipped:en:sentences`.

    Raises CocoonError if a line is not a label. Only labels of whole replies can correct a ratio of replies.
    """
    path = Path(name).expanduser()
    if name.partition(":")[0] == SHIPPED:
        if name not in _FILES:
            raise CocoonError(f"labels {name!r}: shipped labels are {', '.join(_FILES)}; label replies of your own")
        path = Path(str(files("cocoon.steering") / "shipped" / _FILES[name]))
    if not path.is_file():
        raise CocoonError(f"labels {name!r} are not there; give a JSONL file, or shipped:en")
    return [parse_record(line, Label, f"{path}: line {number}") for number, line in read_lines(path)]


def labels_of(card: DirectionCard, at: At | None) -> str | None:
    """Return the name of the shipped labels for a direction, or None where there are none.

    They belong to a model, a language, and a direction of kind `instruction` that is added where sentences begin.
    """
    if card.kind != "instruction" or at != "starts":
        return None
    names = [name for name in _FILES if name.count(":") == 1]
    return next((name for name in names if {label.model for label in read_labels(name)} == {card.model}), None)


def trust(labels: Iterable[Label]) -> Trust:
    """Count labels, and raise CocoonError if too few of them are of texts that the detector found."""
    all_labels = list(labels)
    detected = [label.genuine for label in all_labels if label.detected]
    pasted = [label.genuine for label in all_labels if not label.detected]
    if len(detected) < LEAST:
        raise CocoonError(
            f"labels: {len(detected)} are of texts that ask by their form, but at least {LEAST} are needed; label more"
        )
    return Trust(detected=len(detected), detected_genuine=sum(detected), pasted=len(pasted), pasted_genuine=sum(pasted))
