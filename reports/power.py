"""Sample sizes from a run that is there: how much the profiles' differences vary between its supporters."""

from pathlib import Path
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.evaluation.comparison.records import Effect
from cocoon.evaluation.statistics.power import profiles_for_mean
from cocoon.reports.comparisons import Choice, compare_runs


def of_run(run: Path, difference: float, wanted: float, level: float) -> list[dict[str, Any]]:
    """One row a measure and pair of supporters: the spread seen, and the profiles needed for `difference`.

    Success rates with one draw a profile are left out: their need depends on the rates (`cocoon power --rates`).
    Raises CocoonError where no measure has a spread.
    """
    made, _ = compare_runs([run], Choice())
    rows = [
        {"first": one.first, "second": one.second, "judge": one.judge, **_row(effect, difference, wanted, level)}
        for one in made
        for effect in one.effects
        if effect.spread
    ]
    if not rows:
        raise CocoonError(f"{run}: no measure differs from profile to profile; give --spread yourself")
    return rows


def _row(effect: Effect, difference: float, wanted: float, level: float) -> dict[str, Any]:
    spread = effect.spread or 0.0
    return {
        "measure": effect.column.label,
        "spread": spread,
        "seen_on": effect.difference.n,
        "difference": difference,
        "level": level,
        "power": wanted,
        "profiles": profiles_for_mean(difference, spread, power=wanted, level=level),
    }
