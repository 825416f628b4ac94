"""`cocoon verify`: whether a run folder is as it was made."""

from pathlib import Path
from typing import Annotated

import typer

from cocoon.cli.terminal.options import Json


def verify_command(run: Annotated[Path, typer.Argument(help="A run folder.")], as_json: Json = False) -> None:
    """Hold journal, dialogues, ratings and report against their hashes. Exits with 1 if anything changed or is lost."""
    from cocoon.api.reporter import count
    from cocoon.api.reporting import verify
    from cocoon.cli.terminal.terminal_text import printable

    result = verify(run)
    if as_json:
        typer.echo(result.model_dump_json())
    else:
        for problem in result.problems:
            typer.echo(printable(problem.one_line()))
        for remark in (*(f"not checked: {what}" for what in result.unchecked), *result.notes):
            typer.echo(printable(remark), err=True)
        counts = ", ".join(f"{number} {thing}" for thing, number in result.checked.items() if number) or "nothing"
        found = count(len(result.problems), "problem") if result.problems else "all as they were made"
        typer.echo(printable(f"{run}: checked {counts}: {found}"))
    if not result.ok:
        raise typer.Exit(1)
