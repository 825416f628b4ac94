"""`cocoon power`: how many profiles a comparison of two supporters needs."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cocoon.cli.terminal.options import Json
from cocoon.cli.terminal.results import print_json
from cocoon.cli.terminal.settings import settings_of
from cocoon.core.verb_settings import Given
from cocoon.reports.power import POWER, PowerConfig


@settings_of(POWER, sources=False)
def power(
    given: Given[PowerConfig],
    run: Annotated[
        Path | None, typer.Option(help="Take the spread of every measure from a run of two supporters or more.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Sample sizes for comparisons in which both sides meet the same profiles (sign flips; McNemar's exact test)."""
    from cocoon.api.studies import power as rows_of

    rows = rows_of(**given.keywords, run=run)
    if as_json:
        print_json(rows)
        return
    for row in rows:
        typer.echo(", ".join(f"{name.replace('_', ' ')} {_shown(value)}" for name, value in row.items()))


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return " and ".join(_shown(one) for one in value)
    return f"{value:.3g}" if isinstance(value, float) else str(value)
