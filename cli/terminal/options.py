"""Options that several commands share, and that are no settings of a run. One that has no use is refused."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated

import typer

Out = Annotated[Path, typer.Option("--out", help="The run's folder; one that is there is resumed.")]
CloudTracing = Annotated[
    bool, typer.Option("--allow-cloud-tracing", help="Let LANGSMITH_TRACING send conversations to a service.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only print the calls, tokens, cost and hosts to expect.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Right = Annotated[
    bool, typer.Option("--i-have-the-right", help="Write text whose licence does not let it be passed on, too.")
]
RecordsOut = Annotated[Path, typer.Option("-o", "--out", help="Where the records go, one a line.")]
SkipUnreadable = Annotated[
    bool, typer.Option("--skip-unreadable", help="Leave out records that cannot be read, and count them by reason.")
]
Map = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="NAME=COLUMN", help="Of a table: content=text,role=speaker,dialogue=id. Repeatable."),
]
Roles = Annotated[
    list[str] | None,
    typer.Option("--roles", metavar="NAME=SIDE", help="Of a table: therapist=supporter,client=user. Repeatable."),
]
Force = Annotated[bool, typer.Option("--force", help="Replace what is there.")]
Limit = Annotated[int | None, typer.Option("-n", "--limit", min=1, max=1_000_000_000, help="Only the first N.")]
ScaleFiles = Annotated[list[Path] | None, typer.Option(help="A scale of your own. Repeatable.")]


def refuse_unused(values: Mapping[str, object], used: Collection[str], mode: str) -> None:
    """Raise for an option that was given and is not among those used. `mode` says what uses none of the others."""
    for option, value in values.items():
        # Zero is a value, so that equality with False does not tell.
        given = value is not None and value is not False and value != []
        if given and option not in used:
            raise typer.BadParameter(f"{option} has no use {mode}. Leave it out.")
