"""What a question does that a statement of the same content does not: differences within forks, over people."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, variance

from cocoon.evaluation.statistics.estimates import Estimate
from cocoon.evaluation.statistics.paired import holm, sign_flip
from cocoon.evaluation.statistics.power import WithinTalks
from cocoon.studies.asking.config import QUESTION, STATEMENT
from cocoon.studies.branches.credit import NEXT, OUTCOMES, Future, FutureArm, arm_contrast
from cocoon.studies.branches.report import over_people

MEASURED = (*NEXT, *OUTCOMES)
"""What is compared: the user's next turn, and the end of the talk."""


@dataclass(frozen=True)
class AskingEffect:
    """Question less statement in one outcome under one rule set.

    `mean_asked` and `mean_said` are the means of both forms. `p` is by sign flips of the people's differences,
    `corrected` by Holm's method over the outcomes of a rule set. `design` has what a next study must know, None where
    people or futures are too few to tell.
    """

    outcome: str
    difference: Estimate
    mean_asked: Estimate
    mean_said: Estimate
    people: int
    p: float | None
    design: WithinTalks | None
    corrected: float | None = None

    @property
    def sign(self) -> int:
        """1 or -1 where the corrected test finds a difference, else 0."""
        if self.corrected is None or self.corrected >= 0.05 or not self.difference.value:
            return 0
        return 1 if self.difference.value > 0 else -1


def asking_effects(branched: Sequence[Future]) -> list[AskingEffect]:
    """Return the effect of asking on every outcome that is known, with p corrected over them."""
    known = [name for name in MEASURED if any(future.outcomes.get(name) is not None for future in branched)]
    effects = [_effect(branched, name) for name in known]
    corrected = holm([effect.p for effect in effects])
    return [AskingEffect(**{**vars(effect), "corrected": p}) for effect, p in zip(effects, corrected, strict=True)]


def _effect(branched: Sequence[Future], outcome: str) -> AskingEffect:
    pairs = _fork_differences(branched, outcome)
    people = _means(pairs)
    test = sign_flip(list(people.values())) if len(people) > 1 else None
    return AskingEffect(
        outcome=outcome,
        difference=over_people(pairs),
        mean_asked=_mean_of(branched, QUESTION, outcome),
        mean_said=_mean_of(branched, STATEMENT, outcome),
        people=len(people),
        p=test.p if test else None,
        design=_design(branched, outcome, list(people.values())),
    )


def _fork_differences(branched: Sequence[Future], outcome: str) -> list[tuple[str, float | None]]:
    """Return (person, question less statement) of every fork and supporter."""
    forks: dict[tuple[str, int, str], list[Future]] = defaultdict(list)
    for future in branched:
        if future.supporter is not None:
            forks[future.parent, future.round, future.supporter].append(future)
    differences: list[tuple[str, float | None]] = []
    for (parent, number, supporter), futures in forks.items():
        pair = FutureArm(supporter, QUESTION), FutureArm(supporter, STATEMENT)
        differences.append((futures[0].profile, arm_contrast(futures, parent, number, pair, outcome).value))
    return differences


def _means(pairs: Iterable[tuple[str, float | None]]) -> dict[str, float]:
    values: dict[str, list[float]] = defaultdict(list)
    for person, value in pairs:
        if value is not None:
            values[person].append(value)
    return {person: fmean(known) for person, known in values.items()}


def _mean_of(branched: Iterable[Future], move: str, outcome: str) -> Estimate:
    return over_people((future.profile, future.outcomes.get(outcome)) for future in branched if future.move == move)


def _design(branched: Sequence[Future], outcome: str, differences: Sequence[float]) -> WithinTalks | None:
    """Return what the study shows of its own variation: between people, and between futures of one fork and form."""
    groups: dict[tuple[str | None, ...], list[float]] = defaultdict(list)
    for future in branched:
        value = future.outcomes.get(outcome)
        if value is not None:
            groups[future.parent, str(future.round), future.supporter, future.move].append(value)
    repeated = [values for values in groups.values() if len(values) > 1]
    if len(differences) < 3 or not repeated:
        return None
    freedom = sum(len(values) - 1 for values in repeated)
    noise = sum(variance(values) * (len(values) - 1) for values in repeated) / freedom
    futures = max(1, round(fmean(map(len, groups.values()))))
    turns = max(1, round(len(groups) / 2 / len(differences)))
    spread = max(0.0, variance(differences) - 2 * noise / (turns * futures))
    return WithinTalks(fmean(differences), spread**0.5, noise**0.5, turns, futures)
