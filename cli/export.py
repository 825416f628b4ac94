"""`cocoon export`: a run for other programs."""

from pathlib import Path
from typing import Annotated

import typer

KINDS = ("inspect",)


def export(
    run: Annotated[Path, typer.Argument(help="A run folder, or a JSONL file of dialogues.")],
    to: Annotated[str, typer.Option("--to", metavar="KIND", help=f"{', '.join(KINDS)}.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="PATH", help="Where it goes.")],
    scale: Annotated[list[Path] | None, typer.Option(help="A scale file of your own. Repeatable.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
) -> None:
    """Write a run for another program: `inspect`, a log for `inspect view` (a file.eval, or a folder)."""
    from cocoon.viewer.inspect_log import export_inspect
    from cocoon.viewer.run_reader import RunReader

    if to not in KINDS:
        raise typer.BadParameter(f"--to {to!r}: {', '.join(KINDS)}")
    for path in export_inspect(RunReader(run, scale or []), out, force=force):
        typer.echo(path)
