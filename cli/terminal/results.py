"""How a verb of the command line ends: its result as JSON where that is wanted, and its exit code."""

import json
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cocoon.api.building import Built
    from cocoon.api.run import Run


def finish(result: "Run | Built", as_json: bool) -> None:
    """Print the summary where JSON is wanted. Exits with the session's code unless it is 0."""
    if as_json:
        typer.echo(json.dumps(result.summary(), ensure_ascii=False))
    if result.outcome is not None and result.outcome.exit_code:
        raise typer.Exit(result.outcome.exit_code)


def print_estimate(expected: "Mapping[str, Any]", as_json: bool) -> None:
    """Print what a run is expected to take."""
    if as_json:
        typer.echo(json.dumps(expected))
        return
    for name, value in expected.items():
        text = ", ".join(value) or "none" if isinstance(value, list) else value
        typer.echo(f"{name.replace('_', ' ')}: {'not known' if text is None else text}")
