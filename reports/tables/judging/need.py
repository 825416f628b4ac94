"""What it changes that a judge of a scale reads the need: the same dialogues judged both ways."""

from collections import defaultdict

from cocoon.evaluation.groups import NEED_HIDDEN, WITH_NEED, Group, GroupKey, Groups, mean_of_votes
from cocoon.evaluation.statistics.estimates import mean_over_profiles
from cocoon.reports.tables.records import Cell, Row, Table

_Values = dict[str, tuple[str, float]]
"""Dialogue -> its profile and its value on a dimension."""


def need_table(groups: Groups) -> Table:
    """Return the means with the need shown and hidden, and their difference, over dialogues that have both."""
    pairs: dict[GroupKey, dict[str, Group]] = defaultdict(dict)
    for group in groups:
        kind = group.key.prompts.partition(",")[0]
        pairs[GroupKey(group.key.supporter, group.key.judge, group.key.language, "")][kind] = group
    rows = [
        Row(labels=[*key.labels[:3], f"{scale} {dimension}"], cells=cells)
        for key, kinds in pairs.items()
        if kinds.keys() >= {WITH_NEED, NEED_HIDDEN}
        for scale, dimension in _dimensions(kinds[NEED_HIDDEN])
        if (cells := _cells(kinds[WITH_NEED], kinds[NEED_HIDDEN], scale, dimension))
    ]
    return Table(
        id="need",
        title="Need shown to the judge, and hidden",
        keys=["Supporter", "Judge", "Language", "Measure"],
        measures=["shown", "hidden", "shown - hidden"],
        rows=rows,
        note=(
            "The same dialogues under both prompts, the mean of votes of each; intervals over profiles. The difference "
            "is what the judge's knowledge of the need adds to the score."
        ),
    )


def _dimensions(group: Group) -> list[tuple[str, str]]:
    return list(
        dict.fromkeys(
            (scale, name) for scale, ratings in group.ratings.items() for one in ratings for name in one.dimensions
        )
    )


def _values(group: Group, scale: str, dimension: str) -> _Values:
    value = mean_of_votes(dimension)
    votes = group.by_dialogue(scale)
    return {own[0].dialogue: (own[0].profile, mean) for own in votes if (mean := value(own)) is not None}


def _cells(shown: Group, hidden: Group, scale: str, dimension: str) -> dict[str, Cell]:
    with_need, without = (_values(group, scale, dimension) for group in (shown, hidden))
    draws: dict[str, dict[str, list[float | None]]] = {
        name: defaultdict(list) for name in ("shown", "hidden", "shown - hidden")
    }
    for dialogue in with_need.keys() & without.keys():
        profile, first = with_need[dialogue]
        second = without[dialogue][1]
        for name, value in zip(draws, (first, second, first - second), strict=True):
            draws[name][profile].append(value)
    return {name: mean_over_profiles(values) for name, values in draws.items()} if draws["shown"] else {}
