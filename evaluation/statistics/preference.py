"""Pairwise preferences: win rates with ties, position bias, Bradley-Terry strengths.

A choice says which of two conditions was preferred, which of them was shown first, who chose, and about what.
"""

import math
from collections.abc import Sequence

import numpy as np
from pydantic import ConfigDict

from cocoon.core.records import Record
from cocoon.evaluation.statistics.agreement import Table
from cocoon.evaluation.statistics.estimates import Estimate, mean_over_profiles, wilson
from cocoon.evaluation.statistics.resampling import Numbers, percentile_intervals
from cocoon.evaluation.success.rate import success_rate


class Choice(Record):
    """One answer to one pairwise question. `winner` is one of both conditions, `tie`, or None where missing.

    `first` was shown first and `second` was shown second. `unit` is what was compared (a profile or topic), so that
    answers about one unit stay together in intervals. `vote` counts the times that a rater was asked the same question.
    `own` marks dialogues that the rater took part in.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    unit: str
    question: str
    rater: str
    first: str
    second: str
    winner: str | None
    vote: int = 0
    own: bool = False


class WinRate(Record):
    """How often one condition was preferred to another. `share` counts a tie as half a win."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    condition: str
    against: str
    question: str
    wins: int
    ties: int
    losses: int
    missing: int
    share: Estimate


class Strength(Record):
    """A condition's Bradley-Terry strength in log-odds, with mean 0 over conditions. Its interval resamples units."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    condition: str
    strength: Estimate


TIE = "tie"


def check_choices(choice: Choice) -> None:
    """Raise ValueError for a winner that was not shown, or a condition compared with itself."""
    if choice.first == choice.second:
        raise ValueError(f"unit {choice.unit!r}: {choice.first!r} is compared with itself")
    if choice.winner not in (None, TIE, choice.first, choice.second):
        raise ValueError(f"unit {choice.unit!r}: winner {choice.winner!r} was not shown")


def win_rate(choices: Sequence[Choice], condition: str, against: str, question: str) -> WinRate:
    """Count wins, ties and losses of `condition` against `against`, and its share with an interval over units."""
    answers = [
        choice
        for choice in choices
        if choice.question == question and {choice.first, choice.second} == {condition, against}
    ]
    points: dict[str, list[float | None]] = {}
    for choice in answers:
        points.setdefault(choice.unit, []).append(_points(choice, condition))
    share = mean_over_profiles(points)
    if share.value in (0.0, 1.0):
        # Every unit went the same way: resampling sees no spread, but Wilson's interval over units needs none.
        units = sum(any(point is not None for point in unit) for unit in points.values())
        flat = wilson(round(share.value) * units, units)
        share = share.model_copy(update={"low": flat.low, "high": flat.high})
    return WinRate(
        condition=condition,
        against=against,
        question=question,
        wins=sum(choice.winner == condition for choice in answers),
        ties=sum(choice.winner == TIE for choice in answers),
        losses=sum(choice.winner == against for choice in answers),
        missing=sum(choice.winner is None for choice in answers),
        share=share,
    )


def _points(choice: Choice, condition: str) -> float | None:
    if choice.winner is None:
        return None
    return 0.5 if choice.winner == TIE else float(choice.winner == condition)


def first_position_rate(choices: Sequence[Choice]) -> Estimate:
    """Return the share of decided answers that preferred what was shown first: 0.5 where order does not matter.

    Answers of one rater about one pair in one order say almost the same, so they count as one in the interval. A
    question that was asked in both orders counts by itself, because its two answers separate position from preference.
    """
    answers_by_pair = _by_pair(choices)
    sittings: dict[str, list[bool | None]] = {}
    for (unit, question, rater, names, vote), answers in answers_by_pair.items():
        in_both_orders = len({answer.first for answer in answers}) == 2
        name = "\0".join([unit, rater, names, *([question, str(vote)] if in_both_orders else [])])
        firsts = [None if answer.winner in (None, TIE) else answer.winner == answer.first for answer in answers]
        sittings.setdefault(name, []).extend(firsts)
    return success_rate(sittings)


def _by_pair(choices: Sequence[Choice]) -> dict[tuple[str, str, str, str, int], list[Choice]]:
    """Return the answers by what was asked and of whom: unit, question, rater, pair of conditions, vote."""
    grouped: dict[tuple[str, str, str, str, int], list[Choice]] = {}
    for choice in choices:
        pair = "\0".join(sorted((choice.first, choice.second)))
        grouped.setdefault((choice.unit, choice.question, choice.rater, pair, choice.vote), []).append(choice)
    return grouped


def _asked_in_both_orders(choices: Sequence[Choice]) -> list[list[Choice]]:
    return [answers for answers in _by_pair(choices).values() if len({answer.first for answer in answers}) == 2]


def both_orders(choices: Sequence[Choice]) -> list[Choice]:
    """Return one answer for every pair that a rater was asked about in both orders.

    The answer is a tie where the orders disagree. It is listed in the order of its first answer, and is missing where
    one answer is missing. A pair that was asked about in only one order is left out, because its position cannot be
    separated from its preference.
    """
    return [_merged(answers) for answers in _asked_in_both_orders(choices)]


def _merged(answers: Sequence[Choice]) -> Choice:
    winners = {answer.winner for answer in answers}
    winner = None if None in winners else (winners.pop() if len(winners) == 1 else TIE)
    return answers[0].model_copy(update={"winner": winner})


def order_agreement(choices: Sequence[Choice]) -> Estimate:
    """Return the share of pairs whose answers in both orders are the same.

    Only pairs asked about in both orders count. The interval is over units.
    """
    units: dict[str, list[bool | None]] = {}
    for answers in _asked_in_both_orders(choices):
        winners = {answer.winner for answer in answers}
        units.setdefault(answers[0].unit, []).append(None if None in winners else len(winners) == 1)
    return success_rate(units)


def bradley_terry(choices: Sequence[Choice]) -> list[Strength]:
    """Return the strengths of all conditions, strongest first.

    Bradley and Terry 1952, with ties as half a win each, fitted by Hunter's MM steps (2004). Strengths are None where
    the conditions are not connected by wins in both directions (Ford 1957): a condition that always wins has no finite
    strength.
    """
    names = sorted({name for choice in choices for name in (choice.first, choice.second)})
    units = sorted({choice.unit for choice in choices if choice.winner is not None})
    tables = np.array([_wins(choices, names, unit) for unit in units])
    known = sum(choice.winner is not None for choice in choices)
    fitted = _strengths(tables.sum(0)) if units else None
    if fitted is None:
        undefined = Estimate(value=None, n=known, missing=len(choices) - known)
        return [Strength(condition=name, strength=undefined) for name in names]

    missing = len(choices) - known
    intervals = percentile_intervals(lambda resampled: _strengths(tables[resampled].sum(0)), len(units), len(names))
    ranked = sorted(zip(names, fitted, intervals, strict=True), key=lambda one: -one[1])
    return [
        Strength(condition=name, strength=Estimate(value=float(value), low=low, high=high, n=known, missing=missing))
        for name, value, (low, high) in ranked
    ]


def _wins(choices: Sequence[Choice], names: Sequence[str], unit: str) -> Numbers:
    """Return the wins of the row over the column, shape (conditions, conditions)."""
    condition_index = {name: index for index, name in enumerate(names)}
    wins = np.zeros((len(names), len(names)))
    for choice in choices:
        if choice.unit != unit or choice.winner is None:
            continue
        first, second = condition_index[choice.first], condition_index[choice.second]
        share = 0.5 if choice.winner == TIE else float(choice.winner == choice.first)
        wins[first, second] += share
        wins[second, first] += 1 - share
    return wins


def _strengths(wins: Numbers) -> Numbers | None:
    """Return log strengths with mean 0, shape (conditions,), or None where they are not finite."""
    if len(wins) < 2 or not _connected(wins):
        return None
    games, total_wins = wins + wins.T, wins.sum(1)
    strength = np.ones(len(wins))
    for _ in range(2_000):
        updated = total_wins / (games / (strength[:, None] + strength[None, :])).sum(1)
        updated /= math.exp(float(np.log(updated).mean()))
        if float(np.abs(np.log(updated / strength)).max()) < 1e-8:
            strength = updated
            break
        strength = updated
    return np.log(strength)


def _connected(wins: Numbers) -> bool:
    """Return whether every condition has beaten every other, directly or through other conditions."""
    reach = (wins > 0) | np.eye(len(wins), dtype=bool)
    for _ in range(len(wins)):
        reach = reach @ reach
    return bool(reach.all())


def preference_table(choices: Sequence[Choice]) -> Table:
    """Return the answers as a rating table for alpha.

    A unit is a pair of conditions and a question, and a column is a rater and vote. The value is 1 where the condition
    that comes first in the alphabet won, -1 where the other one won, and 0 for a tie.
    """
    raters = sorted({(choice.rater, choice.vote) for choice in choices})
    rows: dict[tuple[str, str, frozenset[str]], list[float | None]] = {}
    for choice in choices:
        row = rows.setdefault(
            (choice.unit, choice.question, frozenset((choice.first, choice.second))), [None] * len(raters)
        )
        row[raters.index((choice.rater, choice.vote))] = _signed(choice)
    return list(rows.values())


def _signed(choice: Choice) -> float | None:
    if choice.winner is None or choice.winner == TIE:
        return None if choice.winner is None else 0.0
    return 1.0 if choice.winner == min(choice.first, choice.second) else -1.0
