"""The report of the study of asking: effects under every rule set, beside a sweep and the paper, and what is needed."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from cocoon.agents.writers.moves import REFUSED
from cocoon.core.errors import CocoonError
from cocoon.core.records import Failure
from cocoon.evaluation.statistics.estimates import Estimate
from cocoon.evaluation.statistics.power import people_within_talks, power_within_talks
from cocoon.reports.formats.files import write_report_files
from cocoon.reports.origin import origin_warnings
from cocoon.reports.tables.records import Cell, Report, Row, Table
from cocoon.running.folder import read_config, read_run
from cocoon.studies.asking.config import QUESTION, STATEMENT
from cocoon.studies.asking.effects import AskingEffect, asking_effects
from cocoon.studies.branches.credit import NEXT, Future
from cocoon.studies.branches.run import read_futures
from cocoon.studies.sweep.plan import USERS, directions_of, ladder, read_plan
from cocoon.studies.sweep.records import observations, of_arms
from cocoon.studies.sweep.trend import OUTCOMES as SWEPT_OUTCOMES
from cocoon.studies.sweep.trend import trend

_TURN = re.compile(rf"(.+@\d+)-(?:{QUESTION}|{STATEMENT})\.")
Effects = Mapping[str, Sequence[AskingEffect]]
"""The effects of asking, by rule set."""


def write_asking_report(out: Path, run: Path, folders: Mapping[str, Path], sweep: Path | None) -> Report:
    """Write the report as asking.md, asking.html and tables/, and return it. `folders` are the runs by rule set."""
    branched: dict[str, list[Future]] = {rules: read_futures(folder, run)[1] for rules, folder in folders.items()}
    effects = {rules: asking_effects(futures) for rules, futures in branched.items()}
    futures = [future for of_rules in branched.values() for future in of_rules]
    rows = {rules: {effect.outcome: effect for effect in of_rules} for rules, of_rules in effects.items()}
    tables = (_effects_table(effects), _beside_table(rows, sweep), _needs_table(effects))
    report = Report(
        title=f"Asking or saying the same, in talks of {run.name}",
        facts=[
            ("Talks", str(len({future.parent for future in futures}))),
            ("Turns", str(len({(future.parent, future.round) for future in futures}))),
            ("Turns at which a form could not be written", str(len(_unwritten(folders.values())))),
            ("Futures", str(len(futures))),
            ("Rule sets", ", ".join(folders)),
        ],
        findings=asking_conclusions(effects),
        tables=[table for table in tables if table.rows],
        warnings=origin_warnings(list(folders.values())),
    )
    write_report_files(report, out, "asking")
    return report


def _unwritten(folders: Iterable[Path]) -> set[str]:
    """Return the turns that are missing because a form of the reply could not be written."""
    failures = (failure for folder in folders for failure in read_run(folder, "failures.jsonl", Failure))
    names = (_TURN.match(failure.dialogue) for failure in failures if failure.reason == REFUSED)
    return {name[1] for name in names if name}


def asking_conclusions(effects: Effects) -> list[str]:
    """Return a sentence for each outcome: what asking does to it, and under which rule sets."""
    outcomes = dict.fromkeys(effect.outcome for of_rules in effects.values() for effect in of_rules)
    return [_conclusion(outcome, _signs(effects, outcome)) for outcome in outcomes]


def _signs(effects: Effects, outcome: str) -> dict[str, int]:
    return {
        rules: effect.sign for rules, of_rules in effects.items() for effect in of_rules if effect.outcome == outcome
    }


def _conclusion(outcome: str, signs: Mapping[str, int]) -> str:
    parts: list[str] = []
    for sign, word in ((1, "raises"), (-1, "lowers")):
        if under := [rules for rules, shown_sign in signs.items() if shown_sign == sign]:
            parts.append(f"asking in place of saying the same {word} it under {_listed(under)}")
    if nothing := [rules for rules, shown_sign in signs.items() if not shown_sign]:
        parts.append(f"no difference is shown under {_listed(nothing)}")
    return f"{outcome}: {', and '.join(parts)}."


def _listed(rules: Sequence[str]) -> str:
    return f"the rules {', '.join(rules)}"


def _effects_table(effects: Effects) -> Table:
    rows = [
        Row(
            labels=[rules, "next turn" if effect.outcome in NEXT else "end", effect.outcome],
            cells={
                "Asked": effect.mean_asked,
                "Said": effect.mean_said,
                "Difference": effect.difference,
                "People": effect.people,
                "p": effect.corrected,
            },
        )
        for rules, of_rules in effects.items()
        for effect in of_rules
    ]
    return Table(
        id="effects",
        title="A question in place of a statement of the same content",
        keys=["Rules", "When", "Outcome"],
        measures=["Asked", "Said", "Difference", "People", "p"],
        digits={"p": 4},
        rows=rows,
        note=(
            "Difference: within each fork, where all words before are the same, as the mean over people, each the mean "
            "of its forks, with a bootstrap interval over people. p: sign flips of the people's differences, corrected "
            "over the outcomes of a rule set by Holm's method. Next: layers that opened with the user's next turn, "
            "change of trust in points, characters. Under the rules attuned an open question earns with the answer, "
            "one turn later. Disclosed: share of the chain that was open in the end."
        ),
    )


def _beside_table(rows: Mapping[str, Mapping[str, AskingEffect]], sweep: Path | None) -> Table:
    lines = [
        Row(labels=["within the talk", f"rules {rules}", "one reply"], cells=_within(effects))
        for rules, effects in rows.items()
    ]
    lines += _swept(sweep) if sweep is not None else []
    paper: dict[str, Cell] = {"SR": "-", "SR attributed": "-", "Aff": "falls", "7 - Neg": "falls"}
    lines.append(Row(labels=["paper, Figure 4", "successes only", "direction alone"], cells=paper))
    return Table(
        id="beside",
        title="One reply more that asks: within the talk, by a sweep, in the paper",
        keys=["Evidence", "User", "Reads"],
        measures=list(SWEPT_OUTCOMES),
        rows=lines,
        note=(
            "Within the talk a reply at a turn drawn from the talk is asked in place of said. By a sweep: the slope "
            "over the measured share of replies that ask, divided by the number of replies. The sweep changes how all "
            "replies are spoken, and the paper selects the talks that succeeded, so neither isolates the question."
        ),
    )


def _within(effects: Mapping[str, AskingEffect]) -> dict[str, Cell]:
    cells: dict[str, Cell] = {
        name: effects[name].difference if name in effects else None for name in ("SR", "SR attributed", "Aff")
    }
    return cells | {"7 - Neg": scaled(effects["Neg"].difference, -1.0) if "Neg" in effects else None}


def scaled(estimate: Estimate, factor: float) -> Estimate:
    """Return an estimate times a factor, its interval with it."""
    low, high = (None if end is None else end * factor for end in (estimate.low, estimate.high))
    value = None if estimate.value is None else estimate.value * factor
    if factor < 0:
        low, high = high, low
    return estimate.model_copy(update={"value": value, "low": low, "high": high})


def _swept(sweep: Path) -> list[Row]:
    """Return what a sweep says of one reply more that asks, for every direction and kind of user."""
    plan = read_plan(sweep)
    observed_talks = observations(sweep, plan)
    rows: list[Row] = []
    for user in plan.users:
        config = read_config(sweep / USERS / user)
        if config is None:
            raise CocoonError(f"{sweep}: has no finished run under {USERS}/{user}. Finish the sweep, or leave it out.")
        for name in directions_of(plan):
            observed = of_arms(observed_talks, user, ladder(plan, name))
            cells: dict[str, Cell] = {
                outcome: scaled(trend(observed, lambda row: row.ratio, value, 1.0).change, 1 / max(1, config.rounds))
                for outcome, value in SWEPT_OUTCOMES.items()
            }
            rows.append(Row(labels=[f"sweep, {name}", f"{user} user", "slope a reply"], cells=cells))
    return rows


def _needs_table(effects: Effects) -> Table:
    rows: list[Row] = []
    for rules, of_rules in effects.items():
        for effect in of_rules:
            design = effect.design
            if design is None or not design.difference or not (design.spread or design.noise):
                continue
            needed = people_within_talks(design)
            cells: dict[str, Cell] = {
                "Spread": design.spread,
                "Noise": design.noise,
                "Power here": power_within_talks(effect.people, design),
                "People needed": "more than 5,000" if needed is None else needed,
            }
            rows.append(Row(labels=[rules, effect.outcome], cells=cells))
    return Table(
        id="needs",
        title="What a next study needs to see the difference that was seen here",
        keys=["Rules", "Outcome"],
        measures=["Spread", "Noise", "Power here", "People needed"],
        rows=rows,
        note=(
            "Spread: standard deviation of the people's differences. Noise: that of futures of one fork and form. "
            "Power by simulation with as many turns and futures a person as here; people for a power of 0.8. A "
            "difference that was seen is often larger than the true one: plan for the smallest that matters, with "
            "`cocoon power --difference D --spread S --noise N --turns T --futures F`."
        ),
    )
