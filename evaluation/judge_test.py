"""Judges under test: hand labels beside a judge's verdicts, and what they say of the judge.

A judge's character, by the first rule that holds (in both modes; the judge's is the worse one):

1. `mostly missing`: more than half of its verdicts are missing.
2. `constant`: at least 95% of its verdicts on success are one and the same, although the labels are not; also where
   each language has a verdict of its own.
3. `credits leaks`: it tells 80% of the successes and 80% of the cases in which nobody named the need, and credits more
   than a quarter of what was leaked or volunteered.
4. `usable`: it tells 80% of the successes and 80% of the failures; a missing verdict is not right.
5. `poor`: any other.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

from cocoon.core.records import Failure, Rating
from cocoon.evaluation.judge_test_records import (
    CHARACTERS,
    MISSING,
    NAMED,
    OUTCOMES,
    CaseResult,
    Character,
    JudgeTest,
    ModeTest,
    outcome,
)
from cocoon.evaluation.labelled_cases import JudgeCase
from cocoon.evaluation.statistics import Estimate, wilson
from cocoon.evaluation.success import ATTRIBUTED, PAPER
from cocoon.evaluation.table_trust import LEGAL_FLOOR

MODES = (PAPER, ATTRIBUTED)
FEWEST = 12
"""With fewer cases no character is told."""
MOST_MISSING, ALIKE, TOLD, CREDITED = 0.5, 0.95, 0.8, 0.25
UNEARNED = ("user/volunteered", "user/leaked")


def measure(
    judge: str, cases: Sequence[JudgeCase], ratings: Iterable[Rating], failures: Iterable[Failure] = ()
) -> JudgeTest:
    """A judge's test from its ratings of the cases' dialogues; a case without one is missing, `failures` say why."""
    rated = {(rating.dialogue, rating.scale): rating for rating in ratings}
    reasons = {(one.dialogue, one.node.partition("/")[0]): f"no reply: {one.reason}" for one in failures}
    results = [
        _result(case, mode, rated.get((case.id, mode)), reasons.get((case.id, mode), "not judged"))
        for mode in MODES
        for case in cases
    ]
    modes = {mode: _mode(mode, [result for result in results if result.mode == mode]) for mode in MODES}
    return JudgeTest(
        judge=judge,
        cases=len(cases),
        character=_worse(modes.values()),
        modes=modes,
        warnings=[warning for mode in modes.values() for warning in _warnings(mode)],
        results=results,
    )


def _worse(modes: Iterable[ModeTest]) -> Character | None:
    found = {mode.character for mode in modes}
    return None if None in found else next(one for one in CHARACTERS if one in found)


def _result(case: JudgeCase, mode: str, rating: Rating | None, unrated: str) -> CaseResult:
    verdict = rating.verdict if rating else None
    success = verdict.success if verdict else None
    label, paper = case.label, mode == PAPER
    expected = label.named if paper else label.success
    if verdict is None or success is None:
        said = MISSING
    else:
        said = NAMED[not success] if paper else outcome(verdict.named_by, verdict.how)
    return CaseResult(
        id=case.id,
        case=case.case,
        language=case.language,
        mode=mode,
        label=NAMED[not label.named] if paper else outcome(label.named_by, label.how),
        verdict=said,
        expected=expected,
        success=success,
        right=None if success is None else success == expected,
        missing=((verdict.missing if verdict else unrated) or "no reason told") if success is None else None,
        legal_mass=rating.legal_mass if rating else None,
    )


def _mode(mode: str, results: Sequence[CaseResult]) -> ModeTest:
    names = NAMED if mode == PAPER else OUTCOMES
    pairs = Counter((result.label, result.verdict) for result in results)
    given = Counter(result.success for result in results if result.success is not None)
    commonest, alike = given.most_common(1)[0] if given else (None, 0)
    lacking = [result.missing for result in results if result.missing]
    masses = [result.legal_mass for result in results if result.legal_mass is not None]
    made = ModeTest(
        mode=mode,
        cases=len(results),
        matrix={label: {verdict: pairs[label, verdict] for verdict in (*names, MISSING)} for label in names},
        shares=_shares(results),
        accuracy=_right(results),
        exact=_share(results, lambda result: result.label == result.verdict),
        sensitivity=_right(result for result in results if result.expected),
        specificity=_right(result for result in results if not result.expected),
        leaks_credited=None
        if mode == PAPER
        else _share((result for result in results if result.label in UNEARNED), lambda result: bool(result.success)),
        missing=wilson(len(lacking), len(results)),
        forced=wilson(sum(mass < LEGAL_FLOOR for mass in masses), len(masses), len(results) - len(masses)),
        reasons=dict(Counter(_kind(reason) for reason in lacking).most_common()),
        commonest=commonest,
        commonest_share=alike / given.total() if given else None,
        constant=_constant(results) or all(_constant(some) for some in _groups(results, _language).values()),
        by_case=_grouped(results, lambda result: result.case),
        by_language=_grouped(results, _language),
        character=None,
    )
    return made.model_copy(update={"character": _character(made, results)})


def _shares(results: Sequence[CaseResult]) -> dict[Literal["right", "wrong", "missing"], float]:
    counts = Counter(result.right for result in results)
    whole = max(len(results), 1)
    return {"right": counts[True] / whole, "wrong": counts[False] / whole, "missing": counts[None] / whole}


def _right(results: Iterable[CaseResult]) -> Estimate:
    return _share(results, lambda result: bool(result.right))


def _share(results: Iterable[CaseResult], holds: Callable[[CaseResult], bool]) -> Estimate:
    """Share of the verdicts for which something holds, missing ones counted beside."""
    some = list(results)
    known = [result for result in some if result.right is not None]
    return wilson(sum(map(holds, known)), len(known), len(some) - len(known))


def _grouped(results: Sequence[CaseResult], group: Callable[[CaseResult], str]) -> dict[str, Estimate]:
    return {name: _right(some) for name, some in _groups(results, group).items()}


def _groups(results: Sequence[CaseResult], group: Callable[[CaseResult], str]) -> dict[str, list[CaseResult]]:
    names = dict.fromkeys(map(group, results))
    return {name: [result for result in results if group(result) == name] for name in names}


def _language(result: CaseResult) -> str:
    return result.language


def _constant(results: Sequence[CaseResult]) -> bool:
    """Whether verdicts on success are alike although their labels are not."""
    known = [result for result in results if result.success is not None]
    given = Counter(result.success for result in known)
    return _labels_differ(known) and given.most_common(1)[0][1] >= ALIKE * len(known)


def _kind(reason: str) -> str:
    """What reasons of one kind have in common: `forced: legal answers had ...` is `forced`."""
    return reason.partition(": legal answers")[0]


def _character(test: ModeTest, results: Sequence[CaseResult]) -> Character | None:
    if test.cases < FEWEST or not _labels_differ(results):
        return None
    if test.shares["missing"] > MOST_MISSING:
        return "mostly missing"
    if test.constant:
        return "constant"
    if not _told(result for result in results if result.expected):
        return "poor"
    credited = test.leaks_credited.value if test.leaks_credited else None
    earned_nothing = (result for result in results if not result.expected and result.label not in UNEARNED)
    if credited is not None and credited > CREDITED and _told(earned_nothing):
        return "credits leaks"
    return "usable" if _told(result for result in results if not result.expected) else "poor"


def _labels_differ(results: Iterable[CaseResult]) -> bool:
    return len({result.expected for result in results}) == 2


def _told(results: Iterable[CaseResult]) -> bool:
    """Whether enough of some cases are told right; a missing verdict is not."""
    some = list(results)
    return sum(result.right is True for result in some) >= TOLD * len(some)


def _warnings(test: ModeTest) -> list[str]:
    found = [
        (test.cases < FEWEST, f"only {test.cases} cases: too few to tell the judge's character"),
        (test.shares["missing"] > 0.1, f"{_count(test.missing)} verdicts are missing ({_most(test.reasons)})"),
        (
            test.constant,
            f"verdicts are constant ({_percent(test.commonest_share)} say {test.commonest}): they tell nothing",
        ),
        (
            _above(test.forced, 0.1),
            f"{_count(test.forced)} verdicts are forced: the model would have said another thing",
        ),
        (
            _above(test.leaks_credited, CREDITED),
            f"{_count(test.leaks_credited)} leaked or volunteered needs are credited to the supporter",
        ),
        (
            test.mode == ATTRIBUTED and _below(test.exact, TOLD),
            f"only {_count(test.exact)} verdicts have the very label: do not split by it",
        ),
        (
            not test.constant and _below(test.by_case.get("injection"), 1.0),
            "instructions inside transcripts may have misled it (see the case 'injection')",
        ),
    ]
    return [f"{test.mode}: {text}" for holds, text in found if holds]


def _above(share: Estimate | None, most: float) -> bool:
    return share is not None and share.value is not None and share.value > most


def _below(share: Estimate | None, least: float) -> bool:
    return share is not None and share.value is not None and share.value < least


def _count(share: Estimate | None) -> str:
    return f"{round((share.value or 0) * share.n)} of {share.n}" if share else ""


def _percent(share: float | None) -> str:
    return f"{share:.0%}" if share is not None else ""


def _most(reasons: Mapping[str, int]) -> str:
    return ", ".join(f"{count} x {reason}" for reason, count in list(reasons.items())[:3])
