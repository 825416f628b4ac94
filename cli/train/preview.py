"""Prints what a training would be made of."""

import json
from typing import TYPE_CHECKING

import typer

from cocoon.cli.terminal.results import print_report
from cocoon.cli.terminal.terminal_text import printable

if TYPE_CHECKING:
    from cocoon.api.training import TrainingPreview


def print_preview(preview: "TrainingPreview", as_json: bool) -> None:
    """Print one example with its trained parts marked, and the counts."""
    from cocoon.reports.formats.json_value import to_json
    from cocoon.reports.tables.training import MARKS

    if as_json:
        typer.echo(json.dumps(to_json(preview.report) | {"example": preview.example}, ensure_ascii=False))
        return
    typer.echo(f"one example; what is trained stands between {MARKS[0]} and {MARKS[1]}", err=True)
    typer.echo("\n".join(printable(line) for line in preview.example.split("\n")))
    typer.echo("")
    print_report(preview.report, as_json)
