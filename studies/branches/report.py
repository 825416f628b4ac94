"""The report of branches: what came of the futures, supporters within a prefix, and the credit of each reply."""

from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path

from cocoon.evaluation.statistics.estimates import Estimate, mean_over_profiles
from cocoon.reports.charts.records import Figure, Mark, Panel, PanelChart, Series
from cocoon.reports.formats.files import write_report_files
from cocoon.reports.origin import origin_warnings
from cocoon.reports.tables.records import Cell, Report, Row, Table
from cocoon.studies.branches.credit import OUTCOMES, Future, contrast, credit_curve

_NOTE = "Mean over people, each the mean of its talks, with a bootstrap interval over people."


def branches_report(title: str, futures: Sequence[Future], branched: Sequence[Future]) -> Report:
    """Return the report of futures. `branched` are those of them that are branches, the others are the parents."""
    shown = [name for name in OUTCOMES if any(future.outcomes.get(name) is not None for future in branched)]
    tables = [
        _futures_table(branched, shown),
        _contrast_table(branched, shown),
        _credit_table(futures, shown),
    ]
    return Report(
        title=title,
        facts=[
            ("Talks", str(len({future.parent for future in branched}))),
            ("Branches", str(len(branched))),
            ("Supporters", ", ".join(_supporters(branched))),
        ],
        tables=[table for table in tables if table.rows],
        figures=[_credit_figure(futures, name) for name in shown],
    )


def write_branches_report(out: Path, title: str, futures: Sequence[Future], branched: Sequence[Future]) -> Report:
    """Write the report into the folder of the branches as branches.md, branches.html, tables/ and figures/."""
    report = branches_report(title, futures, branched)
    report = report.model_copy(update={"warnings": [*origin_warnings([out]), *report.warnings]})
    write_report_files(report, out, "branches", figures="figures")
    return report


def _rounds(futures: Iterable[Future]) -> list[int]:
    return sorted({future.round for future in futures})


def _supporters(futures: Iterable[Future]) -> list[str]:
    return sorted({future.supporter for future in futures if future.supporter is not None})


def _over_people(pairs: Iterable[tuple[str, float | None]]) -> Estimate:
    draws: dict[str, list[float | None]] = {}
    for profile, value in pairs:
        draws.setdefault(profile, []).append(value)
    return mean_over_profiles(draws)


def _futures_table(branched: Sequence[Future], shown: Sequence[str]) -> Table:
    rows: list[Row] = []
    for number in _rounds(branched):
        for supporter in _supporters(branched):
            here = [future for future in branched if (future.round, future.supporter) == (number, supporter)]
            cells: dict[str, Cell] = {
                name: _over_people((future.profile, future.outcomes.get(name)) for future in here) for name in shown
            }
            rows.append(Row(labels=[str(number), supporter], cells={"Futures": len(here), **cells}))
    return Table(
        id="futures",
        title="What came of the futures, by the round at which they begin",
        keys=["Round", "Supporter"],
        measures=["Futures", *shown],
        rows=rows,
        note=f"Disclosed: share of the chain that the user opened in the end. {_NOTE}",
    )


def _parents(futures: Iterable[Future]) -> dict[str, str]:
    return {future.parent: future.profile for future in futures}


def _contrast_table(branched: Sequence[Future], shown: Sequence[str]) -> Table:
    rows: list[Row] = []
    for number in _rounds(branched):
        here = [future for future in branched if future.round == number]
        for second, first in combinations(_supporters(here), 2):
            cells: dict[str, Cell] = {
                name: _over_people(
                    (profile, contrast(here, parent, number, (first, second), name).value)
                    for parent, profile in _parents(here).items()
                )
                for name in shown
            }
            rows.append(Row(labels=[str(number), f"{first} less {second}"], cells=cells))
    return Table(
        id="contrasts",
        title="Supporters on the same words before, by round",
        keys=["Round", "Supporters"],
        measures=list(shown),
        rows=rows,
        note=f"Difference of the mean futures within each prefix. {_NOTE}",
    )


def _credit_by_round(futures: Sequence[Future], supporter: str, outcome: str) -> dict[int, Estimate]:
    credits = [
        (number, profile, estimate.value)
        for parent, profile in _parents(futures).items()
        for number, estimate in credit_curve(futures, parent, supporter, outcome).items()
    ]
    return {
        number: _over_people((profile, value) for other, profile, value in credits if other == number)
        for number in sorted({number for number, _, _ in credits})
    }


def _credit_table(futures: Sequence[Future], shown: Sequence[str]) -> Table:
    rows: list[Row] = []
    for supporter in _supporters(futures):
        curves = {name: _credit_by_round(futures, supporter, name) for name in shown}
        for number in sorted({number for curve in curves.values() for number in curve}):
            cells: dict[str, Cell] = {name: curves[name].get(number) for name in shown}
            rows.append(Row(labels=[supporter, str(number)], cells=cells))
    return Table(
        id="credit",
        title="Credit of the replies that were given, by round",
        keys=["Futures of", "Round"],
        measures=list(shown),
        rows=rows,
        note=(
            "Mean outcome of the futures that begin after the reply (for the last reply: what came), less that of "
            f"those that begin before it. {_NOTE}"
        ),
    )


def _credit_figure(futures: Sequence[Future], outcome: str) -> Figure:
    curves = {supporter: _credit_by_round(futures, supporter, outcome) for supporter in _supporters(futures)}
    series = [
        Series(
            name=f"futures of {supporter}",
            marks=[
                Mark(x=float(number), x_low=None, x_high=None, y=mean.value, low=mean.low, high=mean.high, n=mean.n)
                for number, mean in curve.items()
            ],
        )
        for supporter, curve in curves.items()
        if curve
    ]
    estimates = [estimate for curve in curves.values() for estimate in curve.values()]
    most = max([0.1, *(abs(end) for mean in estimates for end in (mean.value, mean.low, mean.high) if end is not None)])
    panel = Panel(
        title=outcome,
        x_axis="round",
        y_axis="credit of the reply",
        x_range=(0.0, float(max([1, *(number for curve in curves.values() for number in curve)]) + 1)),
        y_range=(-most, most),
        series=series,
    )
    chart = PanelChart(
        title=f"Credit of the replies: {outcome}",
        note="Value after the reply less value before it. Bars are 95 % intervals over people.",
        empty="no talk was left at neighbouring rounds",
        language="en",
        panels=[panel],
    )
    return Figure(id=f"credit_{outcome.lower().replace(' ', '_')}", chart=chart)
