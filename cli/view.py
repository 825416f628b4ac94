"""`cocoon view`: a run to look at, as a page of this machine or as a folder that opens from disk."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cocoon.cli.terminal.unused import refuse_unused

if TYPE_CHECKING:
    from cocoon.viewer.page import RunPage


def view(
    run: Annotated[Path, typer.Argument(help="A run folder, or a JSONL file of dialogues.")],
    export: Annotated[Path | None, typer.Option(help="Write the page to that folder instead of serving it.")] = None,
    other: Annotated[Path | None, typer.Option("--with", help="Another run, to compare on the same profiles.")] = None,
    language: Annotated[Literal["en", "zh"], typer.Option(help="Language of the page, which can change it.")] = "en",
    scale: Annotated[list[Path] | None, typer.Option(help="A scale file of your own. Repeatable.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="0 takes a free one (default).")] = None,
) -> None:
    """Show every dialogue with its hidden user, thoughts, ratings, calls and its path through the graph."""
    from cocoon.running.reading.reader import RunReader
    from cocoon.viewer.page import RunPage, export_page

    if export is not None:
        refuse_unused({"--port": port}, (), "with --export, which serves nothing")
    readers = [RunReader(path, scale or []) for path in (run, other) if path is not None]
    page = RunPage(readers[0], readers[1] if other else None, language, live=export is None)
    if export is not None:
        size = export_page(page, export)
        typer.echo(
            f"{export}/view.html: {len(readers[0].names())} dialogues, {size / 1e6:.1f} MB; open it from disk", err=True
        )
        return
    _serve(page, port or 0)


def _serve(page: "RunPage", port: int) -> None:
    import asyncio

    from cocoon.cli.terminal.results import end_of_server
    from cocoon.serving.loopback import stop_signal
    from cocoon.viewer.server import served_run

    async def work() -> int:
        async with served_run(page, port) as url:
            stop = stop_signal()
            typer.echo(url)
            typer.echo("open that address; Ctrl-C stops", err=True)
            await stop.wait()
        return stop.number

    end_of_server(asyncio.run(work()))
