"""How a verb of the command line ends: its result as text or as JSON, and its exit code."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cocoon.api.building import Built
    from cocoon.api.run import Run
    from cocoon.reports.tables.records import Report
    from cocoon.studies.result import StudyResult

_WIDEST, _PLAIN = 120, 100
"""Columns of a report at most, and where there is no terminal."""


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


def print_report(report: "Report", as_json: bool) -> None:
    """Print a report as Markdown or as JSON."""
    from cocoon.reports.formats.json_value import to_json
    from cocoon.reports.formats.markdown import render_markdown

    typer.echo(json.dumps(to_json(report), ensure_ascii=False) if as_json else render_markdown(report))


def print_screen(report: "Report") -> None:
    """Print a report on one screen, in colour on a terminal and as plain text elsewhere."""
    from rich.console import Console

    from cocoon.reports.formats.terminal import one_screen

    console = Console(highlight=False, soft_wrap=False)
    if console.is_terminal:
        console.width = min(console.width, _WIDEST)
    else:
        console = Console(highlight=False, width=_PLAIN)
    console.print(one_screen(report))


def finish_study(result: "StudyResult", as_json: bool, written: str) -> None:
    """Print the report of a study, if it has one, and what was written. Exits with the study's code unless it is 0."""
    if result.report is not None:
        print_report(result.report, as_json)
        typer.echo(f"written: {written}", err=True)
    if result.exit_code:
        raise typer.Exit(result.exit_code)


@contextmanager
def resumable(stopped: str) -> Iterator[None]:
    """Turn Ctrl-C inside the block into one line that says how to go on."""
    from cocoon.core.errors import StoppedError

    try:
        yield
    except KeyboardInterrupt:
        raise StoppedError(stopped) from None
