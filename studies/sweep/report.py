"""The report of a sweep: what was asked, how it was rated, trends, and which conclusions they allow."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from cocoon.evaluation.statistics.estimates import Estimate, draws_by_profile, mean_over_profiles
from cocoon.reports.charts.records import Figure, Mark, Panel, PanelChart, Series
from cocoon.reports.formats.files import write_report_files
from cocoon.reports.origin import origin_warnings
from cocoon.reports.tables.records import Cell, Report, Row, Table
from cocoon.running.folder import read_config
from cocoon.running.reading.former import FORMER, RENAMED
from cocoon.steering.directions.direction import Direction
from cocoon.studies.sweep.cause import family_level
from cocoon.studies.sweep.evidence import (
    RATIO,
    READER,
    conclusions,
    evidence_of,
    random_table,
    trend_cells,
    trend_table,
    trends_of,
)
from cocoon.studies.sweep.plan import USERS, SweepPlan, directions_of, ladder, read_plan
from cocoon.studies.sweep.records import Observation, observations, of_arms
from cocoon.studies.sweep.targets import target_table
from cocoon.studies.sweep.trend import OUTCOMES, SHOWN, Value, adjusted, difference, trend

_FIRST_TURNS = 8
_SPEECH: dict[str, Value] = {
    RATIO: lambda observation: observation.ratio,
    "Probing": lambda observation: observation.probing,
    "Marked": lambda observation: observation.marked,
    "Nats": lambda observation: observation.nats,
    "Length": lambda observation: observation.length,
}
NOTES = [
    "Primary: all dialogues by the coefficient that was assigned, the profile as the unit. Everything that follows the "
    "coefficient (the measured ratio, success, surprise, length) is sensitivity: conditioning on it can bias.",
    "Genuine: share of the supporter's replies with a question by its form; a statement with a question mark stuck on "
    "does not count (Marked counts it), and neither does a sentence that the limit of tokens cut off. Nats: mean "
    "surprise per token of the replies under the unsteered model.",
    "Steering is an intervention where sentences begin, or at every token, as each direction says under Directions: "
    "the coefficient is added there and nowhere else.",
    "An arm named `history steered` (or `unsteered`) is the largest coefficient with earlier replies encoded the other "
    "way than in all the others.",
]


def sweep_report(out: Path) -> Report:
    """Return the report of a sweep's folder. Raises CocoonError if the folder holds no sweep."""
    plan = read_plan(out)
    rows = observations(out, plan)
    names = directions_of(plan)
    rules = trust_rules(out, plan)
    level = family_level(len(OUTCOMES) * len(names))
    trends = {(user, name): trends_of(plan, rows, user, name, level) for user in plan.users for name in names}
    evidence = {name: evidence_of(plan, rows, trends, name, level) for name in names}
    return Report(
        title=f"Question ratio and comfort: {out.name}",
        warnings=_warnings(plan, rows),
        facts=[
            ("Supporter", plan.base),
            ("Users", ", ".join(plan.users)),
            ("Trust rules", ", ".join(rules)),
            ("Directions", ", ".join(f"{name}{_where_added(out, plan, name)}" for name in names)),
            ("History", "encoded unsteered" if plan.tokens == "reply" else "encoded as it was steered"),
            ("Dialogues", str(len(rows))),
        ],
        tables=[
            speech_table(plan, rows),
            *([target_table(plan, rows)] if any(arm.ratio is not None for arm in plan.arms) else []),
            outcome_table(plan, rows, "outcomes", "Outcomes on all dialogues (primary)", lambda _: True),
            trend_table(trends),
            random_table(evidence),
            outcome_table(
                plan, rows, "success_only", "Outcomes on dialogues that found the need (sensitivity)", _succeeded
            ),
            sensitivity_table(plan, rows, names),
            placebo_table(plan, rows, names),
            turn_table(plan, rows),
        ],
        notes=[*NOTES, *conclusions(evidence, rules)],
        figures=[
            comfort_figure(plan, rows, "figure_four_all", "all dialogues", lambda _: True),
            comfort_figure(plan, rows, "figure_four_success", "dialogues that found the need", _succeeded),
        ],
    )


def trust_rules(out: Path, plan: SweepPlan) -> list[str]:
    """Return the trust rules that the guarded users of a sweep had, under the names of today."""
    configs = [read_config(out / USERS / user) for user in plan.users]
    users = [config.user for config in configs if config is not None and config.user.kind == "guarded"]
    return list(dict.fromkeys(RENAMED if user.rules == FORMER else user.rules for user in users))


def write_sweep_report(out: Path) -> Report:
    """Write the report of a sweep's folder into it as sweep.md, sweep.html, tables/ and figures/, and return it."""
    report = sweep_report(out)
    origin = origin_warnings(out / USERS / user for user in read_plan(out).users)
    report = report.model_copy(update={"warnings": [*origin, *report.warnings]})
    write_report_files(report, out, "sweep", figures="figures")
    return report


def _where_added(out: Path, plan: SweepPlan, name: str) -> str:
    """Return where a direction was added, in brackets, or an empty text if its file is missing."""
    path = out / "directions" / f"{name}.safetensors"
    at = plan.at or (Direction.load(path).card.at if path.is_file() else None)
    return {"starts": " (where sentences begin)", "every": " (every token)", None: ""}[at]


def _succeeded(observation: Observation) -> bool:
    return observation.success is True


def _warnings(plan: SweepPlan, rows: Sequence[Observation]) -> list[str]:
    warnings = list(plan.warnings)
    for user in plan.users:
        user_rows = [row for row in rows if row.user == user]
        if not user_rows:
            warnings.append(f"no dialogue with the {user} user yet")
        elif not any(row.success for row in user_rows):
            silent = sum(row.success is None for row in user_rows)
            missing = f" ({silent} without a verdict)" if silent else ""
            warnings.append(
                f"{user} user: 0 of {len(user_rows)} dialogues found the need{missing}; its success-only panel is empty"
            )
    return warnings


def speech_of(plan: SweepPlan, found: Sequence[Observation]) -> dict[str, Value]:
    """Return what is measured of the supporters' words, with the reader's ratio where labels correct it.

    Where a judge read replies, the share of coherent ones is among them.
    """
    corrected: dict[str, Value] = {READER: lambda observation: observation.ratio_by(plan.reader)}
    coherent: dict[str, Value] = {"Coherent": lambda observation: observation.coherent}
    first = {RATIO: _SPEECH[RATIO], **(corrected if plan.reader else {})}
    return {**first, **_SPEECH, **(coherent if any(row.coherent is not None for row in found) else {})}


def _estimate(rows: Sequence[Observation], value: Value) -> Estimate:
    return mean_over_profiles(draws_by_profile((row.profile, value(row)) for row in rows))


def _rows_by_arm(plan: SweepPlan, rows: Sequence[Observation]) -> Iterator[tuple[list[str], list[Observation]]]:
    for user in plan.users:
        for arm in plan.arms:
            yield [user, arm.name], of_arms(rows, user, [arm])


def speech_table(plan: SweepPlan, found: Sequence[Observation]) -> Table:
    """Return how every arm spoke."""
    kinds = ("open", "closed", "tag", "probe", "rhetorical", "reported")
    rows: list[Row] = []
    for labels, arm_rows in _rows_by_arm(plan, found):
        cells: dict[str, Cell] = {name: _estimate(arm_rows, value) for name, value in speech_of(plan, found).items()}
        cells |= {kind: sum(row.types.get(kind, 0) for row in arm_rows) for kind in kinds}
        rows.append(Row(labels=labels, cells={"Dialogues": len(arm_rows), **cells}))
    return Table(
        id="speech",
        title="How the supporters spoke",
        keys=["User", "Arm"],
        measures=["Dialogues", *speech_of(plan, found), *kinds],
        rows=rows,
        note="Question types count sentences (cocoon questions), those with a mark stuck on included.",
    )


def outcome_table(
    plan: SweepPlan, found: Sequence[Observation], name: str, title: str, keep: Callable[[Observation], bool]
) -> Table:
    """Return the outcomes of every arm on the dialogues to keep."""
    rows: list[Row] = []
    for labels, arm_rows in _rows_by_arm(plan, found):
        selected = [row for row in arm_rows if keep(row)]
        cells: dict[str, Cell] = {"Dialogues": f"{len(selected)} of {len(arm_rows)}"}
        cells |= {outcome: _estimate(selected, value) for outcome, value in SHOWN.items()} if selected else {}
        rows.append(Row(labels=labels, cells=cells))
    return Table(id=name, title=title, keys=["User", "Arm"], measures=["Dialogues", *SHOWN], rows=rows)


def sensitivity_table(plan: SweepPlan, found: Sequence[Observation], names: Sequence[str]) -> Table:
    """Return other views of the same trends, none of which is free of the coefficient's other effects."""
    rows: list[Row] = []
    for user in plan.users:
        for name in names:
            arms = ladder(plan, name)
            span = arms[-1].coefficient - arms[0].coefficient
            arm_rows = of_arms(found, user, arms)
            successes = [row for row in arm_rows if row.success]
            for outcome in ("Aff", "7 - Neg"):
                value = OUTCOMES[outcome]
                views = {
                    "over the measured ratio, 0 to 1": trend(arm_rows, lambda row: row.ratio, value, 1.0),
                    f"success only, {len(successes)} of {len(arm_rows)}": trend(
                        successes, lambda row: row.arm.coefficient, value, span
                    ),
                    "at equal surprise": adjusted(arm_rows, value, {"nats": _SPEECH["Nats"]}, span),
                    "at equal surprise and length": adjusted(
                        arm_rows, value, {"nats": _SPEECH["Nats"], "length": _SPEECH["Length"]}, span
                    ),
                }
                rows += [
                    Row(labels=[user, name, outcome, view], cells=trend_cells(outcome_trend))
                    for view, outcome_trend in views.items()
                ]
    return Table(
        id="sensitivity",
        title="Sensitivity: other views of the trends",
        keys=["User", "Direction", "Outcome", "View"],
        measures=["Change", "Profiles", "p"],
        digits={"p": 4},
        rows=rows,
        note="At equal surprise or length: least squares within profiles, percentile bootstrap over profiles, no p.",
    )


def placebo_table(plan: SweepPlan, found: Sequence[Observation], names: Sequence[str]) -> Table:
    """Compare the largest coefficient with other possible causes: a random direction, prompting, repeng's default."""
    rows: list[Row] = []
    for user in plan.users:
        for name in names:
            top = ladder(plan, name)[-1]
            for other in [
                arm for arm in plan.arms if arm.kind not in ("steered", "random") and arm.direction in ("", name)
            ]:
                paired_rows = of_arms(found, user, [top, other])
                values: dict[str, Value] = {RATIO: lambda row: row.ratio, **OUTCOMES}
                cells: dict[str, Cell] = {
                    outcome: difference(paired_rows, top.name, other.name, value).change
                    for outcome, value in values.items()
                }
                rows.append(Row(labels=[user, top.name, other.name], cells=cells))
    return Table(
        id="placebo",
        title="Largest coefficient less another arm, paired by profile",
        keys=["User", "Arm", "Other arm"],
        measures=[RATIO, *OUTCOMES],
        rows=rows,
        note="(nats): a direction drawn at random, at equal rise of surprise.",
    )


def turn_table(plan: SweepPlan, found: Sequence[Observation]) -> Table:
    """Return the share of dialogues whose k-th reply asks, which shows drift over the dialogue."""
    rows: list[Row] = []
    for labels, arm_rows in _rows_by_arm(plan, found):
        cells: dict[str, Cell] = {}
        for number in range(_FIRST_TURNS):
            asking = [row.by_turn[number] for row in arm_rows if len(row.by_turn) > number]
            cells[str(number + 1)] = sum(asking) / len(asking) if asking else None
        rows.append(Row(labels=labels, cells=cells))
    return Table(
        id="turns",
        title="Share of replies that ask, by reply",
        keys=["User", "Arm"],
        measures=[str(number + 1) for number in range(_FIRST_TURNS)],
        rows=rows,
    )


def comfort_figure(
    plan: SweepPlan, found: Sequence[Observation], name: str, which: str, keep: Callable[[Observation], bool]
) -> Figure:
    """Draw comfort over the measured ratio, with one mark per arm.

    The paper's Figure 4 shows the same for successes only.
    """
    selected = [observation for observation in found if keep(observation)]
    panels = [
        Panel(
            title=title,
            x_axis=f"share of replies that ask{', by a reader' if plan.reader else ''}",
            y_axis=outcome,
            x_range=(0, 1),
            y_range=ends,
            series=_series(plan, selected, SHOWN[outcome]),
        )
        for title, outcome, ends in (
            ("Affective improvement", "Aff", (1.0, 7.0)),
            ("Negative evaluation", "Neg", (1.0, 7.0)),
            ("Negative evaluation, turned", "7 - Neg", (0.0, 6.0)),
        )
    ]
    chart = PanelChart(
        title=f"Comfort by question ratio: {which}",
        note=(
            f"{len(selected)} of {len(found)} dialogues; across: the measured share of replies with a genuine "
            "question; bars are 95 % intervals over profiles."
        ),
        empty=f"0 of {len(found)} dialogues",
        language="en",
        panels=panels,
    )
    return Figure(id=name, chart=chart)


def _series(plan: SweepPlan, rows: Sequence[Observation], value: Value) -> list[Series]:
    groups = [(name, ladder(plan, name)) for name in directions_of(plan)]
    groups.append(("prompting", [arm for arm in plan.arms if arm.kind == "prompt"]))
    groups.append(("random", [arm for arm in plan.arms if arm.kind in ("random", "random_nats")]))
    groups.append(("repeng", [arm for arm in plan.arms if arm.kind == "repeng"]))
    series: list[Series] = []
    for user in plan.users:
        for name, arms in groups:
            marks = [_mark(plan, of_arms(rows, user, [arm]), value) for arm in arms]
            if any(mark.y is not None for mark in marks):
                series.append(Series(name=f"{name}, {user} user", marks=marks))
    return series


def _mark(plan: SweepPlan, rows: Sequence[Observation], value: Value) -> Mark:
    x, y = _estimate(rows, lambda observation: observation.ratio_by(plan.reader)), _estimate(rows, value)
    return Mark(x=x.value, x_low=x.low, x_high=x.high, y=y.value, low=y.low, high=y.high, n=y.n)
