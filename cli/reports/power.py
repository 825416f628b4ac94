"""`cocoon power`: how many profiles a comparison of two supporters needs."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from cocoon.cli.terminal.options import Json
from cocoon.cli.terminal.unused import refuse_unused


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
    wanted: Annotated[
        float | None, typer.Option("--power", help="Probability of seeing the difference (default: 0.8).")
    ] = None,
    level: Annotated[float, typer.Option(help="Two-sided level of the test.")] = 0.05,
    as_json: Json = False,
) -> None:
    """Sample sizes for comparisons in which both sides meet the same profiles (paired t test; McNemar's test)."""
    given = {"--difference": difference, "--spread": spread, "--run": run, "--profiles": profiles}
    given |= {"--rates": rates, "--discordant": discordant, "--power": wanted}
    probability = 0.8 if wanted is None else wanted
    if rates:
        refuse_unused(given, ("--rates", "--discordant", "--power"), "with --rates")
        rows = _of_rates(rates, discordant, probability, level)
    elif run is not None and difference is not None:
        from cocoon.reports.power import of_run

        refuse_unused(given, ("--run", "--difference", "--power"), "with --run")
        rows = of_run(run, difference, probability, level)
    elif difference is not None and spread is not None:
        last = "--power" if profiles is None else "--profiles"
        refuse_unused(given, ("--difference", "--spread", last), f"with --difference and {last}")
        rows = [_of_mean(difference, spread, profiles, probability, level)]
    else:
        raise typer.BadParameter("give --difference and --spread, --difference and --run, or --rates A,B")
    if as_json:
        typer.echo(json.dumps(rows))
        return
    for row in rows:
        typer.echo(", ".join(f"{name.replace('_', ' ')} {_shown(value)}" for name, value in row.items()))


def _of_mean(difference: float, spread: float, profiles: int | None, wanted: float, level: float) -> dict[str, Any]:
    from cocoon.evaluation.statistics.power import power_of_mean, profiles_for_mean

    row: dict[str, Any] = {"difference": difference, "spread": spread, "level": level}
    if profiles is not None:
        return {**row, "profiles": profiles, "power": power_of_mean(profiles, difference, spread, level=level)}
    return {**row, "power": wanted, "profiles": profiles_for_mean(difference, spread, power=wanted, level=level)}


def _of_rates(rates: str, discordant: float | None, wanted: float, level: float) -> list[dict[str, Any]]:
    from cocoon.evaluation.statistics.power import discordant_range, profiles_for_rate

    first, second = _two_shares(rates)
    low, high = discordant_range(first, second)
    shares = [low, high] if discordant is None else [discordant]
    rows = []
    for share in shares:
        if not low - 1e-12 <= share <= high + 1e-12:
            raise typer.BadParameter(
                f"--discordant {share:g}: rates {first:g} and {second:g} allow {low:g} to {high:g}"
            )
        sides = (share + (first - second)) / 2, (share - (first - second)) / 2
        found = profiles_for_rate(max(0.0, sides[0]), max(0.0, sides[1]), power=wanted, level=level)
        rows.append({"rates": [first, second], "discordant": share, "level": level, "power": wanted, "profiles": found})
    return rows


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
        return " and ".join(_shown(one) for one in value)
    return f"{value:.3g}" if isinstance(value, float) else str(value)
