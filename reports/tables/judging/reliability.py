"""Tables on how reliable the judges are: votes of one judge, agreement of judges, variance, items of a scale.

Dialogues of all supporters are pooled here. The question is whether judging again would give the same, and the
dialogues of one supporter alone vary too little to answer it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from cocoon.core.records import Rating
from cocoon.evaluation.groups import Groups
from cocoon.evaluation.scales.scoring import Scale
from cocoon.evaluation.statistics.agreement import Table as RatingTable
from cocoon.evaluation.statistics.agreement import krippendorff, spearman
from cocoon.evaluation.statistics.reliability import intraclass, variance_components
from cocoon.evaluation.success.verdicts import ATTRIBUTED, PAPER
from cocoon.reports.tables.judging.items import Together, consistency_table, halo_table, items_table
from cocoon.reports.tables.records import Cell, Row, Table

SUCCESS = {PAPER: "SR paper", ATTRIBUTED: "SR attributed"}
Measure = tuple[str, str]
"""A scale (or success mode) and one of its dimensions (empty for success)."""


INTERVALS = (
    "Intervals of 95 %: F for the intraclass correlations (measured coverage 0.94 to 0.97 at 6 to 20 dialogues), a "
    "jackknife over dialogues for alpha (0.88 to 0.95; the lower, the more raters on fewer than 20 dialogues)."
)


def reliability_tables(groups: Groups, scales: Mapping[str, Scale]) -> list[Table]:
    """Return the tables that the ratings allow.

    Tables for which there is only one vote, one judge or one item are left out.
    """
    together = _pool_supporters(groups)
    tables = [
        votes_table(together),
        judges_table(together),
        components_table(together),
        consistency_table(together, scales),
        items_table(together, scales),
        halo_table(together, scales),
    ]
    return [table for table in tables if table.rows]


def _pool_supporters(groups: Groups) -> Together:
    pooled: Together = defaultdict(list)
    for group in groups:
        for scale in group.ratings:
            key = group.key.language, group.key.prompts
            pooled[key] = [*pooled[key], *group.applicable(scale)]
    return dict(sorted(pooled.items()))


def ratings_by_measure(ratings: Iterable[Rating]) -> dict[Measure, list[Rating]]:
    """Return the ratings of each scale's dimensions and of each success mode, in the order of their names."""
    by_measure: dict[Measure, list[Rating]] = defaultdict(list)
    for rating in ratings:
        for dimension in rating.dimensions if rating.scale not in SUCCESS else [""]:
            by_measure[rating.scale, dimension].append(rating)
    return dict(sorted(by_measure.items()))


def measure_label(measure: Measure) -> str:
    """Return a measure's name in tables of judges."""
    scale, dimension = measure
    return SUCCESS.get(scale) or f"{scale} {dimension}"


def value_of(rating: Rating, measure: Measure) -> float | None:
    """Return a rating's value on a measure: a dimension, or success as 0 or 1, or None where it is missing."""
    if measure[0] not in SUCCESS:
        return rating.dimensions.get(measure[1])
    success = rating.verdict.success if rating.verdict else None
    return None if success is None else float(success)


def votes_table(together: Together) -> Table:
    """Return how far the votes of one judge on one dialogue agree."""
    rows = []
    for (language, prompts), ratings in together.items():
        for judge in sorted({rating.judge for rating in ratings}):
            own = [rating for rating in ratings if rating.judge == judge]
            for measure, measured in ratings_by_measure(own).items():
                table = _table(measured, measure, lambda rating: str(rating.vote))
                if len(table[0]) > 1:
                    cells: dict[str, Cell] = {"votes": len(table[0]), **_agreement(table, measure)}
                    rows.append(Row(labels=[judge, language, prompts, measure_label(measure)], cells=cells))
    return Table(
        id="votes",
        title="Agreement between the votes of a judge",
        keys=["Judge", "Language", "Prompts", "Measure"],
        measures=["votes", "alpha", "ICC(2,1)", "ICC(2,k)"],
        rows=rows,
        note=(
            "Krippendorff's alpha (nominal for success, else interval) and intraclass correlations over all dialogues. "
            f"{INTERVALS} Votes are draws of one model: they show how far its answers are repeatable and nothing of "
            "whether they are right."
        ),
    )


def judges_table(together: Together) -> Table:
    """Return how far different judges agree. A judge's value is the mean of its votes."""
    rows = []
    for (language, prompts), ratings in together.items():
        judges = sorted({rating.judge for rating in ratings})
        for measure, measured in ratings_by_measure(ratings).items():
            table = _table(measured, measure, lambda rating: rating.judge)
            if len(table[0]) > 1:
                cells: dict[str, Cell] = {"judges": len(table[0]), **_agreement(table, measure)}
                pair = len(judges) == 2 and len(table[0]) == 2
                cells["Spearman"] = spearman(*(list(side) for side in zip(*table, strict=True))) if pair else None
                rows.append(Row(labels=[language, prompts, measure_label(measure)], cells=cells))
    return Table(
        id="judges",
        title="Agreement between judges",
        keys=["Language", "Prompts", "Measure"],
        measures=["judges", "alpha", "ICC(2,1)", "ICC(2,k)", "Spearman"],
        rows=rows,
        note=(
            "A judge's value is the mean of its votes on a dialogue; Spearman's correlation for two judges alone. "
            f"{INTERVALS}"
        ),
    )


def _table(ratings: Iterable[Rating], measure: Measure, column: Callable[[Rating], str]) -> RatingTable:
    """Return one row per dialogue with one column per vote or judge.

    Where several ratings share a cell, the cell is their mean.
    """
    cells: dict[str, dict[str, list[float | None]]] = defaultdict(lambda: defaultdict(list))
    columns: set[str] = set()
    for rating in ratings:
        columns.add(column(rating))
        cells[rating.dialogue][column(rating)].append(value_of(rating, measure))
    order = sorted(columns)
    return [[_mean(row.get(name, [])) for name in order] for _, row in sorted(cells.items())]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _agreement(table: RatingTable, measure: Measure) -> dict[str, Cell]:
    # Means of several binary votes are no longer categories: shares are compared as numbers.
    categorical = measure[0] in SUCCESS and all(value in (None, 0, 1) for row in table for value in row)
    alpha = krippendorff(table, "nominal" if categorical else "interval")
    correlation = intraclass(table)
    return {"alpha": alpha, "ICC(2,1)": correlation.single, "ICC(2,k)": correlation.average}


def components_table(together: Together) -> Table:
    """Return where the variance of a measure comes from: profiles, dialogues of a profile, judges, the rest."""
    rows = []
    for (language, prompts), ratings in together.items():
        for measure, measured in ratings_by_measure(ratings).items():
            # Without a second rating of any dialogue, judging cannot be separated from the dialogues.
            if len({(rating.judge, rating.vote) for rating in measured}) < 2:
                continue
            cells = _shares(measured, measure)
            if cells:
                rows.append(Row(labels=[language, prompts, measure_label(measure)], cells=cells))
    return Table(
        id="components",
        title="Sources of variance",
        keys=["Language", "Prompts", "Measure"],
        measures=["profile", "dialogue", "judge", "residual", "ratings", "missing"],
        rows=rows,
        note=(
            "Shares of the variance of single ratings (Henderson's method 1); a negative estimate counts as 0. The "
            "residual holds votes, and judges differing from dialogue to dialogue. Dialogues of one profile differ by "
            "supporter and draw."
        ),
    )


def _shares(ratings: Sequence[Rating], measure: Measure) -> dict[str, Cell] | None:
    components = variance_components(
        [(rating.profile, rating.dialogue, rating.judge, value_of(rating, measure)) for rating in ratings]
    )
    if components is None:
        return None
    shares: dict[str, Cell] = {name: components.share(name) for name in ("profile", "dialogue", "judge", "residual")}
    return {**shares, "ratings": components.n, "missing": components.missing}
