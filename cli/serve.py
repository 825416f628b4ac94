"""`cocoon serve`: a local, adapted, steered model behind an OpenAI-compatible address of this machine."""

from typing import Annotated

import typer


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
    api_key_env: Annotated[
        str | None,
        typer.Option(metavar="VARIABLE", help="Take the key from it (default: COCOON_SERVER_KEY, or a new key)."),
    ] = None,
) -> None:
    """Serve local models on 127.0.0.1 until Ctrl-C; the address is the first line on stdout."""
    from cocoon.cli.terminal.results import print_until_stopped
    from cocoon.core.model_spec import SERVER_KEY
    from cocoon.serving.api_key import api_key
    from cocoon.serving.models import open_served_models
    from cocoon.serving.server import Limits, Server, serve_models

    key, is_new = api_key(api_key_env)
    typer.echo("loading the model ...", err=True)
    server = Server(open_served_models(model), Limits(max_tokens), frozenset(allow_host or ()), key)

    def announce(url: str) -> None:
        typer.echo(url)
        if is_new:
            typer.echo(f"the key of this start, for any client: export {SERVER_KEY}={server.key}", err=True)
        for name in server.models:
            typer.echo(f"use it with: --supporter '{url}#{name}'", err=True)

    print_until_stopped(
        serve_models(server, port), announce, "stopping; replies under way get a few seconds", "stopped"
    )
