"""Judges held against people who rated the same dialogues: agreement, and the judge's means corrected."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from cocoon.core.records import Rating
from cocoon.evaluation.groups import Group, Groups, mean_of_votes
from cocoon.evaluation.statistics.agreement import krippendorff, spearman
from cocoon.evaluation.statistics.correction import LEAST, Pair, corrected_mean
from cocoon.evaluation.statistics.estimates import mean_over_profiles
from cocoon.reports.tables.records import Cell, Row, Table

_People = dict[tuple[str, str, str], float]
"""(dialogue, scale, dimension) -> the mean over the people who rated it."""

_Key = tuple[str, str, str, str]
"""Judge, language, kind of prompts, and scale with dimension."""


def people_tables(groups: Groups, people: Sequence[Rating]) -> list[Table]:
    """Return agreement and correction of every judge, for the scales that people rated too."""
    values = _means_of_people(people)
    return [_agreement_table(groups, values), _corrected_table(groups, values)] if values else []


def _means_of_people(people: Sequence[Rating]) -> _People:
    given: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for rating in people:
        for dimension, value in rating.dimensions.items():
            if value is not None:
                given[rating.dialogue, rating.scale, dimension].append(value)
    return {key: sum(values) / len(values) for key, values in given.items()}


def _agreement_table(groups: Groups, people: _People) -> Table:
    pooled: dict[_Key, dict[str, list[Pair]]] = defaultdict(lambda: defaultdict(list))
    for group, scale, dimension in _rated_dimensions(groups, people):
        label = f"{scale} {dimension}"
        for profile, _, pair in _values(group, scale, dimension, people):
            if pair:
                pooled[group.key.judge, group.key.language, group.key.prompts, label][profile].append(pair)
    rows = [Row(labels=list(key), cells=_agreement(pairs)) for key, pairs in sorted(pooled.items())]
    return Table(
        id="judge_people",
        title="Judges and people",
        keys=["Judge", "Language", "Prompts", "Measure"],
        measures=["Spearman", "alpha", "people", "judge - people"],
        rows=rows,
        note=(
            "Over dialogues that both rated, all supporters together: the mean over votes against the mean over raters"
            ". Alpha is Krippendorff's for interval values, which also counts a judge that is milder or harsher than "
            "people. The difference is that of the means, with an interval over profiles."
        ),
    )


def _agreement(pairs: dict[str, list[Pair]]) -> dict[str, Cell]:
    flat = [pair for own in pairs.values() for pair in own]
    by_judge, by_people = ([pair[side] for pair in flat] for side in (0, 1))
    return {
        "Spearman": spearman(by_judge, by_people),
        "alpha": krippendorff(flat, "interval"),
        "people": mean_over_profiles({profile: [pair[1] for pair in own] for profile, own in pairs.items()}),
        "judge - people": mean_over_profiles(
            {profile: [pair[0] - pair[1] for pair in own] for profile, own in pairs.items()}
        ),
    }


def _corrected_table(groups: Groups, people: _People) -> Table:
    rows = []
    for group, scale, dimension in _rated_dimensions(groups, people):
        judged: dict[str, list[float]] = defaultdict(list)
        pairs: dict[str, list[Pair]] = defaultdict(list)
        for profile, value, pair in _values(group, scale, dimension, people):
            judged[profile].append(value)
            pairs[profile] += [pair] if pair else []
        if any(pairs.values()):
            cells: dict[str, Cell] = {"judge": mean_over_profiles(judged), "corrected": corrected_mean(judged, pairs)}
            rows.append(Row(labels=[*group.key.labels, f"{scale} {dimension}"], cells=cells))
    return Table(
        id="corrected",
        title="Means of the judges, corrected by people",
        keys=["Supporter", "Judge", "Language", "Prompts", "Measure"],
        measures=["judge", "corrected"],
        rows=rows,
        note=(
            "Corrected: what people would give on the mean to all dialogues of the row, by the regression estimator "
            "over "
            f"profiles (the difference estimator below {LEAST} rated profiles); its n are the dialogues that people "
            "rated. It holds where they are a fair sample of the row's dialogues. Intervals over profiles."
        ),
    )


def _rated_dimensions(groups: Groups, people: _People) -> Iterator[tuple[Group, str, str]]:
    rated = dict.fromkeys((scale, dimension) for _, scale, dimension in people)
    for group in groups:
        for scale, dimension in rated:
            if group.ratings.get(scale):
                yield group, scale, dimension


def _values(group: Group, scale: str, dimension: str, people: _People) -> Iterator[tuple[str, float, Pair | None]]:
    """Yield every dialogue's profile and judge's value, with the value of people where they rated it."""
    value = mean_of_votes(dimension)
    for votes in group.by_dialogue(scale):
        by_judge = value(votes)
        by_people = people.get((votes[0].dialogue, scale, dimension))
        if by_judge is not None:
            yield votes[0].profile, by_judge, None if by_people is None else (by_judge, by_people)
