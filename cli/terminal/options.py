"""Options that several commands share, and that are no settings of a run."""

from pathlib import Path
from typing import Annotated

import typer

Out = Annotated[Path, typer.Option("--out", help="The run's folder; one that is there is resumed.")]
CloudTracing = Annotated[
    bool, typer.Option("--allow-cloud-tracing", help="Let LANGSMITH_TRACING send conversations to a service.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only print the calls, tokens, cost and hosts to expect.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
