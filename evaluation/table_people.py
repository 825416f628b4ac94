"""Ratings by people: how far they agree with each other and with the judges, in the form of the paper's Table 10.

A rating by a person is a Rating whose judge is `human:` and the rater's pseudonym; all else about it is the same.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from cocoon.core.records import Rating
from cocoon.evaluation.agreement import Table as RatingTable
from cocoon.evaluation.agreement import kappa, krippendorff, spearman
from cocoon.evaluation.paper_tables import load_paper_table, paper_cells
from cocoon.evaluation.reliability import intraclass
from cocoon.evaluation.scales import Scale
from cocoon.evaluation.statistics import Estimate
from cocoon.evaluation.table_reliability import value_of
from cocoon.evaluation.table_scores import MEASURES, Measure
from cocoon.evaluation.tables import Cell, Row, Table

HUMAN = "human:"


def by_people(ratings: Iterable[Rating]) -> list[Rating]:
    """The ratings that people gave."""
    return [rating for rating in ratings if rating.judge.startswith(HUMAN)]


def measures_of(ratings: Iterable[Rating]) -> list[Measure]:
    """The measures that some ratings have: those of Table 3 under their labels, others under their ids."""
    known = {(one.scale, one.dimension): one for one in MEASURES}
    found = dict.fromkeys((rating.scale, name) for rating in ratings for name in rating.dimensions)
    named = [known.get(key) or Measure(f"{key[0]}.{key[1]}", *key) for key in found]
    order = list(known)
    return sorted(named, key=lambda one: (_place(order, (one.scale, one.dimension)), one.label))


def _place(order: Sequence[tuple[str, str]], key: tuple[str, str]) -> int:
    return order.index(key) if key in order else len(order)


def raters_table(ratings: Sequence[Rating]) -> Table:
    """Agreement between the people who rated, by measure."""
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
    """One row a dialogue, one column a rater; a later rating of the same rater stands in for an earlier one."""
    cells: dict[str, dict[str, float | None]] = defaultdict(dict)
    raters: set[str] = set()
    for rating in ratings:
        if rating.scale == measure.scale:
            raters.add(rating.judge)
            cells[rating.dialogue][rating.judge] = value_of(rating, (measure.scale, measure.dimension))
    order = sorted(raters)
    return [[row.get(rater) for rater in order] for _, row in sorted(cells.items())]


def item_kappas(ratings: Sequence[Rating], scale: Scale) -> Table:
    """Quadratic weighted kappa of every pair of raters on every item of a scale."""
    people = [rating for rating in by_people(ratings) if rating.scale == scale.id]
    raters = sorted({rating.judge for rating in people})
    answers: dict[str, dict[str, dict[str, int | None]]] = defaultdict(dict)
    for rating in people:
        answers[rating.judge][rating.dialogue] = rating.items
    low, high = scale.range
    rows = []
    for place, first in enumerate(raters):
        for second in raters[place + 1 :]:
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
    """A rater's name in tables."""
    return judge.removeprefix(HUMAN)


def judge_match_table(ratings: Sequence[Rating]) -> Table:
    """Spearman's correlation of people and each judge over dialogues, beside the paper's Table 10."""
    people = by_people(ratings)
    judges = sorted({rating.judge for rating in ratings if not rating.judge.startswith(HUMAN)})
    measures = measures_of(people)
    rows = [
        Row(
            labels=["ours", judge],
            cells={
                one.label: _correlation(people, [rating for rating in ratings if rating.judge == judge], one)
                for one in measures
            },
        )
        for judge in judges
    ]
    paper = load_paper_table("table10")
    printed = {row.labels[0]: next(iter(paper_cells(paper, row).values())) for row in paper.rows}
    if rows:
        rows.append(Row(labels=["paper", "gpt-4o"], cells={one.label: printed.get(one.label) for one in measures}))
    return Table(
        id="judge_match",
        title="Agreement of the judges with people (Spearman), like Table 10 of the paper",
        keys=["Source", "Judge"],
        measures=[one.label for one in measures],
        digits=dict.fromkeys([one.label for one in measures], 4),
        rows=rows,
        note=(
            "Over dialogues that people and the judge rated: the mean over raters against the mean over votes. "
            f"Intervals by bootstrap over dialogues. {' '.join(paper.notes)}"
        ),
    )


def _correlation(people: Sequence[Rating], judged: Sequence[Rating], measure: Measure) -> Estimate | None:
    both = [_means(some, measure) for some in (people, judged)]
    shared = sorted(both[0].keys() & both[1].keys())
    if not shared:
        return None
    return spearman([both[0][name] for name in shared], [both[1][name] for name in shared])


def _means(ratings: Iterable[Rating], measure: Measure) -> dict[str, float | None]:
    values: dict[str, list[float]] = {}
    for rating in ratings:
        if rating.scale == measure.scale:
            some = values.setdefault(rating.dialogue, [])
            value = value_of(rating, (measure.scale, measure.dimension))
            some += [] if value is None else [value]
    return {name: sum(some) / len(some) if some else None for name, some in values.items()}
