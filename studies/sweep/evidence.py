"""The primary analysis of a sweep: trends by the assigned coefficient, random directions beside them, conclusions."""

from collections.abc import Mapping, Sequence

from cocoon.evaluation.statistics.estimates import Bounds, Estimate
from cocoon.evaluation.statistics.paired import holm
from cocoon.reports.tables.records import Cell, Row, Table
from cocoon.studies.sweep.cause import UserEvidence, conclusion, random_test
from cocoon.studies.sweep.plan import SweepPlan, ladder
from cocoon.studies.sweep.records import Observation, of_arms
from cocoon.studies.sweep.trend import OUTCOMES, RANGES, Trend, Value, difference, mean_difference, trend

RATIO = "Genuine"
"""The measured ratio of questions, in tables."""
READER = "Reader"
"""The same as a reader would count it, where there are labels."""
Evidence = Mapping[str, Mapping[str, UserEvidence]]
"""What stands behind the sentences on one direction, by outcome and kind of user."""


def trends_of(
    plan: SweepPlan, found: Sequence[Observation], user: str, direction: str, level: float
) -> dict[str, Trend]:
    """Return the primary analysis: change of ratio and outcomes from the lowest to the highest coefficient."""
    arms = ladder(plan, direction)
    span = arms[-1].coefficient - arms[0].coefficient
    arm_rows = of_arms(found, user, arms)
    measured: dict[str, Value] = {RATIO: lambda observation: observation.ratio, **OUTCOMES}
    return {
        name: trend(arm_rows, lambda observation: observation.arm.coefficient, value, span, RANGES.get(name), level)
        for name, value in measured.items()
    }


def trend_table(trends: dict[tuple[str, str], dict[str, Trend]]) -> Table:
    """Return the primary trends, with p corrected over outcomes (Holm) within each user and direction."""
    rows: list[Row] = []
    for (user, direction), outcome_trends in trends.items():
        corrected = holm([outcome_trends[name].p for name in OUTCOMES])
        for name, outcome_trend in outcome_trends.items():
            p = corrected[list(OUTCOMES).index(name)] if name in OUTCOMES else outcome_trend.p
            cells = trend_cells(outcome_trend) | {
                "Family interval": _interval(outcome_trend.corrected),
                "If missing": _bounds(outcome_trend),
                "p": p,
            }
            rows.append(Row(labels=[user, direction, name], cells=cells))
    return Table(
        id="trends",
        title="Trends over the assigned coefficient (primary)",
        keys=["User", "Direction", "Outcome"],
        measures=["Change", "Family interval", "If missing", "Profiles", "p"],
        digits={"p": 4},
        rows=rows,
        note=(
            "Change from the lowest to the highest coefficient: mean over profiles of each profile's least-squares "
            "slope, with the dialogues that lack the outcome. Family interval: the one that the sentences on causes "
            "use, so that all of them together err with 5 %. If missing: the change if the missing outcomes were as "
            "low, or as high, at the upper coefficients as the scale admits. p: sign flips of the profiles' slopes, "
            "corrected over the outcomes by Holm's method (not for the ratio itself, which shows that steering worked)."
        ),
    )


def _interval(estimate: Estimate | None) -> Bounds | None:
    if estimate is None or estimate.low is None or estimate.high is None:
        return None
    return Bounds(low=estimate.low, high=estimate.high)


def _bounds(outcome_trend: Trend) -> Bounds | None:
    lowest, highest = outcome_trend.lowest, outcome_trend.highest
    if lowest is None or highest is None or lowest.value is None or highest.value is None:
        return None
    return Bounds(low=lowest.value, high=highest.value)


def random_table(evidence: Mapping[str, Evidence]) -> Table:
    """Return the change at the largest coefficient beside those under random directions of equal norm."""
    rows = [
        Row(
            labels=[user, name, outcome],
            cells={
                "Change": shown.top,
                "Band": shown.random.band if shown.random else None,
                "Rank": f"{shown.random.rank} of {shown.random.n + 1}" if shown.random else None,
            },
        )
        for name, by_outcome in evidence.items()
        for outcome, by_user in by_outcome.items()
        for user, shown in by_user.items()
    ]
    return Table(
        id="random",
        title="Largest coefficient beside random directions of equal norm",
        keys=["User", "Direction", "Outcome"],
        measures=["Change", "Band", "Rank"],
        rows=rows,
        note=(
            "Change: largest coefficient less unsteered, paired by profile. Band: where the change under one more "
            "random direction is expected (prediction interval by Student's t at the level of the family). Rank: "
            "of the direction among itself and the random ones, 1 for the greatest change in its own sense; with 20 "
            "random directions, rank 1 alone has a chance of 1 in 21."
        ),
    )


def trend_cells(outcome_trend: Trend) -> dict[str, Cell]:
    """Return the cells that every table of trends has."""
    return {"Change": outcome_trend.change, "Profiles": outcome_trend.profiles, "p": outcome_trend.p}


def evidence_of(
    plan: SweepPlan,
    found: Sequence[Observation],
    trends: Mapping[tuple[str, str], Mapping[str, Trend]],
    direction: str,
    level: float,
) -> Evidence:
    """Return what stands behind the sentences on one direction, by outcome and kind of user."""
    arms = ladder(plan, direction)
    plain, top = next(arm for arm in arms if arm.kind == "plain"), arms[-1]
    own_arms = [arm for arm in plan.arms if arm.direction == direction]
    chance = [arm for arm in own_arms if arm.kind == "random"]
    costly = next((arm for arm in own_arms if arm.kind == "random_nats"), None)

    def shown(user: str, outcome: str, value: Value) -> UserEvidence:
        rows = [row for row in found if row.user == user]
        own = mean_difference(rows, top.name, plain.name, value)
        others = [mean_difference(rows, arm.name, plain.name, value) for arm in chance]
        known = [other for other in others if other is not None]
        return UserEvidence(
            ratio=trends[user, direction][RATIO],
            outcome=trends[user, direction][outcome],
            top=own,
            random=random_test(own, known, level) if own is not None else None,
            surprise=difference(rows, top.name, costly.name, value, level) if costly else None,
        )

    return {outcome: {user: shown(user, outcome, value) for user in plan.users} for outcome, value in OUTCOMES.items()}


def conclusions(evidence: Mapping[str, Evidence], rules: Sequence[str]) -> list[str]:
    """Return one sentence per direction and outcome. `rules` are the trust rules that guarded users had."""
    return [
        f"{name}, {conclusion(outcome, by_user, rules)}"
        for name, by_outcome in evidence.items()
        for outcome, by_user in by_outcome.items()
    ]
