"""What a sweep may say of causes: one sentence an outcome, and every condition that stands before it.

A cause is named only if guarded users under the rules of `NEEDED` and the prompted user talked, since each presupposes
something else of questions. For every kind of user, the ratio of questions must have risen (the manipulation worked),
the outcome changed in the same direction, no value that the missing outcomes may have had turn it round, and the change
be greater than under random directions of equal norm and of equal surprise. All intervals are those of the whole family
of sentences, so that one error rate stands behind all of them (Bonferroni).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from cocoon.evaluation.statistics.estimates import LEVEL, Bounds, Estimate, student_quantile
from cocoon.studies.sweep.trend import Trend

NEEDED = ("attuned", "people")
"""Trust rules under which a cause must hold, beside the prompted user."""
FEWEST_RANDOM = 20
"""Random directions of equal norm that a cause is held against at least."""


@dataclass(frozen=True)
class RandomTest:
    """The change under a direction beside the changes under `n` random ones of equal norm.

    `rank` is 1 where the direction changes the outcome more than all of them, in its own sense. `band` is where the
    change under one more random direction is expected, at the family's level (a prediction interval by Student's t). It
    is None with fewer than three.
    """

    n: int
    rank: int
    band: Bounds | None


@dataclass(frozen=True)
class UserEvidence:
    """What one kind of user shows of one outcome under one direction. The last two are None without such an arm."""

    ratio: Trend
    outcome: Trend
    top: float | None
    random: RandomTest | None
    surprise: Trend | None


def family_level(tests: int) -> float:
    """Return the level of the intervals of `tests` sentences whose common error rate is 1 - LEVEL."""
    return 1 - (1 - LEVEL) / max(1, tests)


def random_test(change: float, random_changes: Sequence[float], level: float) -> RandomTest:
    """Compare the change at the largest coefficient with those under random directions at equal norm."""
    sense = 1 if change >= 0 else -1
    rank = 1 + sum(sense * other >= sense * change for other in random_changes)
    n = len(random_changes)
    if n < 3:
        return RandomTest(n, rank, None)
    half = student_quantile(0.5 + level / 2, n - 1) * stdev(random_changes) * math.sqrt(1 + 1 / n)
    middle = fmean(random_changes)
    return RandomTest(n, rank, Bounds(low=middle - half, high=middle + half))


def sign_of(change: Estimate | None) -> int:
    """Return 1 or -1 if the interval of a change excludes 0, else 0."""
    if change is None or change.low is None or change.high is None:
        return 0
    return 1 if change.low > 0 else -1 if change.high < 0 else 0


def conclusion(outcome: str, evidence: Mapping[str, UserEvidence], rules: Sequence[str]) -> str:
    """Return the conclusion about an outcome from the evidence of every kind of user.

    `rules` are the trust rules that guarded users had. A cause is said with them, because they presuppose what a
    question does.
    """
    signs = {user: sign_of(shown.outcome.corrected) for user, shown in evidence.items()}
    if len(signs) < 2:
        return f"{outcome}: one kind of user alone; nothing is said of causes."
    if not any(signs.values()):
        return f"{outcome}: no clear trend for any kind of user."
    if len(set(signs.values())) > 1:
        signs_text = ", ".join(f"{user} {_word(sign)}" for user, sign in signs.items())
        return f"{outcome}: no statement of cause, since the kinds of user do not agree ({signs_text})."
    sign = next(iter(signs.values()))
    finding = f"{outcome}: {_word(sign)} with the coefficient for every kind of user"
    users, held = ", ".join(signs), " and ".join(map(repr, rules))
    if doubt := next(filter(None, (_doubt(sign, shown) for shown in evidence.values())), None):
        return f"{finding}, but {doubt}: no statement of cause."
    if lacking := _lacking(evidence, rules):
        return f"{finding}, but {lacking} did not talk: no statement of cause."
    chance = "more than under random directions of equal norm and of equal surprise"
    return f"{finding}, and {chance} (users: {users}). It holds under {held} rules."


def _lacking(evidence: Mapping[str, UserEvidence], rules: Sequence[str]) -> str:
    """Return the users that a statement of cause needs and that did not talk, empty where all did."""
    lacking = [f"a guarded user under {name!r} rules" for name in NEEDED if name not in rules]
    return " and ".join([*lacking, *([] if "prompted" in evidence else ["the prompted user"])])


def _doubt(sign: int, shown: UserEvidence) -> str | None:
    """Return the first condition of a cause that does not hold for a kind of user, or None."""
    if sign_of(shown.ratio.corrected) != 1:
        return "the ratio of questions does not clearly rise with it"
    worst = shown.outcome.lowest if sign > 0 else shown.outcome.highest
    if shown.outcome.change.missing and sign_of(worst) != sign:
        return f"the {shown.outcome.change.missing} missing values could turn it round"
    if shown.random is None or shown.random.n < FEWEST_RANDOM or shown.random.band is None or shown.top is None:
        return f"there are fewer than {FEWEST_RANDOM} random directions of equal norm"
    band = shown.random.band
    if (shown.top <= band.high) if sign > 0 else (shown.top >= band.low):
        return "random directions of equal norm may do as much"
    if shown.surprise is None:
        return "there is no random direction of equal surprise"
    if sign_of(shown.surprise.corrected) != sign:
        return "a random direction of equal surprise does not clearly differ"
    return None


def _word(sign: int) -> str:
    return {1: "rises", -1: "falls", 0: "no clear trend"}[sign]
