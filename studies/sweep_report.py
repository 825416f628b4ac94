"""The report of a sweep: what was asked, how it was rated, trends, and what may be said of them."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from cocoon.evaluation.chart_records import Figure, Mark, Panel, PanelChart, Series
from cocoon.evaluation.paired import holm
from cocoon.evaluation.statistics import Estimate, mean_over_profiles
from cocoon.evaluation.tables import Cell, Report, Row, Table
from cocoon.steering.direction import Direction
from cocoon.studies.sweep import SweepArm, SweepPlan, read_plan
from cocoon.studies.sweep_records import Observation, observations, of_arms
from cocoon.studies.sweep_trend import OUTCOMES, SHOWN, Trend, Value, adjusted, conclusion, difference, trend

_FIRST_TURNS = 8
_SPEECH: dict[str, Value] = {
    "Genuine": lambda one: one.ratio,
    "Marked": lambda one: one.marked,
    "Nats": lambda one: one.nats,
    "Length": lambda one: one.length,
}
NOTES = [
    "Primary: all dialogues by the coefficient that was assigned, the profile as the unit. Everything that follows the "
    "coefficient (the measured ratio, success, surprise, length) is sensitivity: conditioning on it can bias.",
    "Genuine: share of the supporter's replies with a question by its form; a statement with a question mark stuck on "
    "does not count (Marked counts it), and neither does a sentence that the limit of tokens cut off. Nats: mean "
    "surprise per token of the replies under the unsteered model.",
    "An arm named `history steered` (or `unsteered`) is the largest coefficient with earlier replies encoded the other "
    "way than in all the others.",
]


def sweep_report(out: Path) -> Report:
    """The report of a sweep's folder; raises CocoonError where it holds none."""
    plan = read_plan(out)
    found = observations(out, plan)
    names = directions_of(plan)
    trends = {(user, name): trends_of(plan, found, user, name) for user in plan.users for name in names}
    return Report(
        title=f"Question ratio and comfort: {out.name}",
        warnings=_warnings(plan, found),
        facts=[
            ("Supporter", plan.base),
            ("Users", ", ".join(plan.users)),
            ("Directions", ", ".join(f"{name}{_place(out, plan, name)}" for name in names)),
            ("History", "encoded unsteered" if plan.tokens == "reply" else "encoded as it was steered"),
            ("Dialogues", str(len(found))),
        ],
        tables=[
            speech_table(plan, found),
            outcome_table(plan, found, "outcomes", "Outcomes on all dialogues (primary)", lambda _: True),
            trend_table(trends),
            outcome_table(
                plan, found, "success_only", "Outcomes on dialogues that found the need (sensitivity)", _succeeded
            ),
            sensitivity_table(plan, found, names),
            placebo_table(plan, found, names),
            turn_table(plan, found),
        ],
        notes=[*NOTES, *conclusions(plan, found, trends, names)],
        figures=[
            comfort_figure(plan, found, "figure_four_all", "all dialogues", lambda _: True),
            comfort_figure(plan, found, "figure_four_success", "dialogues that found the need", _succeeded),
        ],
    )


def _place(out: Path, plan: SweepPlan, name: str) -> str:
    """Where a direction was added, in brackets; empty where its file is not there to tell."""
    path = out / "directions" / f"{name}.safetensors"
    at = plan.at or (Direction.load(path).card.at if path.is_file() else None)
    return {"starts": " (where sentences begin)", "every": " (every token)", None: ""}[at]


def directions_of(plan: SweepPlan) -> list[str]:
    """The directions of a plan, in order."""
    return list(dict.fromkeys(arm.direction for arm in plan.arms if arm.kind == "steered"))


def _succeeded(one: Observation) -> bool:
    return one.success is True


def _warnings(plan: SweepPlan, found: Sequence[Observation]) -> list[str]:
    warnings = list(plan.warnings)
    for user in plan.users:
        own = [one for one in found if one.user == user]
        if not own:
            warnings.append(f"no dialogue with the {user} user yet")
        elif not any(one.success for one in own):
            silent = sum(one.success is None for one in own)
            missing = f" ({silent} without a verdict)" if silent else ""
            warnings.append(
                f"{user} user: 0 of {len(own)} dialogues found the need{missing}; its success-only panel is empty"
            )
    return warnings


def _ladder(plan: SweepPlan, direction: str) -> list[SweepArm]:
    """The unsteered arm and a direction's, by coefficient."""
    own = [arm for arm in plan.arms if arm.kind == "plain" or (arm.kind == "steered" and arm.direction == direction)]
    return sorted(own, key=lambda arm: arm.coefficient)


def _estimate(found: Sequence[Observation], value: Value) -> Estimate:
    draws: dict[str, list[float | None]] = {}
    for one in found:
        draws.setdefault(one.profile, []).append(value(one))
    return mean_over_profiles(draws)


def _each(plan: SweepPlan, found: Sequence[Observation]) -> Iterator[tuple[list[str], list[Observation]]]:
    for user in plan.users:
        for arm in plan.arms:
            yield [user, arm.name], of_arms(found, user, [arm])


def speech_table(plan: SweepPlan, found: Sequence[Observation]) -> Table:
    """How every arm spoke."""
    kinds = ("open", "closed", "tag", "rhetorical")
    rows: list[Row] = []
    for labels, some in _each(plan, found):
        cells: dict[str, Cell] = {name: _estimate(some, value) for name, value in _SPEECH.items()}
        cells |= {kind: sum(one.types.get(kind, 0) for one in some) for kind in kinds}
        rows.append(Row(labels=labels, cells={"Dialogues": len(some), **cells}))
    return Table(
        id="speech",
        title="How the supporters spoke",
        keys=["User", "Arm"],
        measures=["Dialogues", *_SPEECH, *kinds],
        rows=rows,
        note="Question types count sentences (cocoon questions), those with a mark stuck on included.",
    )


def outcome_table(
    plan: SweepPlan, found: Sequence[Observation], name: str, title: str, keep: Callable[[Observation], bool]
) -> Table:
    """The outcomes of every arm on the dialogues to keep."""
    rows: list[Row] = []
    for labels, whole in _each(plan, found):
        some = [one for one in whole if keep(one)]
        cells: dict[str, Cell] = {"Dialogues": f"{len(some)} of {len(whole)}"}
        cells |= {outcome: _estimate(some, value) for outcome, value in SHOWN.items()} if some else {}
        rows.append(Row(labels=labels, cells=cells))
    return Table(id=name, title=title, keys=["User", "Arm"], measures=["Dialogues", *SHOWN], rows=rows)


def trends_of(plan: SweepPlan, found: Sequence[Observation], user: str, direction: str) -> dict[str, Trend]:
    """The primary analysis: change of each outcome, and of the ratio, from the lowest to the highest coefficient."""
    arms = _ladder(plan, direction)
    span = arms[-1].coefficient - arms[0].coefficient
    own = of_arms(found, user, arms)
    wanted: dict[str, Value] = {"Genuine": lambda one: one.ratio, **OUTCOMES}
    return {name: trend(own, lambda one: one.arm.coefficient, value, span) for name, value in wanted.items()}


def trend_table(trends: dict[tuple[str, str], dict[str, Trend]]) -> Table:
    """Primary trends, p corrected over outcomes (Holm) within each user and direction."""
    rows: list[Row] = []
    for (user, direction), some in trends.items():
        corrected = holm([some[name].p for name in OUTCOMES])
        for name, one in some.items():
            p = corrected[list(OUTCOMES).index(name)] if name in OUTCOMES else one.p
            rows.append(Row(labels=[user, direction, name], cells=_trend_cells(one) | {"p": p}))
    return Table(
        id="trends",
        title="Trends over the assigned coefficient (primary)",
        keys=["User", "Direction", "Outcome"],
        measures=["Change", "Profiles", "p"],
        digits={"p": 4},
        rows=rows,
        note=(
            "Change from the lowest to the highest coefficient: mean over profiles of each profile's least-squares "
            "slope. p: sign flips of the profiles' slopes, corrected over the outcomes by Holm's method (not for the "
            "ratio itself, which shows that steering worked)."
        ),
    )


def _trend_cells(one: Trend) -> dict[str, Cell]:
    return {"Change": one.change, "Profiles": one.profiles, "p": one.p}


def sensitivity_table(plan: SweepPlan, found: Sequence[Observation], names: Sequence[str]) -> Table:
    """The same trends seen in other ways, none of which is free of what the coefficient does besides."""
    rows: list[Row] = []
    for user in plan.users:
        for name in names:
            arms = _ladder(plan, name)
            span = arms[-1].coefficient - arms[0].coefficient
            own = of_arms(found, user, arms)
            kept = [one for one in own if one.success]
            for outcome in ("Aff", "7 - Neg"):
                value = OUTCOMES[outcome]
                views = {
                    "over the measured ratio, 0 to 1": trend(own, lambda one: one.ratio, value, 1.0),
                    f"success only, {len(kept)} of {len(own)}": trend(
                        kept, lambda one: one.arm.coefficient, value, span
                    ),
                    "at equal surprise": adjusted(own, value, {"nats": _SPEECH["Nats"]}, span),
                    "at equal surprise and length": adjusted(
                        own, value, {"nats": _SPEECH["Nats"], "length": _SPEECH["Length"]}, span
                    ),
                }
                rows += [
                    Row(labels=[user, name, outcome, view], cells=_trend_cells(one)) for view, one in views.items()
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
    """The largest coefficient against what else could do the same: a random direction, prompting, repeng's default."""
    rows: list[Row] = []
    for user in plan.users:
        for name in names:
            top = _ladder(plan, name)[-1]
            for other in [arm for arm in plan.arms if arm.kind != "steered" and arm.direction in ("", name)]:
                own = of_arms(found, user, [top, other])
                values: dict[str, Value] = {"Genuine": lambda one: one.ratio, **OUTCOMES}
                cells: dict[str, Cell] = {
                    outcome: difference(own, top.name, other.name, value).change for outcome, value in values.items()
                }
                rows.append(Row(labels=[user, top.name, other.name], cells=cells))
    return Table(
        id="placebo",
        title="Largest coefficient less another arm, paired by profile",
        keys=["User", "Arm", "Other arm"],
        measures=["Genuine", *OUTCOMES],
        rows=rows,
        note="random: a direction drawn at random, at equal norm; (nats): at equal rise of surprise.",
    )


def turn_table(plan: SweepPlan, found: Sequence[Observation]) -> Table:
    """Share of dialogues whose k-th reply asks: drift over the talk."""
    rows: list[Row] = []
    for labels, some in _each(plan, found):
        cells: dict[str, Cell] = {}
        for number in range(_FIRST_TURNS):
            asked = [one.by_turn[number] for one in some if len(one.by_turn) > number]
            cells[str(number + 1)] = sum(asked) / len(asked) if asked else None
        rows.append(Row(labels=labels, cells=cells))
    return Table(
        id="turns",
        title="Share of replies that ask, by reply",
        keys=["User", "Arm"],
        measures=[str(number + 1) for number in range(_FIRST_TURNS)],
        rows=rows,
    )


def conclusions(
    plan: SweepPlan,
    found: Sequence[Observation],
    trends: dict[tuple[str, str], dict[str, Trend]],
    names: Sequence[str],
) -> list[str]:
    """One sentence per direction and outcome; causes are named only where users agree and the placebo differs."""
    told: list[str] = []
    for name in names:
        top = _ladder(plan, name)[-1]
        placebos = {
            equal: arm
            for equal, kind in (("norm", "random"), ("surprise", "random_nats"))
            for arm in plan.arms
            if (arm.kind, arm.direction) == (kind, name)
        }
        for outcome, value in OUTCOMES.items():
            own = {user: trends[user, name][outcome] for user in plan.users}
            beside = {
                equal: {
                    user: difference(of_arms(found, user, [top, arm]), top.name, arm.name, value) for user in plan.users
                }
                for equal, arm in placebos.items()
            }
            told.append(f"{name}, {conclusion(outcome, own, beside)}")
    return told


def comfort_figure(
    plan: SweepPlan, found: Sequence[Observation], name: str, which: str, keep: Callable[[Observation], bool]
) -> Figure:
    """Comfort over the measured ratio, a mark per arm: the paper's Figure 4, which shows successes alone."""
    kept = [one for one in found if keep(one)]
    panels = [
        Panel(
            title=title,
            x_axis="share of replies that ask",
            y_axis=outcome,
            x_range=(0, 1),
            y_range=ends,
            series=_series(plan, kept, SHOWN[outcome]),
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
            f"{len(kept)} of {len(found)} dialogues; across: the measured share of replies with a genuine question; "
            "bars are 95 % intervals over profiles."
        ),
        empty=f"0 of {len(found)} dialogues",
        language="en",
        panels=panels,
    )
    return Figure(id=name, chart=chart)


def _series(plan: SweepPlan, found: Sequence[Observation], value: Value) -> list[Series]:
    groups = [(name, _ladder(plan, name)) for name in directions_of(plan)]
    groups.append(("prompting", [arm for arm in plan.arms if arm.kind == "prompt"]))
    groups.append(("random", [arm for arm in plan.arms if arm.kind in ("random", "random_nats")]))
    groups.append(("repeng", [arm for arm in plan.arms if arm.kind == "repeng"]))
    made: list[Series] = []
    for user in plan.users:
        for name, arms in groups:
            marks = [_mark(of_arms(found, user, [arm]), value) for arm in arms]
            if any(mark.y is not None for mark in marks):
                made.append(Series(name=f"{name}, {user} user", marks=marks))
    return made


def _mark(some: Sequence[Observation], value: Value) -> Mark:
    x, y = _estimate(some, _SPEECH["Genuine"]), _estimate(some, value)
    return Mark(x=x.value, x_low=x.low, x_high=x.high, y=y.value, low=y.low, high=y.high, n=y.n)
