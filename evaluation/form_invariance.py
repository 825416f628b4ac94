"""Form invariance of an appraiser: whether a question moves trust as the statement of the same content does.

A simulated user that takes every question for pressure would decide a study of questions beforehand. The pairs are
our own (`form_pairs/`). A change of trust is in points.
"""

from collections.abc import Sequence
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import Literal, get_args

from pydantic import ConfigDict, Field

from cocoon.core.jsonl import read_records
from cocoon.core.records import Language, Record, Turn
from cocoon.evaluation.statistics import Estimate, mean_over_profiles

FormKind = Literal["reflection", "near", "accurate", "wrong", "pressing", "comfort"]
FORM_KINDS: tuple[FormKind, ...] = get_args(FormKind)


class FormPair(Record):
    """One content in two forms, as the supporter's next turn after `said`; `kind` is what the words do.

    `profile` is the id of a shipped profile, whose chain and memories the content is about.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1)
    profile: str
    kind: FormKind
    said: list[Turn] = Field(min_length=1)
    question: str = Field(min_length=1)
    statement: str = Field(min_length=1)


class PairChange(Record):
    """What the two forms of a pair did to trust, in points; none where the appraisal is missing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pair: str
    kind: FormKind
    question: float | None
    statement: float | None

    @property
    def difference(self) -> float | None:
        """Question minus statement; none when either is missing."""
        if self.question is None or self.statement is None:
            return None
        return self.question - self.statement


class FormInvariance(Record):
    """How far an appraiser under some trust rules took the form of a sentence for more than form.

    `mean_difference` is question minus statement, in points of trust, over the n pairs with both appraisals, none
    without any; `interval` is its 95% bootstrap interval over pairs, none for one pair or where all pairs differ
    alike. `share_equal`: pairs without a difference / n. `missing` counts pairs that lack an appraisal. `constant`: all
    appraisals of several pairs gave the same change of trust, so that the appraiser is invariant to content too.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    rules: str
    languages: list[Language]
    n: int = Field(ge=0)
    missing: int = Field(ge=0)
    mean_difference: float | None
    interval: tuple[float, float] | None
    share_equal: float | None = Field(ge=0, le=1)
    constant: bool = False
    by_kind: dict[FormKind, Estimate]

    def one_line(self) -> str:
        """The measurement as a report prints it."""
        head = f"{self.model}, {self.rules} rules, {'+'.join(self.languages)}"
        lost = f", {self.missing} missing" if self.missing else ""
        if self.mean_difference is None or self.share_equal is None:
            return f"{head}: not known (no pair could be appraised in both forms{lost})"
        exactly = "exactly " if self.share_equal == 1 else ""
        found = f"{exactly}{_signed(self.mean_difference)} points of trust{_interval(self.interval)}"
        equal = f"equal in {round(self.share_equal * self.n)} of {self.n} pairs"
        nothing = ", but every appraisal gave the same change, which shows nothing" if self.constant else ""
        return f"{head}: question minus statement {found}; {equal}{lost}{nothing}"


def form_pairs(language: Language, limit: int | None = None) -> list[FormPair]:
    """The shipped pairs of a language, the first `limit` of them; the file mixes kinds and profiles evenly."""
    folder = Path(str(resources.files("cocoon.evaluation"))) / "form_pairs"
    return list(islice(read_records(folder / f"{language}.jsonl", FormPair), limit))


def form_invariance(
    model: str, rules: str, languages: Sequence[Language], changes: Sequence[PairChange]
) -> FormInvariance:
    """The measurement from what each pair did to trust."""
    whole = _estimate(changes)
    both = [change for change in changes if change.difference is not None]
    by_kind: dict[FormKind, Estimate] = {}
    for kind in FORM_KINDS:
        if some := [change for change in changes if change.kind == kind]:
            by_kind[kind] = _estimate(some)
    return FormInvariance(
        model=model,
        rules=rules,
        languages=list(languages),
        n=whole.n,
        missing=whole.missing,
        mean_difference=whole.value,
        interval=None if whole.low is None or whole.high is None else (whole.low, whole.high),
        share_equal=sum(change.difference == 0 for change in both) / len(both) if both else None,
        constant=len(both) > 1 and len({form for one in both for form in (one.question, one.statement)}) == 1,
        by_kind=by_kind,
    )


def _estimate(changes: Sequence[PairChange]) -> Estimate:
    # The pair is the unit here: another pair, not another person, is what could have been drawn.
    return mean_over_profiles({change.pair: [change.difference] for change in changes})


def _interval(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f" (95% interval {_signed(interval[0])} to {_signed(interval[1])})"


def _signed(points: float) -> str:
    """Two decimals with a sign; what rounds to zero is 0."""
    text = f"{points:+.2f}"
    return "0" if text in ("+0.00", "-0.00") else text
