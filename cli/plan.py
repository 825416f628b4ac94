"""`cocoon plan`: what a study takes on one machine and on several, before any of it runs."""

from pathlib import Path
from typing import Annotated

import typer

from cocoon.cli.terminal.options import Json
from cocoon.cli.terminal.settings import settings_of
from cocoon.core.verb_settings import Given
from cocoon.running.scale.plan import PLAN, PlanConfig


@settings_of(PLAN, sources=False)
def plan_command(
    study: Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="Settings as for `cocoon simulate --config`.")],
    given: Given[PlanConfig],
    like: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Take answers' seconds, repeats, lengths and tokens from a run.")
    ] = None,
    changes: Annotated[
        list[str] | None, typer.Option("-o", metavar="KEY=VALUE", help="One setting of the study. Repeatable.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say how many calls, how long and how much money a study takes, by a model of its queues. No model is asked."""
    from cocoon.api.shards.planning import plan
    from cocoon.cli.terminal.results import print_json

    rows = plan(study, options=changes or [], like=like, **given.keywords)
    if as_json:
        print_json([row.model_dump() for row in rows])
        return
    typer.echo("machines  dialogues each    calls        time  calls/s  speed-up  money")
    for row in rows:
        minutes, seconds = divmod(round(row.seconds), 60)
        time = f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
        money = "not known" if row.cost is None else f"{row.cost:,.2f}"
        typer.echo(
            f"{row.machines:8}  {row.dialogues:14,}  {row.calls:7,}  {time:>10}  {row.calls_a_second:7.1f}  "
            f"{row.speed_up:8.2f}  {money}"
        )
