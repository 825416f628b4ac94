"""Pairwise preferences: win rates with ties, position bias, Bradley-Terry strengths.

A choice is which of two conditions was preferred, which of them was shown first, and by whom on what.
"""

import math
from collections.abc import Sequence

import numpy as np
from pydantic import ConfigDict

from cocoon.core.records import Record
from cocoon.evaluation.agreement import Table
from cocoon.evaluation.resampling import Numbers, percentile_intervals
from cocoon.evaluation.statistics import Estimate, mean_over_profiles, success_rate, wilson


class Choice(Record):
    """One answer to one pairwise question. `winner` is one of both, `tie`, or none where missing.

    `first` was shown first, `second` second; `unit` is what was compared (a profile or topic), so that answers
    about one unit stay together in intervals. `vote` counts the times that a rater was asked the same; `own` marks
    talks that the rater held.
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
    """A condition's Bradley-Terry strength in log-odds; the mean over conditions is 0. Its interval resamples units."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    condition: str
    strength: Estimate


TIE = "tie"


def check(choice: Choice) -> None:
    """Raise ValueError for a winner that was not shown, or a condition against itself."""
    if choice.first == choice.second:
        raise ValueError(f"unit {choice.unit!r}: {choice.first!r} is compared with itself")
    if choice.winner not in (None, TIE, choice.first, choice.second):
        raise ValueError(f"unit {choice.unit!r}: winner {choice.winner!r} was not shown")


def win_rate(choices: Sequence[Choice], condition: str, against: str, question: str) -> WinRate:
    """Wins, ties and losses of `condition` against `against`, and its share with an interval over units."""
    some = [one for one in choices if one.question == question and {one.first, one.second} == {condition, against}]
    points: dict[str, list[float | None]] = {}
    for one in some:
        points.setdefault(one.unit, []).append(_points(one, condition))
    share = mean_over_profiles(points)
    if share.value in (0.0, 1.0):
        # Every unit went one way: resampling sees no spread, Wilson's interval over units does not need any.
        units = sum(any(point is not None for point in unit) for unit in points.values())
        flat = wilson(round(share.value) * units, units)
        share = share.model_copy(update={"low": flat.low, "high": flat.high})
    return WinRate(
        condition=condition,
        against=against,
        question=question,
        wins=sum(one.winner == condition for one in some),
        ties=sum(one.winner == TIE for one in some),
        losses=sum(one.winner == against for one in some),
        missing=sum(one.winner is None for one in some),
        share=share,
    )


def _points(choice: Choice, condition: str) -> float | None:
    if choice.winner is None:
        return None
    return 0.5 if choice.winner == TIE else float(choice.winner == condition)


def first_position_rate(choices: Sequence[Choice]) -> Estimate:
    """Share of decided answers that preferred what was shown first: 0.5 where order does not matter.

    Answers of one rater about one pair in one order say much the same, so they count as one in the interval; a question
    that was asked in both orders counts by itself, since its two answers tell position from preference.
    """
    asked = _by_pair(choices)
    sittings: dict[str, list[bool | None]] = {}
    for (unit, question, rater, names, vote), some in asked.items():
        both = len({one.first for one in some}) == 2
        name = "\0".join([unit, rater, names, *([question, str(vote)] if both else [])])
        firsts = [None if one.winner in (None, TIE) else one.winner == one.first for one in some]
        sittings.setdefault(name, []).extend(firsts)
    return success_rate(sittings)


def _by_pair(choices: Sequence[Choice]) -> dict[tuple[str, str, str, str, int], list[Choice]]:
    """Answers by what was asked of whom: unit, question, rater, pair of conditions, vote."""
    grouped: dict[tuple[str, str, str, str, int], list[Choice]] = {}
    for one in choices:
        names = "\0".join(sorted((one.first, one.second)))
        grouped.setdefault((one.unit, one.question, one.rater, names, one.vote), []).append(one)
    return grouped


def _in_both_orders(choices: Sequence[Choice]) -> list[list[Choice]]:
    return [some for some in _by_pair(choices).values() if len({one.first for one in some}) == 2]


def both_orders(choices: Sequence[Choice]) -> list[Choice]:
    """One answer for every pair that a rater was asked in both orders: a tie where the orders disagree.

    The pair stands under the order of its first answer; it is missing where an answer is missing. A pair that was
    asked in one order alone is left out: its position cannot be told from its preference.
    """
    return [_merged(some) for some in _in_both_orders(choices)]


def _merged(some: Sequence[Choice]) -> Choice:
    winners = {one.winner for one in some}
    winner = None if None in winners else (winners.pop() if len(winners) == 1 else TIE)
    return some[0].model_copy(update={"winner": winner})


def order_agreement(choices: Sequence[Choice]) -> Estimate:
    """Share of pairs asked in both orders whose two answers are the same, with an interval over units."""
    units: dict[str, list[bool | None]] = {}
    for some in _in_both_orders(choices):
        winners = {one.winner for one in some}
        units.setdefault(some[0].unit, []).append(None if None in winners else len(winners) == 1)
    return success_rate(units)


def bradley_terry(choices: Sequence[Choice]) -> list[Strength]:
    """Strengths of all conditions (Bradley and Terry 1952; ties as half a win each), strongest first.

    Fitted by Hunter's MM steps (2004). Strengths are none where the conditions do not hang together by wins both
    ways (Ford 1957): one that always wins has no finite strength.
    """
    names = sorted({name for one in choices for name in (one.first, one.second)})
    units = sorted({one.unit for one in choices if one.winner is not None})
    tables = np.stack([_wins(choices, names, unit) for unit in units]) if units else np.zeros((0, 2, 2))
    known = sum(one.winner is not None for one in choices)
    fitted = _strengths(tables.sum(0)) if units else None
    if fitted is None:
        nothing = Estimate(value=None, n=known, missing=len(choices) - known)
        return [Strength(condition=name, strength=nothing) for name in names]

    missing = len(choices) - known
    intervals = percentile_intervals(lambda drawn: _strengths(tables[drawn].sum(0)), len(units), len(names))
    found = [
        Strength(condition=name, strength=Estimate(value=float(value), low=low, high=high, n=known, missing=missing))
        for name, value, (low, high) in zip(names, fitted, intervals, strict=True)
    ]
    return sorted(found, key=lambda one: -(one.strength.value or 0.0))


def _wins(choices: Sequence[Choice], names: Sequence[str], unit: str) -> Numbers:
    """Wins of the row over the column, shape (conditions, conditions)."""
    place = {name: number for number, name in enumerate(names)}
    wins = np.zeros((len(names), len(names)))
    for one in choices:
        if one.unit != unit or one.winner is None:
            continue
        first, second = place[one.first], place[one.second]
        share = 0.5 if one.winner == TIE else float(one.winner == one.first)
        wins[first, second] += share
        wins[second, first] += 1 - share
    return wins


def _strengths(wins: Numbers) -> Numbers | None:
    """Log strengths with mean 0, shape (conditions,); none where they are not finite."""
    if len(wins) < 2 or not _connected(wins):
        return None
    games, won = wins + wins.T, wins.sum(1)
    strength = np.ones(len(wins))
    for _ in range(2_000):
        fresh = won / (games / (strength[:, None] + strength[None, :])).sum(1)
        fresh /= math.exp(float(np.log(fresh).mean()))
        if float(np.abs(np.log(fresh / strength)).max()) < 1e-8:
            strength = fresh
            break
        strength = fresh
    return np.log(strength)


def _connected(wins: Numbers) -> bool:
    """Whether every condition has, over others, beaten every other."""
    reach = (wins > 0) | np.eye(len(wins), dtype=bool)
    for _ in range(len(wins)):
        reach = reach @ reach
    return bool(reach.all())


def preference_table(choices: Sequence[Choice]) -> Table:
    """Answers as a rating table for alpha: one unit per pair of conditions and question, one column a rater and vote.

    1 where the condition that comes first in the alphabet won, -1 where the other did, 0 for a tie.
    """
    raters = sorted({(one.rater, one.vote) for one in choices})
    rows: dict[tuple[str, str, frozenset[str]], list[float | None]] = {}
    for one in choices:
        row = rows.setdefault((one.unit, one.question, frozenset((one.first, one.second))), [None] * len(raters))
        row[raters.index((one.rater, one.vote))] = _signed(one)
    return list(rows.values())


def _signed(choice: Choice) -> float | None:
    if choice.winner is None or choice.winner == TIE:
        return None if choice.winner is None else 0.0
    return 1.0 if choice.winner == min(choice.first, choice.second) else -1.0
