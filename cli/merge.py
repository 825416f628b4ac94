"""`cocoon merge`: the shards of a run, put together."""

from pathlib import Path
from typing import Annotated

import typer

from cocoon.cli.terminal.options import Json


def merge_command(
    shards: Annotated[list[Path], typer.Argument(metavar="SHARD...", help="The folders of all shards, in any order.")],
    out: Annotated[Path, typer.Option("--out", help="A new folder for the run.")],
    as_json: Json = False,
) -> None:
    """Put shards together into the folder that one process would have made. No model is asked."""
    from cocoon.api.reporter import count
    from cocoon.api.shards.merging import merge
    from cocoon.cli.terminal.results import print_json
    from cocoon.cli.terminal.terminal_text import printable

    merged = merge(*shards, out=out)
    for note in merged.notes:
        typer.echo(printable(note), err=True)
    if as_json:
        print_json({**vars(merged), "path": str(merged.path)})
    else:
        parts = [f"{merged.kept} of {merged.items} kept", f"{merged.dropped} dropped", f"{merged.failures} failed"]
        typer.echo(printable(f"{count(merged.shards, 'shard')} merged into {out}: {', '.join(parts)}"))
    if merged.exit_code:
        raise typer.Exit(merged.exit_code)
