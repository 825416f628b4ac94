"""`cocoon power`: how many profiles a comparison of two supporters needs."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from cocoon.cli.terminal.options import Json


def power(
    difference: Annotated[
        float | None, typer.Option(help="Difference of means to see, in points of the scale.")
    ] = None,
    spread: Annotated[
        float | None, typer.Option(help="Standard deviation of the profiles' differences, in the same points.")
    ] = None,
    rates: Annotated[
        str | None, typer.Option(metavar="A,B", help="Success rates of both sides, such as 0.6,0.7.")
    ] = None,
    discordant: Annotated[
        float | None, typer.Option(help="Share of profiles that only one side wins; none: the range of possible ones.")
    ] = None,
    run: Annotated[
        Path | None, typer.Option(help="Take the spread of every measure from a run of two supporters or more.")
    ] = None,
    profiles: Annotated[int | None, typer.Option(help="With --difference: the power of so many profiles.")] = None,
    wanted: Annotated[float, typer.Option("--power", help="Probability of seeing the difference.")] = 0.8,
    level: Annotated[float, typer.Option(help="Two-sided level of the test.")] = 0.05,
    as_json: Json = False,
) -> None:
    """Sample sizes for comparisons in which both sides meet the same profiles (paired t test; McNemar's test)."""
    from cocoon.reports.power import power_of_difference, power_of_rates, power_of_run

    if rates:
        shares = _two_shares(rates)
        _check_discordant(discordant, shares)
        rows = power_of_rates(shares, discordant, wanted, level)
    elif run is not None and difference is not None:
        rows = power_of_run(run, difference, wanted, level)
    elif difference is not None and spread is not None:
        rows = [power_of_difference(difference, spread, profiles, wanted, level)]
    else:
        raise typer.BadParameter("give --difference and --spread, --difference and --run, or --rates A,B")
    if as_json:
        typer.echo(json.dumps(rows))
        return
    for row in rows:
        typer.echo(", ".join(f"{name.replace('_', ' ')} {_shown(value)}" for name, value in row.items()))


def _check_discordant(share: float | None, rates: tuple[float, float]) -> None:
    from cocoon.evaluation.statistics.power import discordant_range

    low, high = discordant_range(*rates)
    if share is not None and not low - 1e-12 <= share <= high + 1e-12:
        raise typer.BadParameter(
            f"--discordant {share:g}: rates {rates[0]:g} and {rates[1]:g} allow {low:g} to {high:g}"
        )


def _two_shares(text: str) -> tuple[float, float]:
    try:
        first, second = (float(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"--rates {text!r}: write two shares, such as 0.6,0.7") from None
    if not (0 <= first <= 1 and 0 <= second <= 1) or first == second:
        raise typer.BadParameter(f"--rates {text!r}: two different shares from 0 to 1")
    return first, second


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return " and ".join(map(_shown, value))
    return f"{value:.3g}" if isinstance(value, float) else str(value)
