"""The ratios that a sweep was asked for beside those that its talks show."""

from collections.abc import Sequence

from cocoon.evaluation.statistics.estimates import draws_by_profile, mean_over_profiles
from cocoon.reports.tables.records import Row, Table
from cocoon.steering.calibration.check import target_floor
from cocoon.studies.sweep.plan import SweepPlan
from cocoon.studies.sweep.records import Observation, of_arms


def target_table(plan: SweepPlan, found: Sequence[Observation]) -> Table:
    """Return every ratio that a coefficient was found for, with the achieved one, the error, and what chance allows."""
    rows: list[Row] = []
    for user in plan.users:
        for arm in plan.arms:
            if arm.ratio is None:
                continue
            reader, arm_rows = plan.readers.get(arm.direction), of_arms(found, user, [arm])
            values = [(row.profile, row.ratio_by(reader)) for row in arm_rows]
            achieved = mean_over_profiles(draws_by_profile(values))
            replies = sum(len(row.by_turn) for row in arm_rows)
            cells = {
                "Coefficient": arm.coefficient,
                "Target": arm.ratio,
                "Achieved": achieved,
                "Detector": mean_over_profiles(draws_by_profile((row.profile, row.ratio) for row in arm_rows)),
                "Error": None if achieved.value is None else achieved.value - arm.ratio,
                "Chance alone": target_floor(arm.ratio, replies, reader) if replies else None,
                "Replies": replies,
            }
            rows.append(Row(labels=[user, arm.direction, arm.name], cells=cells))
    measures = ["Coefficient", "Target", "Achieved", "Detector", "Error", "Chance alone", "Replies"]
    return Table(
        id="targets",
        title="Ratios that were asked for, and what the talks show",
        keys=["User", "Direction", "Arm"],
        measures=measures,
        digits={"Coefficient": 4, "Error": 3, "Chance alone": 3},
        rows=rows,
        note=(
            "Achieved: as the target is meant, a reader's ratio where labels correct the detector's. Chance alone: the "
            "mean distance from the target that a perfect coefficient would show at as many replies (binomial). "
            "Coefficients were found on talks of the unsteered model."
        ),
    )
