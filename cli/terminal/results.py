"""How a verb of the command line ends: its result as text or as JSON, and its exit code."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from cocoon.cli.terminal.terminal_text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from cocoon.api.building import Built
    from cocoon.api.run import Run
    from cocoon.corpora.reading.repair import RepairReport
    from cocoon.reports.tables.records import Report
    from cocoon.studies.result import StudyResult

T = TypeVar("T")
MOST_NOTES = 20


def print_json(value: object, indent: int | None = None) -> None:
    """Print a value as JSON, on one line unless it is to be indented."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=indent))


def print_result(value: object, text: str, as_json: bool) -> None:
    """Print a result as JSON, or as a line of text."""
    if as_json:
        print_json(value)
    else:
        typer.echo(text)


def print_repairs(report: "RepairReport") -> None:
    """Print on stderr what was done to foreign records: the first notes, and the count of all."""
    for note in report.notes[:MOST_NOTES]:
        typer.echo(printable(f"{note.where}: {note.key}: {note.repair}: {note.reason}"), err=True)
    hidden = sum(report.counts.values()) - min(len(report.notes), MOST_NOTES)
    if hidden > 0:
        typer.echo(f"... and {hidden} more", err=True)
    for line in [*report.remarks(), report.summary()]:
        typer.echo(printable(line), err=True)


_WIDEST, _PLAIN = 120, 100
"""Columns of a report at most, and where there is no terminal."""


def finish(result: "Run | Built", as_json: bool) -> None:
    """Print the summary where JSON is wanted. Exits with the session's code unless it is 0."""
    if as_json:
        print_json(result.summary())
    if result.outcome is not None and result.outcome.exit_code:
        raise typer.Exit(result.outcome.exit_code)


def print_estimate(expected: "Mapping[str, Any]", as_json: bool) -> None:
    """Print what a run is expected to take."""
    if as_json:
        print_json(expected)
        return
    for name, value in expected.items():
        text = ", ".join(value) or "none" if isinstance(value, list) else value
        typer.echo(f"{name.replace('_', ' ')}: {'not known' if text is None else text}")


def print_report(report: "Report", as_json: bool) -> None:
    """Print a report as Markdown or as JSON."""
    from cocoon.reports.formats.json_value import to_json
    from cocoon.reports.formats.markdown import render_markdown

    if as_json:
        print_json(to_json(report))
    else:
        typer.echo(render_markdown(report))


def print_until_stopped(
    server: "AbstractAsyncContextManager[T]", announce: "Callable[[T], None]", ending: str, ended: str = ""
) -> None:
    """Serve until a signal comes, after printing what the server gives.

    `ending` is printed on stderr when it is to stop, and `ended` when it has stopped. Ctrl-C is how a server is meant
    to end, which is 0. Another signal exits with the status of a program that it ended.
    """
    import asyncio
    import signal

    from cocoon.core.outside.interrupts import EXIT_STATUS
    from cocoon.serving.loopback import stop_signal

    async def serve() -> int:
        async with server as served:
            stop = stop_signal()
            announce(served)
            await stop.wait()
            typer.echo(ending, err=True)
        return stop.number

    number = asyncio.run(serve())
    if ended:
        typer.echo(ended, err=True)
    if number != signal.SIGINT:
        raise typer.Exit(EXIT_STATUS + number)


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
    """Turn Ctrl-C (SIGTERM, SIGHUP) inside the block into one line that says how to go on."""
    from cocoon.core.errors import StoppedError
    from cocoon.core.outside.interrupts import number_of

    try:
        yield
    except KeyboardInterrupt as interrupt:
        raise StoppedError(stopped, number_of(interrupt)) from None
