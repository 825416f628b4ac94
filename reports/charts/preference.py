"""The preferences of people and judges as stacked bars, like the paper's Figure 5."""

from collections import defaultdict

from cocoon.evaluation.statistics.estimates import Estimate
from cocoon.reports.charts.records import Figure, StackChart, StackRow
from cocoon.reports.tables.records import Row, Table

PARTS = ("wins", "ties", "losses")


def preference_figures(wins: Table) -> list[Figure]:
    """Return a chart for each pair of conditions and those who compared it, with a bar per question."""
    rows_by_chart: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in wins.rows:
        by, _, condition, against = row.labels
        if sum(_count(row, part) for part in PARTS):
            rows_by_chart[condition, against, by].append(row)
    charts = [_chart(*key, rows) for key, rows in sorted(rows_by_chart.items(), key=lambda pair: pair[0][:2])]
    return [Figure(id=f"preferences_{_letters(number)}", chart=chart) for number, chart in enumerate(charts)]


def _letters(number: int) -> str:
    return chr(ord("a") + number // 26) + chr(ord("a") + number % 26)


def _chart(condition: str, against: str, by: str, rows: list[Row]) -> StackChart:
    return StackChart(
        title=f"{condition} against {against}: {by}",
        parts=[condition, "no difference", against],
        rows=[_bar(row) for row in rows],
        axis="Share of the comparisons",
        full=True,
        quiet=1,
        note=f"Right of a bar: the share of {condition}, ties as half, with its interval; missing answers left out.",
        empty="Nothing was compared.",
    )


def _bar(row: Row) -> StackRow:
    counts = [_count(row, part) for part in PARTS]
    remark = f"{_share_text(row.cells.get('share'))}, n {sum(counts)}"
    return StackRow(
        name=row.labels[1].replace("_", " "), values=[count / sum(counts) for count in counts], remark=remark
    )


def _count(row: Row, part: str) -> int:
    count = row.cells.get(part)
    return count if isinstance(count, int) else 0


def _share_text(share: object) -> str:
    if not isinstance(share, Estimate) or share.value is None:
        return ""
    interval = "" if share.low is None or share.high is None else f" [{share.low:z.2f}, {share.high:z.2f}]"
    return f"{share.value:z.2f}{interval}"
