"""Form invariance of an appraiser: whether a question changes trust as much as the statement of the same content.

A simulated user that takes every question for pressure would decide a study of questions beforehand. The pairs are our
own (`form_pairs/`). A change of trust is in points.
"""

from collections.abc import Sequence
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import Literal, get_args

from pydantic import ConfigDict, Field

from cocoon.core.jsonl import read_records
from cocoon.core.records import Language, Record, Turn
from cocoon.evaluation.statistics.estimates import Estimate, mean_over_profiles

FormKind = Literal["reflection", "near", "accurate", "wrong", "pressing", "comfort", "open"]
FORM_KINDS: tuple[FormKind, ...] = get_args(FormKind)


class FormPair(Record):
    """One content in two forms, as the supporter's next turn after `said`. `kind` is what the words do.

    Kind `open` invites to tell, once as an open question and once as a request. `profile` is the id of a shipped
    profile, and the content is about its chain and memories.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1)
    profile: str
    kind: FormKind
    said: list[Turn] = Field(min_length=1)
    question: str = Field(min_length=1)
    statement: str = Field(min_length=1)


class PairChange(Record):
    """How the two forms of a pair changed trust, in points, or None where the appraisal is missing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pair: str
    kind: FormKind
    question: float | None
    statement: float | None

    @property
    def difference(self) -> float | None:
        """Return question minus statement, or None when either is missing."""
        if self.question is None or self.statement is None:
            return None
        return self.question - self.statement


class FormInvariance(Record):
    """How far an appraiser under some trust rules reacts to the form of a sentence, apart from its content.

    `mean_difference` is question minus statement, in points of trust, over the n pairs with both appraisals, and None
    without any. `interval` is its 95% bootstrap interval over pairs, and None for one pair or where all pairs have the
    same difference. `share_equal`: pairs without a difference / n. `missing` counts pairs that lack an appraisal.
    `constant`: all appraisals of several pairs gave the same change of trust, so that the appraiser is invariant to
    content too.
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
        """Return the measurement as a report prints it."""
        head = f"{self.model}, {self.rules} rules, {'+'.join(self.languages)}"
        lost = f", {self.missing} missing" if self.missing else ""
        if self.mean_difference is None or self.share_equal is None:
            return f"{head}: not known (no pair could be appraised in both forms{lost})"
        exactly = "exactly " if self.share_equal == 1 else ""
        change = f"{exactly}{_signed(self.mean_difference)} points of trust{_interval(self.interval)}"
        equal = f"equal in {round(self.share_equal * self.n)} of {self.n} pairs"
        constant = ", but every appraisal gave the same change, which shows nothing" if self.constant else ""
        return f"{head}: question minus statement {change}; {equal}{lost}{constant}"


def form_pairs(language: Language, limit: int | None = None) -> list[FormPair]:
    """Return the shipped pairs of a language, or the first `limit` of them.

    The file mixes kinds and profiles evenly.
    """
    folder = Path(str(resources.files("cocoon.evaluation.fidelity"))) / "form_pairs"
    return list(islice(read_records(folder / f"{language}.jsonl", FormPair), limit))


def form_invariance(
    model: str, rules: str, languages: Sequence[Language], changes: Sequence[PairChange]
) -> FormInvariance:
    """Compute the measurement from how each pair changed trust."""
    overall = _estimate(changes)
    complete = [change for change in changes if change.difference is not None]
    by_kind: dict[FormKind, Estimate] = {}
    for kind in FORM_KINDS:
        if of_kind := [change for change in changes if change.kind == kind]:
            by_kind[kind] = _estimate(of_kind)
    return FormInvariance(
        model=model,
        rules=rules,
        languages=list(languages),
        n=overall.n,
        missing=overall.missing,
        mean_difference=overall.value,
        interval=None if overall.low is None or overall.high is None else (overall.low, overall.high),
        share_equal=sum(change.difference == 0 for change in complete) / len(complete) if complete else None,
        constant=len(complete) > 1
        and len({form for change in complete for form in (change.question, change.statement)}) == 1,
        by_kind=by_kind,
    )


def _estimate(changes: Sequence[PairChange]) -> Estimate:
    # The pair is the unit here, because the sample is one of pairs and not of people.
    return mean_over_profiles({change.pair: [change.difference] for change in changes})


def _interval(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f" (95% interval {_signed(interval[0])} to {_signed(interval[1])})"


def _signed(points: float) -> str:
    """Return two decimals with a sign. What rounds to zero is 0."""
    text = f"{points:+.2f}"
    return "0" if text in ("+0.00", "-0.00") else text
