"""The report of a panel: where the scores come from, how far the order of supporters holds, what n is needed."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from cocoon.evaluation.statistics.estimates import SEED, draws_by_profile, mean_over_profiles
from cocoon.evaluation.statistics.generalisability import (
    TARGET,
    PanelScore,
    PanelVariance,
    coefficient_of,
    panel_variance,
    profiles_needed,
)
from cocoon.evaluation.statistics.resampling import RESAMPLES
from cocoon.reports.formats.files import write_report_files
from cocoon.reports.origin import origin_warnings
from cocoon.reports.tables.ranking import LOWER_IS_BETTER, Scores, ranking_rows
from cocoon.reports.tables.records import Cell, Report, Table, table_of
from cocoon.studies.panel.scores import ScoresByMeasure, panel_scores, runs_of

ALL = "all users"
HIGHER_TARGET = 0.9
_NEVER = "no number"
NOTES = [
    "Variance components are Henderson's method 1 over supporters, users, profiles, judges and their crossings. Their "
    "intervals are a jackknife over profiles: they say what other profiles would give with these users, supporters and "
    "judges. Few users say little of users in general.",
    "A crossing that the design cannot tell from chance stands in the residual.",
]


def panel_report(title: str, scores: ScoresByMeasure, warnings: Sequence[str] = ()) -> Report:
    """Return the report of a panel's scores."""
    variances = {name: variance for name, measured in scores.items() if (variance := panel_variance(measured))}
    everything = [score for measured in scores.values() for score in measured]
    facets = {
        "Supporters": {score.supporter for score in everything},
        "Users": {score.user for score in everything},
        "Profiles": {score.profile for score in everything},
        "Judges": {score.judge for score in everything},
    }
    tables = [
        scores_table(scores),
        movers_table(variances),
        sources_table(variances),
        needed_table(variances),
        stability_table(scores),
    ]
    return Report(
        title=title,
        warnings=[*warnings, *user_warnings(variances)],
        facts=[
            (name, ", ".join(sorted(levels)) if name != "Profiles" else str(len(levels)))
            for name, levels in facets.items()
        ],
        tables=[table for table in tables if table.rows],
        notes=NOTES,
    )


def write_panel_report(out: Path) -> Report:
    """Write the report of a panel's folder as panel.md, panel.html and tables/, and return it."""
    report = panel_report(f"Panel of simulated users: {out.name}", panel_scores(out), origin_warnings(runs_of(out)))
    write_report_files(report, out, "panel")
    return report


def user_warnings(variances: Mapping[str, PanelVariance]) -> list[str]:
    """Return a sentence for each measure whose scores depend on the choice of the user as much as on the supporter."""
    return [sentence for name, variance in variances.items() if (sentence := _warning(name, variance))]


def _warning(measure: str, variance: PanelVariance) -> str | None:
    by_users = f"{_difference(variance.by_user.value):.2f} points on the same supporter"
    by_supporters = f"two supporters by {_difference(variance.variances.get('supporter')):.2f} over all users"
    differ = f"Two users typically differ by {by_users}, {by_supporters}."
    advice = "What is said of the supporters holds for the users of this panel: name them beside every score."
    if "supporter" not in variance.components and variance.users_move_more:
        return (
            f"{measure}: the choice of the simulated user moves the scores, by typically {by_users}, and there is no "
            f"second supporter to hold that against. {advice}"
        )
    if variance.users_move_more:
        is_clear = variance.excess.low is not None and variance.excess.low > 0
        doubt = "" if is_clear else ", by less than these profiles can tell"
        moved = f"the choice of the simulated user moves the scores more than the supporters do{doubt}"
        return f"{measure}: {moved}. {differ} {advice}"
    if variance.users_may_move_more:
        return (
            f"{measure}: the choice of the simulated user may move the scores as much as the supporters do; these "
            f"profiles cannot tell. {differ} {advice}"
        )
    return None


def _difference(variance: float | None) -> float:
    """Return the root mean square difference of two draws with a variance."""
    return math.sqrt(2 * max(0.0, variance or 0.0))


def _by_profile(scores: Sequence[PanelScore], supporter: str, user: str | None = None) -> dict[str, list[float | None]]:
    return draws_by_profile(
        (score.profile, score.value) for score in scores if score.supporter == supporter and user in (None, score.user)
    )


def _names(scores: Sequence[PanelScore]) -> tuple[list[str], list[str]]:
    """Return the supporters and the users."""
    return sorted({score.supporter for score in scores}), sorted({score.user for score in scores})


def scores_table(scores: ScoresByMeasure) -> Table:
    """Return each supporter's mean with each user."""
    rows: list[tuple[list[str], dict[str, Cell]]] = []
    for measure, measured in scores.items():
        supporters, users = _names(measured)
        for supporter in supporters:
            cells: dict[str, Cell] = {ALL: mean_over_profiles(_by_profile(measured, supporter))}
            cells |= {user: mean_over_profiles(_by_profile(measured, supporter, user)) for user in users}
            rows.append(([measure, supporter], cells))
    return table_of("scores", "Scores by supporter and user", ["Measure", "Supporter"], rows, "Means over profiles.")


def movers_table(variances: Mapping[str, PanelVariance]) -> Table:
    """Return how far two users, and two supporters, typically differ, and the coefficient."""
    rows: list[tuple[list[str], dict[str, Cell]]] = []
    for measure, variance in variances.items():
        cells: dict[str, Cell] = {
            "two users": _difference(variance.by_user.value),
            "two supporters": _difference(variance.variances.get("supporter")),
            "excess of users": variance.excess,
            "coefficient": variance.coefficient,
        }
        rows.append(([measure], cells))
    return table_of(
        "movers",
        "What moves the scores: the choice of the user, or the supporter",
        ["Measure"],
        rows,
        "Two users: how far the means of one supporter with two users typically differ (root mean square). Two "
        "supporters: how far two supporters differ over all users. Excess of users: variance by users (user, and "
        "supporter x user) less variance by supporters; above 0, users move the scores more. Coefficient: the "
        "generalisability coefficient of the supporters' means in a panel of this size, 0 to 1.",
    )


def sources_table(variances: Mapping[str, PanelVariance]) -> Table:
    """Return the variance components with their shares of the positive ones."""
    rows: list[tuple[list[str], dict[str, Cell]]] = []
    for measure, variance in variances.items():
        total = sum(max(0.0, value) for value in variance.variances.values())
        for source, component in variance.components.items():
            share = max(0.0, component.value or 0.0) / total if total > 0 else None
            rows.append(([measure, source], {"variance": component, "share": share}))
    return table_of(
        "sources",
        "Sources of variance",
        ["Measure", "Source"],
        rows,
        "Variance of single scores in squared points. A negative estimate means that nothing was found, and its share "
        "is 0.",
    )


def needed_table(variances: Mapping[str, PanelVariance]) -> Table:
    """Return the coefficient, and how many profiles a target needs, with fewer and with more users."""
    return table_of(
        "needed",
        "What n is needed",
        ["Measure", "Users"],
        [row for measure, variance in variances.items() for row in _needed_rows(measure, variance)],
        "Expected generalisability coefficient with so many users of this kind and the profiles and judges of this "
        f"panel, and how many profiles bring it to {TARGET:g} and {HIGHER_TARGET:g}. '{_NEVER}': with so few users or "
        "judges no number of profiles does.",
    )


def _needed_rows(measure: str, variance: PanelVariance) -> Iterator[tuple[list[str], dict[str, Cell]]]:
    if "supporter" not in variance.components:
        return
    for users in sorted({1, 2, 4, 8, int(variance.sizes["user"])}):
        sizes = {**variance.sizes, "user": float(users)}
        cells: dict[str, Cell] = {"coefficient": coefficient_of(variance.variances, sizes)}
        for target in (TARGET, HIGHER_TARGET):
            cells[f"profiles for {target:g}"] = profiles_needed(variance.variances, sizes, target) or _NEVER
        yield [measure, str(users)], cells


def stability_table(scores: ScoresByMeasure) -> Table:
    """Return the order of the supporters with each user beside that with all other users."""
    rows: list[tuple[list[str], dict[str, Cell]]] = []
    for measure, measured in scores.items():
        supporters, users = _names(measured)
        for user in users if len(supporters) > 1 and len(users) > 1 else []:
            own = _scores_of([score for score in measured if score.user == user])
            others = _scores_of([score for score in measured if score.user != user])
            for _, cells in ranking_rows({measure: own}, {measure: others}):
                best: dict[str, Cell] = {"best again": _best_again(own, measure)}
                rows.append(([measure, user], cells | best))
    return table_of(
        "ranking",
        "Order of the supporters with each user, and with all others",
        ["Measure", "User"],
        rows,
        "Order in the other: with all other users together. Same order: the share of resamples of the profiles in "
        "which both orders are the same. Best again: the share of resamples in which the best supporter with this "
        "user stays the best.",
    )


def _scores_of(scores: Sequence[PanelScore]) -> Scores:
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for score in scores:
        if score.value is not None:
            values[score.supporter][score.profile].append(score.value)
    return values


def _best_again(scores: Scores, measure: str) -> float | None:
    """Return the share of resamples of the profiles that all supporters have in which the best stays the best."""
    profiles = sorted(set.intersection(*(set(by_profile) for by_profile in scores.values())))
    if len(profiles) < 2:
        return None
    sign = -1.0 if measure in LOWER_IS_BETTER else 1.0
    table = sign * np.array([[np.mean(scores[name][profile]) for profile in profiles] for name in sorted(scores)])
    chosen = np.random.default_rng(SEED).integers(0, len(profiles), (RESAMPLES, len(profiles)))
    return float((table[:, chosen].mean(2).argmax(0) == table.mean(1).argmax()).mean())
