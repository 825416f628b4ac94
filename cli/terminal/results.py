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


def finish_study(result: "StudyResult", as_json: bool, written: str) -> None:
    """Print the report of a study, if it has one, and what was written. Exits with the study's code unless it is 0."""
    if result.report is not None:
        print_report(result.report, as_json)
        typer.echo(f"written: {written}", err=True)
    if result.exit_code:
        raise typer.Exit(result.exit_code)


@contextmanager
def resumable(stopped: str) -> Iterator[None]:
    """Turn Ctrl-C (SIGTERM, SIGHUP) inside the block into one line that says how to go on."""
    from cocoon.core.errors import StoppedError
    from cocoon.core.outside.interrupts import number_of

    try:
        yield
    except KeyboardInterrupt as interrupt:
        raise StoppedError(stopped, number_of(interrupt)) from None


def end_of_server(number: int) -> None:
    """Exit with the status of a program that a signal ended. Ctrl-C is how a server is meant to end, which is 0."""
    import signal

    from cocoon.core.outside.interrupts import EXIT_STATUS

    if number != signal.SIGINT:
        raise typer.Exit(EXIT_STATUS + number)
