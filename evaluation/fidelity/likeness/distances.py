"""How far a run's users are from people, with the distance between halves of the people as the yardstick.

Values are taken as positions among the people, 0 (below all of them) to 1, so that a distance means the same for every
measure and a single odd talk cannot make one. The distance is the first Wasserstein distance between the positions of
two sets of talks: 0.2 says that on average a fifth of the people lie between.

The people are split 499 times into a set as large as the run's (at most half of them) and the rest. A split counts by
the measure in which its two sets are farthest apart, so that people are outside their own yardstick, in whatever
measure, in 1 of 40 splits. docs/guide/likeness.md says how that was tried.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cocoon.core.records import Language
from cocoon.evaluation.fidelity.likeness.records import Likeness, MeasureLikeness, PeopleFigures
from cocoon.evaluation.statistics.estimates import SEED

SPLITS = 499
LEVEL = 0.975
"""The share of splits of people in which every measure is inside the yardstick."""
LEAST = 0.05
"""The yardstick is never shorter, however many talks there are, or however alike the people."""
FEWEST_PEOPLE, FEWEST_OURS = 20, 5
"""With fewer talks of people, or fewer profiles, a measure is not compared."""
_GRID = (np.arange(200) + 0.5) / 200

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MeasuredTalk:
    """The measures of one talk of a run, and whose talk it was."""

    profile: str
    supporter: str
    language: Language
    values: Mapping[str, float | None]


def likeness_of(talks: Sequence[MeasuredTalk], people: PeopleFigures) -> Likeness:
    """Return how far the users of one supporter's talks are from people. Talks of one profile count as one person.

    All talks must be of one supporter and one language.
    """
    ours = {name: _known(talks, name) for name in people.values}
    theirs = {name: _column(column) for name, column in people.values.items()}
    profiles = {name: len({profile for profile, _ in pairs}) for name, pairs in ours.items()}
    compared = [
        name
        for name in people.values
        if profiles[name] >= FEWEST_OURS and np.count_nonzero(~np.isnan(theirs[name])) >= FEWEST_PEOPLE
    ]
    yardsticks = _yardsticks({name: theirs[name] for name in compared}, profiles)
    return Likeness(
        supporter=talks[0].supporter,
        language=talks[0].language,
        measures=[_held_against(name, ours[name], theirs[name], yardsticks[name]) for name in compared],
        too_few=[name for name in people.values if name not in compared],
    )


def _known(talks: Sequence[MeasuredTalk], measure: str) -> list[tuple[str, float]]:
    pairs = ((talk.profile, talk.values.get(measure)) for talk in talks)
    return [(profile, value) for profile, value in pairs if value is not None]


def _column(values: Sequence[float | None]) -> Numbers:
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def _held_against(name: str, ours: Sequence[tuple[str, float]], column: Numbers, yardstick: float) -> MeasureLikeness:
    values, theirs = np.array([value for _, value in ours]), column[~np.isnan(column)]
    positions = _quantiles(np.sort(_positions(values, theirs)))
    distance = float(_apart(positions, _quantiles(np.sort(_positions(theirs, theirs)))))
    return MeasureLikeness(
        measure=name,
        ours=float(values.mean()),
        theirs=float(theirs.mean()),
        spread_ours=float(values.std()),
        spread_theirs=float(theirs.std()),
        rank=float(positions.mean()),
        distance=distance,
        yardstick=yardstick,
        outside=distance > yardstick,
        n=len({profile for profile, _ in ours}),
        people=len(theirs),
    )


def _positions(values: Numbers, people: Numbers) -> Numbers:
    """Return the share of the people below each value. Equal values count half."""
    ordered = np.sort(people)
    ranks = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    return ranks / (2 * len(ordered))


def _quantiles(ordered: Numbers) -> Numbers:
    """Return 200 quantiles of values that are sorted along the last axis."""
    return ordered[..., (_GRID * ordered.shape[-1]).astype(int)]


def _apart(first: Numbers, second: Numbers) -> Numbers:
    return np.abs(first - second).mean(axis=-1)


def _yardsticks(columns: Mapping[str, Numbers], sizes: Mapping[str, int]) -> dict[str, float]:
    """Return for each measure the distance that people are within, all measures together, at LEVEL."""
    if not columns:
        return {}
    talks = len(next(iter(columns.values())))
    # One order of the people for all measures of a split, so that measures that go together stay together.
    orders = np.random.default_rng(SEED).permuted(np.tile(np.arange(talks), (SPLITS, 1)), axis=1)
    units: dict[str, float] = {}
    farthest = np.zeros(SPLITS)
    for name, column in columns.items():
        positions = np.where(np.isnan(column), np.nan, _positions(column, column[~np.isnan(column)]))
        apart = _split_distances(positions[orders], sizes[name])
        units[name] = float(np.quantile(apart, LEVEL))
        if units[name]:
            farthest = np.maximum(farthest, apart / units[name])
    factor = float(np.quantile(farthest, LEVEL))
    return {name: max(unit * factor, LEAST) for name, unit in units.items()}


def _split_distances(shuffled: Numbers, size: int) -> Numbers:
    """Return the distance between the first `size` people with a value (at most half of them) and the rest, by split.

    `shuffled` has the shape (splits, people).
    """
    known = shuffled[~np.isnan(shuffled)].reshape(len(shuffled), -1)
    first = min(size, known.shape[1] // 2)
    return _apart(_quantiles(np.sort(known[:, :first])), _quantiles(np.sort(known[:, first:])))


def likeness_by_supporter(talks: Sequence[MeasuredTalk], people: Mapping[Language, PeopleFigures]) -> list[Likeness]:
    """Return the likeness of every supporter's users, by language, in order.

    `people` has every language of the talks.
    """
    groups: dict[tuple[str, Language], list[MeasuredTalk]] = defaultdict(list)
    for talk in talks:
        groups[talk.supporter, talk.language].append(talk)
    return [likeness_of(group, people[key[1]]) for key, group in sorted(groups.items())]
