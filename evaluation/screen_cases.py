"""The planted sentences that the screen is measured on, and the figures on them."""

from collections.abc import Iterable
from importlib import resources
from typing import Literal, get_args

from pydantic import ConfigDict

from cocoon.core.jsonl import parse_record, read_lines
from cocoon.core.records import Language, Record
from cocoon.evaluation.script_screen import gives_advice, leftover_question, may_advise, means, tells

Half = Literal["tune", "held"]
Way = Literal["lexical", "semantic", "both"]
WAYS: tuple[Way, ...] = get_args(Way)


class ScreenCase(Record):
    """One planted sentence; see evaluation/screen_cases/README.md."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["leak", "early_need", "advice", "question"]
    text: str
    part: str | None
    label: bool
    half: Half
    batch: Literal[1, 2] = 1


class Found(Record):
    """Counts of one kind and way: found and planted, found and not, planted and missed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float | None:
        """Share of what was found that was planted; none when nothing was found."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else None

    @property
    def recall(self) -> float | None:
        """Share of what was planted that was found; none when nothing was planted."""
        return self.right / (self.right + self.missed) if self.right + self.missed else None


def screen_cases(language: Language) -> list[ScreenCase]:
    """The planted sentences of a language."""
    with resources.as_file(resources.files("cocoon.evaluation").joinpath("screen_cases", f"{language}.jsonl")) as file:
        return [parse_record(value, ScreenCase, f"{file}, line {number}") for number, value in read_lines(file)]


def is_found(case: ScreenCase, language: Language, way: Way) -> bool:
    """Whether the screen finds a planted sentence in that way; questions have a lexical test alone."""
    if case.part is not None:
        lexical = way != "semantic" and tells(case.text, case.part, "", language, semantic=False) is not None
        return lexical or (way != "lexical" and means(case.text, case.part, language))
    if case.kind == "question":
        return way != "semantic" and leftover_question(case.text, language, "closed") is not None
    certain = way != "semantic" and gives_advice(case.text, language) is not None
    return certain or (way != "lexical" and may_advise(case.text, language) is not None)


def measure(cases: Iterable[ScreenCase], language: Language, way: Way) -> Found:
    """Counts over some cases."""
    results = [(is_found(case, language, way), case.label) for case in cases]
    return Found(
        right=sum(found and label for found, label in results),
        wrong=sum(found and not label for found, label in results),
        missed=sum(not found and label for found, label in results),
    )
