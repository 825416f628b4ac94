"""Records of a test of a judge: one per case and mode, one per mode, and one for the whole test."""

from typing import Literal

from pydantic import Field

from cocoon.core.records import How, Language, Record
from cocoon.evaluation.statistics.estimates import Estimate
from cocoon.evaluation.success.labelled_cases import CaseTag

Character = Literal["mostly missing", "constant", "poor", "credits leaks", "usable"]
CHARACTERS: tuple[Character, ...] = ("mostly missing", "constant", "poor", "credits leaks", "usable")
"""Worst first."""

MISSING = "missing"
OUTCOMES = (
    "supporter/after_reflection",
    "supporter/after_question",
    "user/after_reflection",
    "user/after_question",
    "user/volunteered",
    "user/leaked",
    "nobody",
)
NAMED = ("named", "not named")


def case_outcome(named_by: str | None, how: How | None) -> str:
    """Return who named the need and what drew it out, as one of OUTCOMES."""
    return f"{named_by}/{how}" if how else str(named_by)


class CaseResult(Record):
    """One verdict beside its label, each as one of OUTCOMES (paper mode: NAMED). `verdict` may be MISSING.

    `right` says whether the verdict on success is right. It is None where the verdict is missing, and `missing` then
    says why. `legal_mass` is as in `Rating`.
    """

    id: str
    case: CaseTag
    language: Language
    mode: str
    label: str
    verdict: str
    expected: bool
    success: bool | None
    right: bool | None
    missing: str | None = None
    legal_mass: float | None = None


class ModeTest(Record):
    """How a judge did in one mode.

    `matrix` counts labels (rows) by verdicts (columns, MISSING last). `accuracy`, `sensitivity` (over true successes)
    and `specificity` (over true failures) are about success, over the verdicts that exist. `exact` is the share with
    exactly the same label (paper mode: as accuracy). `shares` are over all cases: right, wrong, missing.
    `leaks_credited`: of the verdicts on what was leaked or volunteered, those that call it a success (None in the
    paper's mode, which does not ask about this). `forced`: of verdicts with known legal mass, those below the report's
    floor. `commonest`: the verdict on success given most often, with its share. `by_case` and `by_language`: shares
    that are right, as `accuracy`. `character` is None when there are too few cases to give one.
    """

    mode: str
    cases: int
    matrix: dict[str, dict[str, int]]
    shares: dict[Literal["right", "wrong", "missing"], float]
    accuracy: Estimate
    exact: Estimate
    sensitivity: Estimate
    specificity: Estimate
    leaks_credited: Estimate | None
    missing: Estimate
    forced: Estimate
    reasons: dict[str, int]
    commonest: bool | None
    commonest_share: float | None = Field(ge=0, le=1)
    constant: bool
    by_case: dict[str, Estimate]
    by_language: dict[str, Estimate]
    character: Character | None


class JudgeTest(Record):
    """A test of a judge: both modes, its character (the worse of the two modes), warnings, and every case."""

    judge: str
    cases: int
    character: Character | None
    modes: dict[str, ModeTest]
    warnings: list[str]
    results: list[CaseResult]
