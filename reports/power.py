"""Sample sizes of comparisons: from a difference and a spread, from success rates, or from a run that is there."""

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import field_validator

from cocoon.core.errors import CocoonError
from cocoon.core.records import Record
from cocoon.core.settings import flag
from cocoon.core.verb_settings import VerbSettings
from cocoon.evaluation.comparison.records import Effect
from cocoon.evaluation.statistics.power import (
    WithinTalks,
    asymptotic_profiles_for_rate,
    discordant_range,
    people_within_talks,
    power_of_mean,
    power_within_talks,
    profiles_for_mean,
    profiles_for_rate,
)
from cocoon.reports.comparisons import ComparisonChoice, compare_runs

Rows = list[dict[str, Any]]


class PowerConfig(Record):
    """What is known of a comparison of two supporters whose sides meet the same profiles."""

    difference: float | None = flag(None, "Difference of means to see, in points of the scale.")
    spread: float | None = flag(None, "Standard deviation of the profiles' differences, in the same points.")
    rates: str | None = flag(None, "Success rates of both sides, such as 0.6,0.7.", metavar="A,B")
    discordant: float | None = flag(
        None, "Share of profiles that only one side wins; none: the range of possible ones."
    )
    noise: float | None = flag(
        None, "Within talks (`cocoon asking`): standard deviation of futures of one fork and form; simulates.", ge=0
    )
    turns: int | None = flag(None, "With --noise: turns of each person (default: 1).", ge=1)
    futures: int | None = flag(None, "With --noise: futures of each turn and form (default: 1).", ge=1)
    run: Path | None = None
    profiles: int | None = flag(None, "With --difference: the power of so many profiles.")
    power: float | None = flag(None, "Probability of seeing the difference (default: 0.8).")
    level: float = flag(0.05, "Two-sided level of the test (default: 0.05).")

    @field_validator("rates", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return ",".join(map(str, value)) if isinstance(value, list | tuple) else value

    def refuse_all_but(self, *used: str) -> None:
        """Raise CocoonError for a setting that has no use beside the first of those that are used."""
        for name in type(self).model_fields:
            if getattr(self, name) is not None and name not in (*used, "level"):
                raise CocoonError(f"--{name} has no use with --{used[0]}. Leave it out.")


POWER = VerbSettings("power", PowerConfig)


def power_rows(config: PowerConfig) -> Rows:
    """Return how many profiles a comparison needs, or the power of so many. Raises CocoonError for what is missing."""
    power = 0.8 if config.power is None else config.power
    if config.rates:
        config.refuse_all_but("rates", "discordant", "power")
        return for_rates(*_two_shares(config.rates), config.discordant, power, config.level)
    if config.run is not None and config.difference is not None:
        config.refuse_all_but("run", "difference", "power")
        return of_run(config.run, config.difference, power, config.level)
    if config.noise is not None:
        last = "power" if config.profiles is None else "profiles"
        config.refuse_all_but("noise", "difference", "spread", "turns", "futures", last)
        return [for_talks(config, power)]
    if config.difference is not None and config.spread is not None:
        last = "power" if config.profiles is None else "profiles"
        config.refuse_all_but("difference", "spread", last)
        return [for_mean(config.difference, config.spread, config.profiles, power, config.level)]
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


def for_talks(config: PowerConfig, power: float) -> dict[str, Any]:
    """Return the people needed for a difference within talks, or the power of a number of people, by simulation."""
    if config.difference is None:
        raise CocoonError("--noise: give --difference too, and --spread where people differ in it")
    design = WithinTalks(
        config.difference, config.spread or 0.0, config.noise or 0.0, config.turns or 1, config.futures or 1
    )
    row: dict[str, Any] = {**asdict(design), "level": config.level}
    if config.profiles is not None:
        seen = power_within_talks(config.profiles, design, level=config.level)
        return {**row, "profiles": config.profiles, "power": seen}
    needed = people_within_talks(design, power=power, level=config.level)
    return {**row, "power": power, "profiles": "more than 5,000" if needed is None else needed}


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
        only = max(0.0, sides[0]), max(0.0, sides[1])
        row = {"rates": [first, second], "discordant": share, "level": level, "power": power}
        exact = profiles_for_rate(*only, power=power, level=level)
        asymptotic = asymptotic_profiles_for_rate(*only, power=power, level=level)
        rows.append({**row, "profiles": exact, "asymptotic_test": asymptotic})
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
