"""Rows of sample sizes: from a difference and its spread, from two success rates, or from a run that exists."""

from pathlib import Path
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.evaluation.comparison.records import Effect
from cocoon.evaluation.statistics.power import (
    discordant_range,
    power_of_mean,
    profiles_for_mean,
    profiles_for_rate,
)
from cocoon.reports.comparisons import ComparisonChoice, compare_runs


def power_of_difference(
    difference: float, spread: float, profiles: int | None, power: float, level: float
) -> dict[str, Any]:
    """Return the profiles that a mean difference needs, or the power that a number of `profiles` has.

    `spread` is the standard deviation of the profiles' differences. Both are in points of the scale.
    """
    row: dict[str, Any] = {"difference": difference, "spread": spread, "level": level}
    if profiles is not None:
        return {**row, "profiles": profiles, "power": power_of_mean(profiles, difference, spread, level=level)}
    return {**row, "power": power, "profiles": profiles_for_mean(difference, spread, power=power, level=level)}


def power_of_rates(
    rates: tuple[float, float], discordant: float | None, power: float, level: float
) -> list[dict[str, Any]]:
    """Return the profiles that a difference of two success rates needs.

    `discordant` is the share of profiles with which only one side succeeds. Without it there are two rows, for the
    least and the greatest possible share.
    """
    first, second = rates
    shares = discordant_range(first, second) if discordant is None else [discordant]
    rows = []
    for share in shares:
        only_first, only_second = (share + (first - second)) / 2, (share - (first - second)) / 2
        profiles = profiles_for_rate(max(0.0, only_first), max(0.0, only_second), power=power, level=level)
        rows.append(
            {"rates": [first, second], "discordant": share, "level": level, "power": power, "profiles": profiles}
        )
    return rows


def power_of_run(run: Path, difference: float, power: float, level: float) -> list[dict[str, Any]]:
    """Return one row for each measure and pair of supporters: the spread in the run, and the profiles needed.

    Success rates with one draw for each profile are left out, because their need depends on the rates
    (`cocoon power --rates`). Raises CocoonError where no measure has a spread.
    """
    comparisons, _ = compare_runs([run], ComparisonChoice())
    rows = [
        {
            "first": comparison.first,
            "second": comparison.second,
            "judge": comparison.judge,
            **_row(effect, difference, power, level),
        }
        for comparison in comparisons
        for effect in comparison.effects
        if effect.spread
    ]
    if not rows:
        raise CocoonError(f"{run}: no measure differs from profile to profile; give --spread yourself")
    return rows


def _row(effect: Effect, difference: float, power: float, level: float) -> dict[str, Any]:
    spread = effect.spread or 0.0
    return {
        "measure": effect.column.label,
        "spread": spread,
        "seen_on": effect.difference.n,
        "difference": difference,
        "level": level,
        "power": power,
        "profiles": profiles_for_mean(difference, spread, power=power, level=level),
    }
