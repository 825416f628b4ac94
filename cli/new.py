"""`cocoon new`: a commented file to start from, which runs as it is."""

from pathlib import Path
from typing import Annotated

import typer


def new(
    kind: Annotated[str, typer.Argument(help="supporter, user, judge, scale, prompt, study, or human.")],
    name: Annotated[str, typer.Argument(help="One word, such as Calm. A class has this name, a file it in small.")],
    folder: Annotated[Path, typer.Option(help="Where the file goes.")] = Path(),
) -> None:
    """Write a supporter, user, judge, scale, prompt or study of your own to start from. Nothing is overwritten."""
    from cocoon.api.templates import new_file

    started = new_file(kind, name, folder)
    typer.echo(started.path)
    typer.echo(f"try it: {started.command}", err=True)
