"""`cocoon serve`: a local, adapted, steered model behind an OpenAI-compatible address of this machine."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from cocoon.serving.server import Server


def serve_command(
    model: Annotated[
        list[str],
        typer.Option(
            metavar="[NAME=]SPEC",
            help="local:BASE[+adapter=PATH][+steer=PATH:COEF]; several on one base share its weights.",
        ),
    ],
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    max_tokens: Annotated[int, typer.Option(min=1, help="Most tokens of one reply.")] = 1024,
    allow_host: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Answer to this host name too (behind a proxy of yours).")
    ] = None,
) -> None:
    """Serve local models on 127.0.0.1 until Ctrl-C; the address is the first line on stdout."""
    import asyncio

    from cocoon.cli.terminal.results import end_of_server
    from cocoon.serving.models import open_served_models
    from cocoon.serving.server import Limits, Server

    typer.echo("loading the model ...", err=True)
    server = Server(open_served_models(model), Limits(max_tokens), frozenset(allow_host or ()))
    number = asyncio.run(_run(server, port))
    typer.echo("stopped", err=True)
    end_of_server(number)


async def _run(server: "Server", port: int) -> int:
    """Serve until a signal comes, and return its number."""
    from cocoon.serving.loopback import stop_signal
    from cocoon.serving.server import serve_models

    async with serve_models(server, port) as url:
        stop = stop_signal()
        typer.echo(url)
        for name in server.models:
            typer.echo(f"use it with: --supporter '{url}#{name}'", err=True)
        await stop.wait()
        typer.echo("stopping; replies under way get a few seconds", err=True)
    return stop.number
