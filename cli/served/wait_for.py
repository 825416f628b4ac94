"""`cocoon wait-for`: until a model server answers."""

from typing import Annotated

import typer


def wait_for_server(
    address: Annotated[
        str, typer.Argument(metavar="URL", help="http://HOST/v1, several with commas, or a row: http://HOST/v1#NAME.")
    ],
    seconds: Annotated[float, typer.Option(min=0, help="Give up after so many seconds.")] = 600.0,
) -> None:
    """Wait until every server lists its models, and the row that is named. One line says why, if it does not."""
    from cocoon.api.blocking import wait_for
    from cocoon.models.remote.health import await_server

    typer.echo(", ".join(wait_for(await_server(address, seconds))))
