"""`cocoon serve-plan`: the line that starts vLLM for a study."""

from pathlib import Path
from typing import Annotated

import typer

from cocoon.cli.terminal.options import Json
from cocoon.cli.terminal.settings import settings_of
from cocoon.core.verb_settings import Given
from cocoon.studies.serve_plan import SERVE_PLAN, ServePlanConfig


@settings_of(SERVE_PLAN, sources=False)
def serve_plan_command(
    study: Annotated[
        Path, typer.Argument(metavar="STUDY.yaml", help="Settings of `cocoon simulate` or `cocoon reproduce`.")
    ],
    given: Given[ServePlanConfig],
    out: Annotated[Path | None, typer.Option(help="The reproduction's folder, whose adapters are served.")] = None,
    changes: Annotated[
        list[str] | None, typer.Option("-o", metavar="KEY=VALUE", help="One setting of the study. Repeatable.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Print the line that starts vLLM with a study's local base, adapters and directions. Nothing is started."""
    from cocoon.api.shards.planning import serve_plan
    from cocoon.cli.terminal.results import print_json

    planned = serve_plan(study, out=out, options=changes or [], **given.keywords)
    if as_json:
        print_json({**planned.model_dump(), "line": planned.line, "lines": planned.lines})
        return
    for spec, served in planned.specs.items():
        typer.echo(f"# {spec} is {served}")
    for line in planned.lines:
        typer.echo(line)
