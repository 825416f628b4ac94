"""Judges under test: hand labels beside a judge's verdicts, and what they say about the judge.

In each mode, the first rule that holds gives the character. The judge has the worse character of the two modes:

1. `mostly missing`: more than half of its verdicts are missing.
2. `constant`: at least 95% of its verdicts on success are the same, although the labels are not. This also holds where
   each language has its own constant verdict.
3. `credits leaks`: it recognises 80% of the successes and 80% of the cases in which nobody named the need, and credits
   more than a quarter of the needs that were leaked or volunteered.
4. `usable`: it recognises 80% of the successes and 80% of the failures. A missing verdict is not right.
5. `poor`: any other judge.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

from cocoon.core.records import Failure, Rating
from cocoon.evaluation.measures import LEGAL_FLOOR
from cocoon.evaluation.statistics.estimates import Estimate, wilson
from cocoon.evaluation.success.judge_test_records import (
    CHARACTERS,
    MISSING,
    NAMED,
    OUTCOMES,
    CaseResult,
    Character,
    JudgeTest,
    ModeTest,
    case_outcome,
)
from cocoon.evaluation.success.labelled_cases import JudgeCase
from cocoon.evaluation.success.verdicts import ATTRIBUTED, PAPER

MODES = (PAPER, ATTRIBUTED)
FEWEST = 12
"""With fewer cases no character is given."""
MOST_MISSING, ALIKE, TOLD, CREDITED = 0.5, 0.95, 0.8, 0.25
UNEARNED = ("user/volunteered", "user/leaked")


def measure_judge(
    judge: str, cases: Sequence[JudgeCase], ratings: Iterable[Rating], failures: Iterable[Failure] = ()
) -> JudgeTest:
    """Test a judge by its ratings of the cases' dialogues.

    A case without a rating is missing, and `failures` give the reasons.
    """
    rated = {(rating.dialogue, rating.scale): rating for rating in ratings}
    reasons = {
        (failure.dialogue, failure.node.partition("/")[0]): f"no reply: {failure.reason}" for failure in failures
    }
    results = [
        _result(case, mode, rated.get((case.id, mode)), reasons.get((case.id, mode), "not judged"))
        for mode in MODES
        for case in cases
    ]
    modes = {mode: _test_mode(mode, [result for result in results if result.mode == mode]) for mode in MODES}
    return JudgeTest(
        judge=judge,
        cases=len(cases),
        character=_worse_character(modes.values()),
        modes=modes,
        warnings=[warning for mode in modes.values() for warning in _warnings(mode)],
        results=results,
    )


def _worse_character(modes: Iterable[ModeTest]) -> Character | None:
    mode_characters = {mode.character for mode in modes}
    return (
        None if None in mode_characters else next(character for character in CHARACTERS if character in mode_characters)
    )


def _result(case: JudgeCase, mode: str, rating: Rating | None, unrated: str) -> CaseResult:
    verdict = rating.verdict if rating else None
    success = verdict.success if verdict else None
    label, paper = case.label, mode == PAPER
    expected = label.named if paper else label.success
    if verdict is None or success is None:
        verdict_label = MISSING
    else:
        verdict_label = NAMED[not success] if paper else case_outcome(verdict.named_by, verdict.how)
    return CaseResult(
        id=case.id,
        case=case.case,
        language=case.language,
        mode=mode,
        label=NAMED[not label.named] if paper else case_outcome(label.named_by, label.how),
        verdict=verdict_label,
        expected=expected,
        success=success,
        right=None if success is None else success == expected,
        missing=((verdict.missing if verdict else unrated) or "no reason told") if success is None else None,
        legal_mass=rating.legal_mass if rating else None,
    )


def _test_mode(mode: str, results: Sequence[CaseResult]) -> ModeTest:
    names = NAMED if mode == PAPER else OUTCOMES
    pairs = Counter((result.label, result.verdict) for result in results)
    successes = Counter(result.success for result in results if result.success is not None)
    commonest, alike = successes.most_common(1)[0] if successes else (None, 0)
    missing_reasons = [result.missing for result in results if result.missing]
    masses = [result.legal_mass for result in results if result.legal_mass is not None]
    test = ModeTest(
        mode=mode,
        cases=len(results),
        matrix={label: {verdict: pairs[label, verdict] for verdict in (*names, MISSING)} for label in names},
        shares=_shares(results),
        accuracy=_share_right(results),
        exact=_share(results, lambda result: result.label == result.verdict),
        sensitivity=_share_right(result for result in results if result.expected),
        specificity=_share_right(result for result in results if not result.expected),
        leaks_credited=None
        if mode == PAPER
        else _share((result for result in results if result.label in UNEARNED), lambda result: bool(result.success)),
        missing=wilson(len(missing_reasons), len(results)),
        forced=wilson(sum(mass < LEGAL_FLOOR for mass in masses), len(masses), len(results) - len(masses)),
        reasons=dict(Counter(_reason_kind(reason) for reason in missing_reasons).most_common()),
        commonest=commonest,
        commonest_share=alike / successes.total() if successes else None,
        constant=_constant(results) or all(_constant(group) for group in _groups(results, _language).values()),
        by_case=_right_by_group(results, lambda result: result.case),
        by_language=_right_by_group(results, _language),
        character=None,
    )
    return test.model_copy(update={"character": _character(test, results)})


def _shares(results: Sequence[CaseResult]) -> dict[Literal["right", "wrong", "missing"], float]:
    counts = Counter(result.right for result in results)
    total = max(len(results), 1)
    return {"right": counts[True] / total, "wrong": counts[False] / total, "missing": counts[None] / total}


def _share_right(results: Iterable[CaseResult]) -> Estimate:
    return _share(results, lambda result: bool(result.right))


def _share(results: Iterable[CaseResult], holds: Callable[[CaseResult], bool]) -> Estimate:
    """Return the share of the verdicts for which a condition holds, with missing verdicts counted separately."""
    all_results = list(results)
    known = [result for result in all_results if result.right is not None]
    return wilson(sum(map(holds, known)), len(known), len(all_results) - len(known))


def _right_by_group(results: Sequence[CaseResult], group: Callable[[CaseResult], str]) -> dict[str, Estimate]:
    return {name: _share_right(group_results) for name, group_results in _groups(results, group).items()}


def _groups(results: Sequence[CaseResult], group: Callable[[CaseResult], str]) -> dict[str, list[CaseResult]]:
    names = dict.fromkeys(map(group, results))
    return {name: [result for result in results if group(result) == name] for name in names}


def _language(result: CaseResult) -> str:
    return result.language


def _constant(results: Sequence[CaseResult]) -> bool:
    """Return whether verdicts on success are alike although their labels are not."""
    known = [result for result in results if result.success is not None]
    successes = Counter(result.success for result in known)
    return _labels_differ(known) and successes.most_common(1)[0][1] >= ALIKE * len(known)


def _reason_kind(reason: str) -> str:
    """Return what reasons of one kind have in common: `forced: legal answers had ...` is `forced`."""
    return reason.partition(": legal answers")[0]


def _character(test: ModeTest, results: Sequence[CaseResult]) -> Character | None:
    if test.cases < FEWEST or not _labels_differ(results):
        return None
    if test.shares["missing"] > MOST_MISSING:
        return "mostly missing"
    if test.constant:
        return "constant"
    if not _recognises_enough(result for result in results if result.expected):
        return "poor"
    credited = test.leaks_credited.value if test.leaks_credited else None
    earned_nothing = (result for result in results if not result.expected and result.label not in UNEARNED)
    if credited is not None and credited > CREDITED and _recognises_enough(earned_nothing):
        return "credits leaks"
    return "usable" if _recognises_enough(result for result in results if not result.expected) else "poor"


def _labels_differ(results: Iterable[CaseResult]) -> bool:
    return len({result.expected for result in results}) == 2


def _recognises_enough(results: Iterable[CaseResult]) -> bool:
    """Return whether enough of the verdicts are right. A missing verdict is not right."""
    all_results = list(results)
    return sum(result.right is True for result in all_results) >= TOLD * len(all_results)


def _warnings(test: ModeTest) -> list[str]:
    checks = [
        (test.cases < FEWEST, f"only {test.cases} cases: too few to tell the judge's character"),
        (
            test.shares["missing"] > 0.1,
            f"{_count(test.missing)} verdicts are missing ({_commonest_reasons(test.reasons)})",
        ),
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
    return [f"{test.mode}: {text}" for holds, text in checks if holds]


def _above(share: Estimate | None, most: float) -> bool:
    return share is not None and share.value is not None and share.value > most


def _below(share: Estimate | None, least: float) -> bool:
    return share is not None and share.value is not None and share.value < least


def _count(share: Estimate | None) -> str:
    return f"{round((share.value or 0) * share.n)} of {share.n}" if share else ""


def _percent(share: float | None) -> str:
    return f"{share:.0%}" if share is not None else ""


def _commonest_reasons(reasons: Mapping[str, int]) -> str:
    return ", ".join(f"{count} x {reason}" for reason, count in list(reasons.items())[:3])
