"""`cocoon simulate`: conversations between supporters and the resistant user, judged as they are made if wanted."""

from cocoon.cli.terminal.options import CloudTracing, DryRun, Json, Out
from cocoon.cli.terminal.results import finish, print_estimate
from cocoon.cli.terminal.settings import PAPER, settings_of
from cocoon.core.config import StudyConfig
from cocoon.core.verb_settings import SIMULATE, Given


@settings_of(SIMULATE, preset=PAPER)
def simulate(
    out: Out,
    given: Given[StudyConfig],
    allow_cloud_tracing: CloudTracing = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Simulate conversations. The same line again goes on where it stopped; nothing answered is asked twice."""
    from cocoon.api.blocking import wait_for
    from cocoon.api.simulation import prepare_simulation, simulate_as

    if dry_run:
        simulation = prepare_simulation(out, given, allow_cloud_tracing=allow_cloud_tracing)
        print_estimate(simulation.estimate(), as_json)
    else:
        finish(wait_for(simulate_as(out, given, allow_cloud_tracing=allow_cloud_tracing)), as_json)
