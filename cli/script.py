"""`cocoon script`: profiles in, script-based dialogues out, filtered and annotated."""

from cocoon.cli.terminal.options import CloudTracing, DryRun, Json, Out
from cocoon.cli.terminal.results import finish, print_estimate
from cocoon.cli.terminal.settings import settings_of
from cocoon.core.verb_settings import Given
from cocoon.running.building.config import SCRIPT, ScriptConfig


@settings_of(SCRIPT)
def script(
    out: Out,
    given: Given[ScriptConfig],
    allow_cloud_tracing: CloudTracing = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Write dialogues as scripts. The same line again goes on where it stopped."""
    from cocoon.api.blocking import wait_for
    from cocoon.api.building import prepare_script

    building = prepare_script(out, given, allow_cloud_tracing=allow_cloud_tracing)
    if dry_run:
        print_estimate(building.expected, as_json)
    else:
        finish(wait_for(building.build(progress=True)), as_json)
