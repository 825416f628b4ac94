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
    """Sample sizes for comparisons in which both sides meet the same profiles (sign flips; McNemar's exact test)."""
    from cocoon.reports.power import power as rows_of

    given = {"--difference": difference, "--spread": spread, "--run": run, "--profiles": profiles}
    given |= {"--rates": rates, "--discordant": discordant, "--power": wanted}
    if rates:
        refuse_unused(given, ("--rates", "--discordant", "--power"), "with --rates")
    elif run is not None and difference is not None:
        refuse_unused(given, ("--run", "--difference", "--power"), "with --run")
    elif difference is not None and spread is not None:
        last = "--power" if profiles is None else "--profiles"
        refuse_unused(given, ("--difference", "--spread", last), f"with --difference and {last}")
    rows = rows_of(
        difference=difference,
        spread=spread,
        rates=rates,
        discordant=discordant,
        run=run,
        profiles=profiles,
        power=0.8 if wanted is None else wanted,
        level=level,
    )
    if as_json:
        typer.echo(json.dumps(rows))
        return
    for row in rows:
        typer.echo(", ".join(f"{name.replace('_', ' ')} {_shown(value)}" for name, value in row.items()))


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return " and ".join(_shown(one) for one in value)
    return f"{value:.3g}" if isinstance(value, float) else str(value)
