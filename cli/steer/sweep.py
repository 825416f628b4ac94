"""`cocoon steer sweep`: how much asking does to comfort, over a grid of coefficients."""

from typing import Annotated

import typer

from cocoon.cli.terminal.options import CloudTracing, DryRun, Json, Out
from cocoon.cli.terminal.settings import COMPARED, settings_of
from cocoon.core.config import StudyConfig
from cocoon.core.verb_settings import SWEEP, Given
from cocoon.studies.sweep.config import SWEPT, SweepConfig


@settings_of(SWEEP)
@settings_of(SWEPT, into=COMPARED, sources=False)
def sweep(
    direction: Annotated[
        list[str],
        typer.Option(
            "--direction",
            metavar="[NAME=]FILE[+at=WHERE]",
            help="Several are rows side by side: starts=FILE, every=FILE+at=every.",
        ),
    ],
    out: Out,
    given: Given[StudyConfig],
    compared: Given[SweepConfig],
    coefficient: Annotated[
        list[float] | None, typer.Option(help="Coefficients beside 0; may be given several times.")
    ] = None,
    ratio: Annotated[
        list[float] | None,
        typer.Option(help="In place of coefficients: shares of replies that ask, 0 to 1, for which they are found."),
    ] = None,
    allow_cloud_tracing: CloudTracing = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Simulate and judge every coefficient (or ratio) with every kind of user; the same command goes on again."""
    from cocoon.api.steering import prepare_sweep, run_sweep_as
    from cocoon.cli.terminal.results import finish_study, print_estimate

    swept = {**compared.keywords, "direction": direction, "coefficient": coefficient, "ratio": ratio}
    if dry_run:
        study = prepare_sweep(out, given, swept, allow_cloud_tracing=allow_cloud_tracing)
        print_estimate(study.estimate(), as_json)
        return
    written = f"{out}/sweep.md, sweep.html, tables/, figures/; the runs stand in {out}/users"
    finish_study(run_sweep_as(out, given, swept, allow_cloud_tracing=allow_cloud_tracing), as_json, written)
