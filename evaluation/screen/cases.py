"""The planted sentences on which the screen is measured, and the figures on them."""

from collections.abc import Iterable
from importlib import resources
from typing import Literal, get_args

from pydantic import ConfigDict

from cocoon.core.jsonl import parse_record, read_lines
from cocoon.core.records import Language, Record
from cocoon.evaluation.screen.screen import Manner, Rewrite, doubtful_manner, manner, means, tells

Half = Literal["tune", "held"]
Way = Literal["lexical", "semantic", "both"]
WAYS: tuple[Way, ...] = get_args(Way)


class ScreenCase(Record):
    """One planted sentence. The fields are explained in evaluation/screen/screen_cases/README.md."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["leak", "early_need", "advice", "question", "request"]
    text: str
    part: str | None
    label: bool
    half: Half
    batch: Literal[1, 2, 3, 4, 5] = 1
    open: bool = False

    def planted(self, rewrite: Rewrite) -> bool:
        """Return whether the screen should find it: an open invitation only where every question is to be rewritten."""
        return self.label and (rewrite == "all" or not self.open)


class ScreenCounts(Record):
    """Counts of one kind and way: found and planted, found and not planted, planted and missed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float | None:
        """Return the share of what was found that was planted, or None when nothing was found."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else None

    @property
    def recall(self) -> float | None:
        """Return the share of what was planted that was found, or None when nothing was planted."""
        return self.right / (self.right + self.missed) if self.right + self.missed else None


def screen_cases(language: Language) -> list[ScreenCase]:
    """Return the planted sentences of a language."""
    with resources.as_file(
        resources.files("cocoon.evaluation.screen").joinpath("screen_cases", f"{language}.jsonl")
    ) as file:
        return [parse_record(value, ScreenCase, f"{file}, line {number}") for number, value in read_lines(file)]


def is_found(case: ScreenCase, language: Language, way: Way, rewrite: Rewrite = "closed") -> bool:
    """Return whether the screen finds a planted sentence in that way, under that rule for questions."""
    if case.part is not None:
        lexical = way != "semantic" and tells(case.text, case.part, "", language, semantic=False) is not None
        return lexical or (way != "lexical" and means(case.text, case.part, language))
    kind: Manner = "advice" if case.kind == "advice" else "question"
    certain = way != "semantic" and manner(kind, case.text, language, rewrite) is not None
    return certain or (way != "lexical" and doubtful_manner(kind, case.text, language, rewrite) is not None)


def measure_screen(
    cases: Iterable[ScreenCase], language: Language, way: Way, rewrite: Rewrite = "closed"
) -> ScreenCounts:
    """Count what the screen finds over the cases."""
    results = [(is_found(case, language, way, rewrite), case.planted(rewrite)) for case in cases]
    return ScreenCounts(
        right=sum(detected and planted for detected, planted in results),
        wrong=sum(detected and not planted for detected, planted in results),
        missed=sum(not detected and planted for detected, planted in results),
    )
