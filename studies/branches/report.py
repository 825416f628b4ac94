"""The report of branches: what came of the futures, arms within a prefix, and the credit of each reply and move."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from cocoon.evaluation.statistics.estimates import Estimate, draws_by_profile, mean_over_profiles
from cocoon.reports.charts.records import Figure, Mark, Panel, PanelChart, Series
from cocoon.reports.formats.files import write_report_files
from cocoon.reports.origin import origin_warnings
from cocoon.reports.tables.records import Cell, Report, Row, Table
from cocoon.studies.branches.credit import NEXT, OUTCOMES, Future, FutureArm, arm_contrast, credit_curve, move_curve

_NOTE = "Mean over people, each the mean of its talks, with a bootstrap interval over people."
_MOVES = (
    "question, statement, reflection and advice: the content of the real reply in that form, written by a model and "
    "checked for form and meaning."
)
Curve = dict[int, Estimate]


@dataclass(frozen=True)
class BranchedRun:
    """What a report of branches is made of. `branched` are those of the futures that are branches.

    `moves` has the move of each real reply, by talk and round. `refused` counts the branches that are missing because
    their move could not be written.
    """

    futures: Sequence[Future]
    branched: Sequence[Future]
    moves: Mapping[str, Mapping[int, str]]
    refused: int = 0


def branches_report(title: str, run: BranchedRun) -> Report:
    """Return the report of futures."""
    branched = run.branched
    ends = [name for name in OUTCOMES if _known(branched, name)]
    shown = [*(name for name in NEXT if _known(branched, name)), *ends]
    moves = sorted({future.move for future in branched if future.move})
    curves = _curves(run.futures, ends)
    tables = [
        _futures_table(branched, shown),
        _contrast_table(branched, shown),
        _credit_table(curves, ends),
        _given_table(run, ends),
    ]
    return Report(
        title=title,
        facts=[
            ("Talks", str(len({future.parent for future in branched}))),
            ("Branches", str(len(branched))),
            ("Supporters", ", ".join(_supporters(branched))),
            *(
                [("Moves", ", ".join(moves)), ("Branches whose move could not be written", str(run.refused))]
                if moves or run.refused
                else []
            ),
        ],
        tables=[table for table in tables if table.rows],
        figures=[_credit_figure(curves, name) for name in ends],
    )


def write_branches_report(out: Path, title: str, run: BranchedRun) -> Report:
    """Write the report into the folder of the branches as branches.md, branches.html, tables/ and figures/."""
    report = branches_report(title, run)
    report = report.model_copy(update={"warnings": [*origin_warnings([out]), *report.warnings]})
    write_report_files(report, out, "branches", figures="figures")
    return report


def _known(futures: Iterable[Future], outcome: str) -> bool:
    return any(future.outcomes.get(outcome) is not None for future in futures)


def _rounds(futures: Iterable[Future]) -> list[int]:
    return sorted({future.round for future in futures})


def _supporters(futures: Iterable[Future]) -> list[str]:
    return sorted({future.supporter for future in futures if future.supporter is not None})


def _arms(futures: Iterable[Future]) -> list[FutureArm]:
    return sorted({future.arm for future in futures if future.arm is not None}, key=lambda arm: (arm[0], arm[1] or ""))


def over_people(pairs: Iterable[tuple[str, float | None]]) -> Estimate:
    """Return the mean over people of (person, value), each the mean of its values, with a bootstrap interval."""
    return mean_over_profiles(draws_by_profile(pairs))


def _futures_table(branched: Sequence[Future], shown: Sequence[str]) -> Table:
    rows: list[Row] = []
    for number in _rounds(branched):
        for arm in _arms(branched):
            here = [future for future in branched if (future.round, future.arm) == (number, arm)]
            cells: dict[str, Cell] = {
                name: over_people((future.profile, future.outcomes.get(name)) for future in here) for name in shown
            }
            if here:
                rows.append(Row(labels=[str(number), arm.label()], cells={"Futures": len(here), **cells}))
    return Table(
        id="futures",
        title="What came of the futures, by the round at which they begin",
        keys=["Round", "Supporter"],
        measures=["Futures", *shown],
        rows=rows,
        note=(
            "Disclosed: share of the chain that the user opened in the end. Next: of the user's turn right after the "
            f"fork, the layers that opened with it, the change of trust, its characters. {_MOVES} {_NOTE}"
        ),
    )


def _parents(futures: Iterable[Future]) -> dict[str, str]:
    return {future.parent: future.profile for future in futures}


def compared_arms(branched: Iterable[Future]) -> list[tuple[FutureArm, FutureArm]]:
    """Return which arms are compared: two moves of one supporter, or two supporters with one move."""
    return [
        (first, second)
        for second, first in combinations(_arms(branched), 2)
        if first.supporter == second.supporter or first.move == second.move
    ]


def contrast_over_people(here: Sequence[Future], pair: tuple[FutureArm, FutureArm], outcome: str) -> Estimate:
    """Return the difference of two arms within each prefix, averaged over people."""
    forks = {(future.parent, future.round): future.profile for future in here}
    return over_people(
        (profile, arm_contrast(here, parent, number, pair, outcome).value)
        for (parent, number), profile in forks.items()
    )


def _contrast_table(branched: Sequence[Future], shown: Sequence[str]) -> Table:
    rows: list[Row] = []
    rounds = _rounds(branched)
    for label, numbers in [*((str(number), [number]) for number in rounds), *([("all", rounds)] if rounds[1:] else [])]:
        here = [future for future in branched if future.round in numbers]
        for first, second in compared_arms(here):
            cells: dict[str, Cell] = {name: contrast_over_people(here, (first, second), name) for name in shown}
            rows.append(Row(labels=[label, f"{first.label()} less {second.label()}"], cells=cells))
    return Table(
        id="contrasts",
        title="Supporters and moves on the same words before, by round",
        keys=["Round", "Difference"],
        measures=list(shown),
        rows=rows,
        note=f"Difference of the mean futures within each prefix. {_NOTE}",
    )


def _curves(futures: Sequence[Future], outcomes: Sequence[str]) -> dict[FutureArm, dict[str, Curve]]:
    """Return the credit by arm, outcome and round: of the real replies without a move, and of each move."""
    curves = {arm: {name: _curve_over_people(futures, arm, name) for name in outcomes} for arm in _arms(futures)}
    return {arm: by_outcome for arm, by_outcome in curves.items() if any(by_outcome.values())}


def _credits(futures: Sequence[Future], arm: FutureArm, outcome: str) -> list[tuple[str, str, int, float | None]]:
    """Return (talk, person, round, credit) of every reply, or of the arm's move where it has one."""
    by_talk: dict[str, list[Future]] = {}
    for future in futures:
        by_talk.setdefault(future.parent, []).append(future)
    curve: Callable[[str], Curve] = (
        (lambda talk: move_curve(by_talk[talk], talk, arm, outcome))
        if arm.move
        else (lambda talk: credit_curve(by_talk[talk], talk, arm.supporter, outcome))
    )
    return [
        (talk, profile, number, estimate.value)
        for talk, profile in _parents(futures).items()
        for number, estimate in curve(talk).items()
    ]


def _curve_over_people(futures: Sequence[Future], arm: FutureArm, outcome: str) -> Curve:
    credits = _credits(futures, arm, outcome)
    return {
        number: over_people((profile, value) for _, profile, other, value in credits if other == number)
        for number in sorted({number for _, _, number, _ in credits})
    }


def _credit_table(curves: Mapping[FutureArm, Mapping[str, Curve]], shown: Sequence[str]) -> Table:
    rows: list[Row] = []
    for arm, by_outcome in curves.items():
        for number in sorted({number for curve in by_outcome.values() for number in curve}):
            cells: dict[str, Cell] = {name: by_outcome[name].get(number) for name in shown}
            rows.append(Row(labels=[arm.supporter, str(number), arm.move or "as given"], cells=cells))
    return Table(
        id="credit",
        title="Credit of the replies, by round and move",
        keys=["Futures of", "Round", "Reply"],
        measures=list(shown),
        rows=rows,
        note=(
            "As given: mean outcome of the futures that begin after the real reply (for the last reply: what came), "
            "less that of those that begin before it. A move: mean outcome of the futures that begin with it, less "
            f"that of those in which the supporter speaks for itself. {_NOTE}"
        ),
    )


def _given_table(run: BranchedRun, shown: Sequence[str]) -> Table:
    rows: list[Row] = []
    for supporter in _supporters(run.branched):
        credits = {name: _credits(run.futures, FutureArm(supporter), name) for name in shown}
        moved = {
            name: [
                (profile, value, run.moves.get(talk, {}).get(number, "")) for talk, profile, number, value in replies
            ]
            for name, replies in credits.items()
        }
        for move in sorted({move for replies in moved.values() for _, _, move in replies if move}):
            cells: dict[str, Cell] = {
                name: over_people((profile, value) for profile, value, other in replies if other == move)
                for name, replies in moved.items()
            }
            count = max(sum(other == move for _, _, other in replies) for replies in moved.values())
            rows.append(Row(labels=[supporter, move], cells={"Replies": count, **cells}))
    return Table(
        id="credit_by_move",
        title="Credit of the real replies, by what they did",
        keys=["Futures of", "Move"],
        measures=["Replies", *shown],
        rows=rows,
        note=(
            "The moves are those that the simulated user's appraiser saw, or else those that a rule reads from the "
            f"words. Nobody assigned them, so that other differences of the replies are in the figures too. {_NOTE}"
        ),
    )


def _credit_figure(curves: Mapping[FutureArm, Mapping[str, Curve]], outcome: str) -> Figure:
    shown = {arm: by_outcome[outcome] for arm, by_outcome in curves.items() if by_outcome[outcome]}
    series = [
        Series(
            name=f"{arm.move}, futures of {arm.supporter}" if arm.move else f"futures of {arm.supporter}",
            marks=[
                Mark(x=float(number), x_low=None, x_high=None, y=mean.value, low=mean.low, high=mean.high, n=mean.n)
                for number, mean in curve.items()
            ],
        )
        for arm, curve in shown.items()
    ]
    estimates = [estimate for curve in shown.values() for estimate in curve.values()]
    most = max([0.1, *(abs(end) for mean in estimates for end in (mean.value, mean.low, mean.high) if end is not None)])
    panel = Panel(
        title=outcome,
        x_axis="round",
        y_axis="credit of the reply",
        x_range=(0.0, float(max([1, *(number for curve in shown.values() for number in curve)]) + 1)),
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
