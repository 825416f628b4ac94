"""The preferences of people and judges as stacked bars, in the form of the paper's Figure 5."""

from cocoon.evaluation.chart_records import Figure, StackChart, StackRow
from cocoon.evaluation.statistics import Estimate
from cocoon.evaluation.tables import Row, Table

PARTS = ("wins", "ties", "losses")


def preference_figures(wins: Table) -> list[Figure]:
    """One bar a question, pair of conditions and rater; none where nothing was compared."""
    rows = [_row(row) for row in wins.rows if sum(_count(row, part) for part in PARTS)]
    if not rows:
        return []
    chart = StackChart(
        title=wins.title,
        parts=["the first named", "no difference", "the second named"],
        rows=rows,
        axis="Share of the comparisons",
        full=True,
        quiet=1,
        note="Right of a bar: the share of the first named, ties as half, with its interval; missing answers left out.",
        empty="Nothing was compared.",
    )
    return [Figure(id="preferences", chart=chart)]


def _row(row: Row) -> StackRow:
    by, question, condition, against = row.labels
    counts = [_count(row, part) for part in PARTS]
    share = row.cells.get("share")
    name = f"{condition} / {against}: {question.replace('_', ' ')} ({by})"
    return StackRow(name=name, values=[count / sum(counts) for count in counts], remark=_told(share))


def _count(row: Row, part: str) -> int:
    found = row.cells.get(part)
    return found if isinstance(found, int) else 0


def _told(share: object) -> str:
    if not isinstance(share, Estimate) or share.value is None:
        return ""
    interval = "" if share.low is None or share.high is None else f" [{share.low:.2f}, {share.high:.2f}]"
    return f"{share.value:.2f}{interval}"
