"""`cocoon profiles build`: profiles from scenarios and emotions, written and rated by models."""

from cocoon.cli.terminal.options import CloudTracing, DryRun, Json, Out
from cocoon.cli.terminal.results import finish, print_estimate
from cocoon.cli.terminal.settings import settings_of
from cocoon.core.verb_settings import Given
from cocoon.running.building.config import BUILD_PROFILES, ProfileBuildConfig


@settings_of(BUILD_PROFILES)
def build(
    out: Out,
    given: Given[ProfileBuildConfig],
    allow_cloud_tracing: CloudTracing = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Build profiles. The same line again goes on where it stopped; a larger -n adds to what is there."""
    from cocoon.api.blocking import wait_for
    from cocoon.api.building import prepare_profiles

    building = prepare_profiles(out, given, allow_cloud_tracing=allow_cloud_tracing)
    if dry_run:
        print_estimate(building.expected, as_json)
    else:
        finish(wait_for(building.build(progress=True)), as_json)
