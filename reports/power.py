"""Sample sizes of comparisons: from a difference and a spread, from success rates, or from a run that is there."""

import math
from pathlib import Path
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.evaluation.comparison.records import Effect
from cocoon.evaluation.statistics.power import discordant_range, power_of_mean, profiles_for_mean, profiles_for_rate
from cocoon.reports.comparisons import ComparisonChoice, compare_runs

Rows = list[dict[str, Any]]


def power(
    *,
    difference: float | None = None,
    spread: float | None = None,
    rates: tuple[float, float] | str | None = None,
    discordant: float | None = None,
    run: str | Path | None = None,
    profiles: int | None = None,
    power: float = 0.8,
    level: float = 0.05,
) -> Rows:
    """Return how many profiles a comparison of two supporters needs, if both meet the same profiles.

    Give `difference` (of means) and `spread` (standard deviation of the profiles' differences), both in points of the
    scale. Or give `difference` and a `run` of two supporters or more, from which the spread of every measure is taken.
    Or give the success `rates` of both sides, and `discordant`, the share of profiles that only one side wins (None:
    the smallest and the largest possible one). With `profiles`, the power of so many is returned. Tests are two-sided
    at `level`: the paired t test, or McNemar's test.
    """
    if rates:
        first, second = _two_shares(rates) if isinstance(rates, str) else rates
        return for_rates(first, second, discordant, power, level)
    if run is not None and difference is not None:
        return of_run(Path(run), difference, power, level)
    if difference is not None and spread is not None:
        return [for_mean(difference, spread, profiles, power, level)]
    raise CocoonError("give --difference and --spread, --difference and --run, or --rates A,B")


def for_mean(difference: float, spread: float, profiles: int | None, power: float, level: float) -> dict[str, Any]:
    """Return the profiles needed for a difference of means, or the power of a number of profiles."""
    if not (math.isfinite(difference) and math.isfinite(spread)):
        raise CocoonError(f"--difference {difference:g} and --spread {spread:g}: give two numbers")
    if profiles is not None and profiles < 1:
        raise CocoonError(f"--profiles {profiles}: give the number of profiles, 1 or more")
    row: dict[str, Any] = {"difference": difference, "spread": spread, "level": level}
    if profiles is not None:
        return {**row, "profiles": profiles, "power": power_of_mean(profiles, difference, spread, level=level)}
    return {**row, "power": power, "profiles": profiles_for_mean(difference, spread, power=power, level=level)}


def for_rates(first: float, second: float, discordant: float | None, power: float, level: float) -> Rows:
    """Return the profiles needed for two success rates, one row for each share of discordant profiles."""
    if not (0 <= first <= 1 and 0 <= second <= 1) or first == second:
        raise CocoonError(f"--rates {first:g},{second:g}: two different shares from 0 to 1")
    low, high = discordant_range(first, second)
    rows: Rows = []
    for share in [low, high] if discordant is None else [discordant]:
        if not low - 1e-12 <= share <= high + 1e-12:
            raise CocoonError(f"--discordant {share:g}: rates {first:g} and {second:g} allow {low:g} to {high:g}")
        sides = (share + (first - second)) / 2, (share - (first - second)) / 2
        profiles = profiles_for_rate(max(0.0, sides[0]), max(0.0, sides[1]), power=power, level=level)
        rows.append(
            {"rates": [first, second], "discordant": share, "level": level, "power": power, "profiles": profiles}
        )
    return rows


def of_run(run: Path, difference: float, power: float, level: float) -> Rows:
    """Return one row for each measure and pair of supporters: the spread seen, and the profiles needed.

    Success rates with one draw a profile are left out, because their need depends on the rates. Raises CocoonError if
    no measure has a spread.
    """
    comparisons, _ = compare_runs([run], ComparisonChoice())
    rows = [
        {
            **{"first": comparison.first, "second": comparison.second, "judge": comparison.judge},
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


def _two_shares(text: str) -> tuple[float, float]:
    try:
        first, second = (float(part) for part in text.split(","))
    except ValueError:
        raise CocoonError(f"--rates {text!r}: write two shares, such as 0.6,0.7") from None
    return first, second
