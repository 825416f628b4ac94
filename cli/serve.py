"""`cocoon serve`: a local, adapted, steered model behind an OpenAI-compatible address of this machine."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from cocoon.models.local.model import LocalChat
    from cocoon.serving.server import Server


def serve(
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

    from cocoon.serving.server import Limits, Server

    typer.echo("loading the model ...", err=True)
    models = _open(model)
    server = Server(models, Limits(max_tokens), frozenset(allow_host or ()))
    asyncio.run(_run(server, port))
    typer.echo("stopped", err=True)


async def _run(server: "Server", port: int) -> None:
    import asyncio
    import signal

    from cocoon.serving.server import serve as served

    stop = asyncio.Event()
    async with served(server, port) as url:
        for name in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        typer.echo(url)
        for name in server.models:
            typer.echo(f"use it with: --supporter '{url}#{name}'", err=True)
        await stop.wait()
        typer.echo("stopping; replies under way get a few seconds", err=True)


def _open(given: list[str]) -> "dict[str, LocalChat]":
    from cocoon.core.errors import CocoonError
    from cocoon.models.by_name import open_local
    from cocoon.running.local_parts import local_parts

    models: dict[str, LocalChat] = {}
    bases = {}
    for text in given:
        name, spec = _named(text)
        if name in models:
            raise CocoonError(f"two models are named {name!r}; give each a name, as --model NAME=SPEC")
        models[name] = open_local(spec.removeprefix("local:"), local_parts(), bases)
    return models


def _named(text: str) -> tuple[str, str]:
    """The name that clients use, and the spec. Without a name, it is made of the spec's file names."""
    from cocoon.core.errors import CocoonError
    from cocoon.core.model_spec import short_name, split_name

    name, spec = split_name(text)
    if not spec.startswith("local:"):
        raise CocoonError(f"--model {text!r}: only local models are served; write local:smollm2 or NAME=local:smollm2")
    return name or short_name(spec.removeprefix("local:")), spec
