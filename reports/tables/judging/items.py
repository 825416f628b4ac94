"""Tables on the items of scales: consistency, each item against the rest and between languages, halo of a judge."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

from cocoon.core.records import Rating
from cocoon.evaluation.scales.scoring import Dimension, Scale, load_scale, shipped_scales
from cocoon.evaluation.statistics.estimates import Estimate
from cocoon.evaluation.statistics.items import language_differences, mean_correlation, rest_correlations
from cocoon.evaluation.statistics.reliability import cronbach
from cocoon.reports.tables.records import Cell, Row, Table

Together = Mapping[tuple[str, str], Sequence[Rating]]
"""(language, kind of prompts) -> ratings of all supporters and judges."""

DIFFERENCE = "zh - en at equal rest"
_Answers = list[list[float | None]]


def consistency_table(together: Together, scales: Mapping[str, Scale]) -> Table:
    """Return Cronbach's alpha of every dimension with two items or more, by judge."""
    rows = [
        Row(labels=[judge, language, prompts, f"{scale.id} {dimension.id}"], cells={"Cronbach's alpha": alpha})
        for (language, prompts), ratings in together.items()
        for judge, scale, rated in _by_judge_and_scale(ratings, scales)
        for dimension in scale.dimensions
        if len(dimension.items) > 1
        for alpha in [cronbach(_answers(rated, scale, dimension.items))]
    ]
    return Table(
        id="consistency",
        title="Internal consistency of the scales",
        keys=["Judge", "Language", "Prompts", "Dimension"],
        measures=["Cronbach's alpha"],
        rows=rows,
        note=(
            "Over keyed items; a dialogue counts by its first vote, and not at all where an item is missing. A model "
            "answers all items in one reply, which raises alpha above that of people."
        ),
    )


def items_table(together: Together, scales: Mapping[str, Scale]) -> Table:
    """Return each item's correlation with the rest of its dimension by language, and its difference between them."""
    rows: dict[tuple[str, str, str, str], dict[str, Cell]] = {}
    for prompts in dict.fromkeys(kind for _, kind in together):
        languages = {language: ratings for (language, kind), ratings in together.items() if kind == prompts}
        for language, ratings in languages.items():
            for judge, scale, rated in _by_judge_and_scale(ratings, scales):
                for item, estimate in _against_rest(rated, scale):
                    rows.setdefault((judge, prompts, scale.id, item), {})[f"r with rest, {language}"] = estimate
        both = [rating for language in ("en", "zh") for rating in languages.get(language, ())]
        chinese = {rating.dialogue for rating in languages.get("zh", ())}
        for judge, scale, rated in _by_judge_and_scale(both, scales) if len(languages) > 1 else ():
            for item, estimate in _between_languages(rated, scale, chinese):
                rows.setdefault((judge, prompts, scale.id, item), {})[DIFFERENCE] = estimate
    return Table(
        id="items",
        title="Items of the scales",
        keys=["Judge", "Prompts", "Scale", "Item"],
        measures=["r with rest, en", "r with rest, zh", DIFFERENCE],
        rows=[Row(labels=list(labels), cells=cells) for labels, cells in rows.items()],
        note=(
            "r with rest: correlation of a keyed item with the sum of the other items of its dimension (corrected "
            "item-total), by a jackknife over profiles. An item near 0 or below it does not measure what the others "
            "do. The difference is in points: how much higher the item is rated in Chinese than in English where the "
            "mean of the other items is equal, from a regression with profiles as clusters. It tells items apart, "
            "and no difference that all items share. An item without a dimension of several items is held against "
            "the others of its scale. First votes; supporters pooled."
        ),
    )


def halo_table(together: Together, scales: Mapping[str, Scale]) -> Table:
    """Return how far a judge's ratings on unlike dimensions go together, by pair of scales."""
    rows = []
    for (language, prompts), ratings in together.items():
        for judge, pairs in _unlike_pairs(ratings, scales):
            for label, columns in pairs.items():
                cells = _halo(ratings, judge, columns)
                if cells:
                    rows.append(Row(labels=[judge, language, prompts, label], cells=cells))
    return Table(
        id="halo",
        title="Halo of the judges",
        keys=["Judge", "Language", "Prompts", "Scales"],
        measures=["pairs", "mean r"],
        rows=rows,
        note=(
            "Mean correlation between dimensions of two scales, or between the metrics of a scale that has one item a "
            "dimension, over dialogues, within supporters, each turned so that higher is better. Dimensions that have "
            "little to do with each other, such as fluency and relief, should not rise and fall together: near 1, a "
            "judge gives one verdict under several names. Jackknife over profiles; first votes."
        ),
    )


def _by_judge_and_scale(
    ratings: Iterable[Rating], scales: Mapping[str, Scale]
) -> Iterator[tuple[str, Scale, list[Rating]]]:
    """Yield the first votes of each judge on each scale whose items are at hand."""
    groups: dict[tuple[str, str], list[Rating]] = {}
    for rating in ratings:
        if rating.items:
            groups.setdefault((rating.judge, rating.scale), []).append(rating)
    for (judge, name), own in sorted(groups.items()):
        scale = scales.get(name) or (load_scale(name) if name in shipped_scales() else None)
        rated = [rating for rating in own if scale is not None and set(rating.items) == set(scale.item_ids)]
        first = min((rating.vote for rating in rated), default=0)
        if scale is not None and rated:
            yield judge, scale, [rating for rating in rated if rating.vote == first]


def _answers(ratings: Iterable[Rating], scale: Scale, items: Sequence[str]) -> _Answers:
    """Return the keyed answers, one row per rating and one column per item."""
    low, high = scale.range
    reverse = {item.id for item in scale.items if item.reverse}
    return [
        [
            None
            if (value := rating.items.get(item)) is None
            else float(low + high - value if item in reverse else value)
            for item in items
        ]
        for rating in ratings
    ]


def _compared_items(scale: Scale) -> list[Sequence[str]]:
    """Return the sets of items that are held against each other: a dimension's, or all where each has one item."""
    several = [dimension.items for dimension in scale.dimensions if len(dimension.items) > 1]
    return [*several] if several else [scale.item_ids]


def _against_rest(ratings: Sequence[Rating], scale: Scale) -> Iterator[tuple[str, Estimate]]:
    profiles = [rating.profile for rating in ratings]
    for items in _compared_items(scale):
        if len(items) > 1:
            yield from zip(items, rest_correlations(_answers(ratings, scale, items), profiles), strict=True)


def _between_languages(ratings: Sequence[Rating], scale: Scale, chinese: set[str]) -> Iterator[tuple[str, Estimate]]:
    profiles = [rating.profile for rating in ratings]
    second = [rating.dialogue in chinese for rating in ratings]
    for items in _compared_items(scale):
        if len(items) > 1:
            table = _answers(ratings, scale, items)
            yield from zip(items, language_differences(table, profiles, second), strict=True)


_Column = tuple[str, Dimension]


def _unlike_pairs(
    ratings: Sequence[Rating], scales: Mapping[str, Scale]
) -> Iterator[tuple[str, dict[str, list[tuple[_Column, _Column]]]]]:
    """Yield each judge's pairs of dimensions that are not meant to measure one thing, by the names of their scales."""
    by_judge: dict[str, list[Scale]] = {}
    for judge, scale, _ in _by_judge_and_scale(ratings, scales):
        by_judge.setdefault(judge, []).append(scale)
    for judge, own in by_judge.items():
        pairs: dict[str, list[tuple[_Column, _Column]]] = {}
        columns = [(scale.id, dimension) for scale in own for dimension in scale.dimensions]
        for first, second in itertools.combinations(columns, 2):
            if first[0] != second[0]:
                pairs.setdefault(f"{first[0]} × {second[0]}", []).append((first, second))
            elif len(first[1].items) == len(second[1].items) == 1:
                pairs.setdefault(first[0], []).append((first, second))
        yield judge, pairs


def _halo(ratings: Sequence[Rating], judge: str, pairs: Sequence[tuple[_Column, _Column]]) -> dict[str, Cell]:
    columns = list(dict.fromkeys((scale, dimension.id) for pair in pairs for scale, dimension in pair))
    sign = {
        (scale, dimension.id): -1 if dimension.better == "lower" else 1 for pair in pairs for scale, dimension in pair
    }
    firsts: dict[tuple[str, str], Rating] = {}
    for rating in sorted(ratings, key=lambda rating: rating.vote):
        if rating.judge == judge:
            firsts.setdefault((rating.dialogue, rating.scale), rating)
    heads = {dialogue: rating for (dialogue, _), rating in firsts.items()}
    table: _Answers = []
    for dialogue in heads:
        own = [firsts.get((dialogue, scale)) for scale, _ in columns]
        values = [
            rating.dimensions.get(column[1]) if rating else None for rating, column in zip(own, columns, strict=True)
        ]
        table.append(
            [None if value is None else sign[column] * value for value, column in zip(values, columns, strict=True)]
        )
    indices = [tuple(columns.index((scale, dimension.id)) for scale, dimension in pair) for pair in pairs]
    estimate = mean_correlation(
        table,
        [rating.profile for rating in heads.values()],
        [rating.supporter for rating in heads.values()],
        [(first, second) for first, second in indices],
    )
    return {"pairs": len(pairs), "mean r": estimate} if estimate.n else {}
