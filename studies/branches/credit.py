"""What a reply is worth: outcomes of futures that share all words before it, compared within that prefix.

The value of a place in a talk is the mean outcome of the futures that leave it there. The credit of the reply that was
really given there is the value after it less the value before it (an advantage, as in policy evaluation by sampling:
Sutton and Barto 2018, section 13.4). It depends on who makes the futures, so that there is a credit for each supporter.
The credit of a move is the mean outcome of the futures that begin with it less that of those in which the supporter
spoke for itself. Two arms (supporters, moves) are compared by their futures of the same prefix.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, variance
from typing import NamedTuple

from cocoon.core.records import Dialogue, Rating, Turn
from cocoon.evaluation.facts import disclosed
from cocoon.evaluation.groups import majority, mean_of_votes
from cocoon.evaluation.statistics.estimates import LEVEL, Estimate, student_quantile
from cocoon.evaluation.success.verdicts import ATTRIBUTED, PAPER
from cocoon.graphs.forks import fork_name

Ratings = Mapping[str, list[Rating]]
"""The ratings of one dialogue, by scale."""
COMFORT = "comfort"


class FutureArm(NamedTuple):
    """Who makes futures, and with which move they begin. `move` is None where the supporter speaks for itself."""

    supporter: str
    move: str | None = None

    def label(self, *, alone: bool = False) -> str:
        """Return the arm as tables name it: the move is enough where there is no other supporter (`alone`)."""
        if self.move is None:
            return self.supporter
        return self.move if alone else f"{self.supporter}, {self.move}"


@dataclass(frozen=True)
class Future:
    """A dialogue that leaves `parent` before the supporter's reply of `round`, and what came of it, by outcome.

    `supporter` made it, and `move` is what its first reply does. The parent itself is what came in the end, whoever
    would go on: its round is the one after its last, and its supporter None.
    """

    parent: str
    profile: str
    round: int
    supporter: str | None
    outcomes: Mapping[str, float | None]
    move: str | None = None
    sample: int = 0

    @property
    def fork(self) -> str:
        """The name of the fork at which it begins."""
        return fork_name(self.parent, self.round, self.move)

    @property
    def arm(self) -> FutureArm | None:
        """The arm that made it, None for the parent."""
        return None if self.supporter is None else FutureArm(self.supporter, self.move)


def _rate(scale: str) -> Callable[[Dialogue, Ratings], float | None]:
    def rate(_: Dialogue, ratings: Ratings) -> float | None:
        success = majority(ratings.get(scale, []))
        return None if success is None else float(success)

    return rate


def _mean(dimension: str) -> Callable[[Dialogue, Ratings], float | None]:
    return lambda _, ratings: mean_of_votes(dimension)(ratings.get(COMFORT, []))


OUTCOMES: Mapping[str, Callable[[Dialogue, Ratings], float | None]] = {
    "Disclosed": lambda dialogue, _: disclosed(dialogue),
    "SR": _rate(PAPER),
    "SR attributed": _rate(ATTRIBUTED),
    "Aff": _mean("affective_improvement"),
    "Neg": _mean("negative_helper_evaluation"),
}


def _opened(before: Turn, answer: Turn) -> float | None:
    del before
    return None if answer.state is None else float(len(answer.state.newly))


def _trust(before: Turn, answer: Turn) -> float | None:
    return None if before.state is None or answer.state is None else answer.state.trust - before.state.trust


NEXT: Mapping[str, Callable[[Turn, Turn], float | None]] = {
    "Next opened": _opened,
    "Next trust": _trust,
    "Next length": lambda _, answer: float(len(answer.content)),
}
"""What the user's turn right after the fork shows, from the user's turns before and after the supporter's reply: layers
of the chain that opened, change of trust in points, and characters."""


def _next_outcomes(branch: Dialogue) -> dict[str, float | None]:
    at = branch.branched_at
    turns = [] if at is None or at < 1 else branch.turns[at - 1 : at + 2]
    answered = len(turns) == 3
    return {name: value(turns[0], turns[2]) if answered else None for name, value in NEXT.items()}


def futures_of(
    parents: Sequence[Dialogue],
    branches: Sequence[Dialogue],
    rounds: Mapping[str, int],
    ratings: Mapping[str, Ratings],
) -> list[Future]:
    """Return every branch as a future, and every parent as the one future that really came.

    `rounds` says at which round a branch leaves its parent.
    """

    def future(dialogue: Dialogue, parent: str, number: int, supporter: str | None) -> Future:
        rated = ratings.get(dialogue.id, {})
        outcomes = {name: value(dialogue, rated) for name, value in OUTCOMES.items()} | _next_outcomes(dialogue)
        return Future(parent, dialogue.profile.id, number, supporter, outcomes, dialogue.move, sample=dialogue.sample)

    real = [future(dialogue, dialogue.id, _rounds(dialogue) + 1, None) for dialogue in parents]
    return [*real, *(future(branch, branch.parent or "", rounds[branch.id], branch.supporter) for branch in branches)]


def _rounds(dialogue: Dialogue) -> int:
    return sum(turn.role == "supporter" for turn in dialogue.turns[1:])


def mean_and_error(values: Sequence[float]) -> tuple[float, float, int]:
    """Return mean, squared standard error of the mean and degrees of freedom. One value has no error of its own."""
    return fmean(values), (variance(values) / len(values) if len(values) > 1 else 0.0), len(values) - 1


def mean_contrast(after: Sequence[float], before: Sequence[float], level: float = LEVEL) -> Estimate:
    """Return the mean of `after` less that of `before`, with Welch's interval (Welch 1947). None without values."""
    if not after or not before:
        return Estimate(value=None)
    (first, first_error, first_df), (second, second_error, second_df) = mean_and_error(after), mean_and_error(before)
    error, change, n = first_error + second_error, first - second, len(after) + len(before)
    if error <= 0 or first_df + second_df < 1:
        return Estimate(value=change, n=n)
    parts = [(part, df) for part, df in ((first_error, first_df), (second_error, second_df)) if part > 0 and df > 0]
    freedom = error**2 / sum(part**2 / df for part, df in parts)
    half = student_quantile(0.5 + level / 2, freedom) * math.sqrt(error)
    return Estimate(value=change, low=change - half, high=change + half, n=n)


def credit_curve(
    futures: Iterable[Future], parent: str, supporter: str, outcome: str, level: float = LEVEL
) -> dict[int, Estimate]:
    """Return the credit of each reply of a talk, by round: the value after it less the value before it.

    Values are the outcomes of this supporter's futures without a move. A round is in it if some of them leave the talk
    there, and at the next round, or the talk ended with it.
    """
    values = _values(futures, parent, FutureArm(supporter), outcome)
    return {
        number: mean_contrast(values[following], values[number], level)
        for number, following in pairwise(sorted(values))
        if following == number + 1
    }


def move_curve(futures: Sequence[Future], parent: str, arm: FutureArm, outcome: str) -> dict[int, Estimate]:
    """Return the credit of a move at each round of a talk: futures that begin with it, less those without a move."""
    before = _values(futures, parent, FutureArm(arm.supporter), outcome)
    after = _values((future for future in futures if future.supporter is not None), parent, arm, outcome)
    return {number: mean_contrast(after[number], before[number]) for number in sorted(after) if number in before}


def arm_contrast(
    futures: Iterable[Future],
    parent: str,
    number: int,
    pair: tuple[FutureArm, FutureArm],
    outcome: str,
    level: float = LEVEL,
) -> Estimate:
    """Return what the first arm makes of a prefix less what the second makes of the same."""
    here = [future for future in futures if future.round == number]
    first, second = (_values(here, parent, arm, outcome).get(number, []) for arm in pair)
    return mean_contrast(first, second, level)


def _values(futures: Iterable[Future], parent: str, arm: FutureArm, outcome: str) -> dict[int, list[float]]:
    """Return the outcomes of an arm's futures of a talk by round, with what really came in the end."""
    values: dict[int, list[float]] = defaultdict(list)
    for future in futures:
        value = future.outcomes.get(outcome)
        if future.parent == parent and future.arm in (arm, None) and value is not None:
            values[future.round].append(value)
    return values
