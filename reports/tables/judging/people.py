"""Ratings by people: how far they agree with each other and with the judges, as in the paper's Table 10.

A rating by a person is a Rating whose judge is `human:` followed by the rater's pseudonym. It is otherwise like any
other rating.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from cocoon.core.records import Rating
from cocoon.evaluation.measures import MEASURES, Measure
from cocoon.evaluation.scales.scoring import Scale
from cocoon.evaluation.statistics.agreement import Table as RatingTable
from cocoon.evaluation.statistics.agreement import kappa, krippendorff, spearman
from cocoon.evaluation.statistics.estimates import Estimate
from cocoon.evaluation.statistics.reliability import intraclass
from cocoon.reports.paper.tables import load_paper_table, paper_cells
from cocoon.reports.tables.judging.reliability import value_of
from cocoon.reports.tables.records import Cell, Row, Table

HUMAN = "human:"


def by_people(ratings: Iterable[Rating]) -> list[Rating]:
    """Return the ratings that people gave."""
    return [rating for rating in ratings if rating.judge.startswith(HUMAN)]


def measures_of(ratings: Iterable[Rating]) -> list[Measure]:
    """Return the measures for which there are ratings.

    Measures of Table 3 keep their labels, and others are labelled by their ids.
    """
    known = {(measure.scale, measure.dimension): measure for measure in MEASURES}
    rated_keys = dict.fromkeys((rating.scale, name) for rating in ratings for name in rating.dimensions)
    measures = [known.get(key) or Measure(f"{key[0]}.{key[1]}", *key) for key in rated_keys]
    order = list(known)
    return sorted(measures, key=lambda measure: (_position(order, (measure.scale, measure.dimension)), measure.label))


def _position(order: Sequence[tuple[str, str]], key: tuple[str, str]) -> int:
    return order.index(key) if key in order else len(order)


def raters_table(ratings: Sequence[Rating]) -> Table:
    """Return the agreement between the people who rated, by measure."""
    people = by_people(ratings)
    rows = []
    for measure in measures_of(people):
        table = _by_rater(people, measure)
        if table and len(table[0]) > 1:
            correlation = intraclass(table)
            cells: dict[str, Cell] = {
                "raters": len(table[0]),
                "alpha, ordinal": krippendorff(table, "ordinal"),
                "alpha, interval": krippendorff(table, "interval"),
                "ICC(2,1)": correlation.single,
                "ICC(2,k)": correlation.average,
            }
            rows.append(Row(labels=[measure.label], cells=cells))
    return Table(
        id="raters",
        title="Agreement between raters",
        keys=["Measure"],
        measures=["raters", "alpha, ordinal", "alpha, interval", "ICC(2,1)", "ICC(2,k)"],
        rows=rows,
        note=(
            "Krippendorff's alpha counts every dialogue that two or more people rated; the intraclass correlations "
            "count those that all of them rated (the others are missing there). Intervals by bootstrap over dialogues."
        ),
    )


def _by_rater(ratings: Iterable[Rating], measure: Measure) -> RatingTable:
    """Return one row per dialogue with one column per rater.

    A later rating by the same rater replaces an earlier one.
    """
    cells: dict[str, dict[str, float | None]] = defaultdict(dict)
    raters: set[str] = set()
    for rating in ratings:
        if rating.scale == measure.scale:
            raters.add(rating.judge)
            cells[rating.dialogue][rating.judge] = value_of(rating, (measure.scale, measure.dimension))
    order = sorted(raters)
    return [[row.get(rater) for rater in order] for _, row in sorted(cells.items())]


def item_kappas(ratings: Sequence[Rating], scale: Scale) -> Table:
    """Return the quadratic weighted kappa of every pair of raters on every item of a scale."""
    people = [rating for rating in by_people(ratings) if rating.scale == scale.id]
    raters = sorted({rating.judge for rating in people})
    answers: dict[str, dict[str, dict[str, int | None]]] = defaultdict(dict)
    for rating in people:
        answers[rating.judge][rating.dialogue] = rating.items
    low, high = scale.range
    rows = []
    for index, first in enumerate(raters):
        for second in raters[index + 1 :]:
            shared = sorted(answers[first].keys() & answers[second].keys())
            cells: dict[str, Cell] = {
                item: kappa(
                    [answers[first][name].get(item) for name in shared],
                    [answers[second][name].get(item) for name in shared],
                    "quadratic",
                    range(low, high + 1),
                )
                for item in scale.item_ids
            }
            rows.append(Row(labels=[pseudonym(first), pseudonym(second)], cells=cells))
    return Table(
        id=f"kappa_{''.join(c if c.isalpha() else '_' for c in scale.id)}",
        title=f"Weighted kappa, {scale.id}",
        keys=["Rater", "Other rater"],
        measures=scale.item_ids,
        rows=rows,
        note="Cohen's kappa with quadratic weights over the dialogues that both rated, item by item as answered.",
    )


def pseudonym(judge: str) -> str:
    """Return a rater's name for tables."""
    return judge.removeprefix(HUMAN)


def judge_match_table(ratings: Sequence[Rating]) -> Table:
    """Return Spearman's correlation of people and each judge over dialogues, beside the paper's Table 10."""
    people = by_people(ratings)
    judges = sorted({rating.judge for rating in ratings if not rating.judge.startswith(HUMAN)})
    measures = measures_of(people)
    rows = [
        Row(
            labels=["ours", judge],
            cells={
                measure.label: _correlation(people, [rating for rating in ratings if rating.judge == judge], measure)
                for measure in measures
            },
        )
        for judge in judges
    ]
    paper = load_paper_table("table10")
    printed = {row.labels[0]: next(iter(paper_cells(paper, row).values())) for row in paper.rows}
    if rows:
        rows.append(
            Row(labels=["paper", "gpt-4o"], cells={measure.label: printed.get(measure.label) for measure in measures})
        )
    return Table(
        id="judge_match",
        title="Agreement of the judges with people (Spearman), like Table 10 of the paper",
        keys=["Source", "Judge"],
        measures=[measure.label for measure in measures],
        digits=dict.fromkeys([measure.label for measure in measures], 4),
        rows=rows,
        note=(
            "Over dialogues that people and the judge rated: the mean over raters against the mean over votes. "
            f"Intervals by bootstrap over dialogues. {' '.join(paper.notes)}"
        ),
    )


def _correlation(people: Sequence[Rating], judged: Sequence[Rating], measure: Measure) -> Estimate | None:
    means_by_dialogue = [_means(ratings, measure) for ratings in (people, judged)]
    shared = sorted(means_by_dialogue[0].keys() & means_by_dialogue[1].keys())
    if not shared:
        return None
    return spearman([means_by_dialogue[0][name] for name in shared], [means_by_dialogue[1][name] for name in shared])


def _means(ratings: Iterable[Rating], measure: Measure) -> dict[str, float | None]:
    values: dict[str, list[float]] = {}
    for rating in ratings:
        if rating.scale == measure.scale:
            dialogue_values = values.setdefault(rating.dialogue, [])
            value = value_of(rating, (measure.scale, measure.dimension))
            dialogue_values += [] if value is None else [value]
    return {
        name: sum(dialogue_values) / len(dialogue_values) if dialogue_values else None
        for name, dialogue_values in values.items()
    }
