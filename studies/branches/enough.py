"""How many futures are enough: looks at growing numbers of them, after each of which clear forks are left alone.

Every look takes its share of the error (Bonferroni), so that all looks together find a difference where there is none
in at most 5 % of comparisons, however many looks there are.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, pairwise

from cocoon.evaluation.statistics.estimates import LEVEL, Estimate
from cocoon.graphs.forks import Fork
from cocoon.studies.branches.credit import Future, arm_contrast, credit_curve

_FIRST = 4
"""Futures of each fork before the first look."""


def looks(samples: int) -> list[int]:
    """Return after how many futures of each fork one looks: 4, then twice as many each time, and in the end all."""
    counts: list[int] = []
    while not counts or counts[-1] < samples:
        counts.append(min(samples, 2 * counts[-1] if counts else _FIRST))
    return counts


def level_of(count: int) -> float:
    """Return the level of each of so many looks' intervals."""
    return 1 - (1 - LEVEL) / count


def is_clear(estimate: Estimate, width: float) -> bool:
    """Return whether an interval excludes 0 or is at most so wide. Equal futures without any spread are clear where
    both sides differ.
    """
    if estimate.low is None or estimate.high is None:
        return bool(estimate.value) and estimate.n >= 2 * _FIRST
    return estimate.low > 0 or estimate.high < 0 or estimate.high - estimate.low <= width


def unclear(forks: Sequence[Fork], futures: Iterable[Future], outcome: str, width: float, level: float) -> set[str]:
    """Return the names of the forks of which more futures are needed, for any of the comparisons they are part of.

    A fork that nothing is compared with needs all its futures.
    """
    by_talk: dict[str, list[Future]] = {}
    for future in futures:
        by_talk.setdefault(future.parent, []).append(future)
    needed, compared = set[str](), set[str]()
    for talk in {fork.parent.id for fork in forks}:
        own = {(fork.round, fork.move): fork.name for fork in forks if fork.parent.id == talk}
        for names, estimate in _comparisons(own, by_talk.get(talk, []), talk, outcome, level):
            compared |= names
            needed |= names if not is_clear(estimate, width) else set()
    return needed | {fork.name for fork in forks if fork.name not in compared}


def _comparisons(
    own: Mapping[tuple[int, str | None], str], futures: Sequence[Future], talk: str, outcome: str, level: float
) -> Iterator[tuple[set[str], Estimate]]:
    """Yield every comparison within a talk, with the names of the forks whose futures it needs."""
    arms = sorted({future.arm for future in futures if future.arm is not None}, key=str)
    for number in sorted({number for number, _ in own}):
        for first, second in combinations(arms, 2):
            names = {own[number, arm.move] for arm in (first, second) if (number, arm.move) in own}
            same = first.supporter == second.supporter or first.move == second.move
            if same and names:
                yield names, arm_contrast(futures, talk, number, (first, second), outcome, level)
    for supporter in sorted({arm.supporter for arm in arms}):
        curve = credit_curve(futures, talk, supporter, outcome, level)
        for number, following in pairwise(sorted(number for number, move in own if move is None)):
            if following == number + 1 and number in curve:
                yield {own[number, None], own[following, None]}, curve[number]
