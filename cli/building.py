"""The verbs by which models write data: `script`, `profiles build`, `profiles translate`, `steer pairs`."""

from cocoon.cli.terminal.options import CloudTracing, DryRun, Json, Out
from cocoon.cli.terminal.results import finish, finish_building
from cocoon.cli.terminal.settings import settings_of
from cocoon.core.verb_settings import Given
from cocoon.running.building.config import (
    BUILD_PROFILES,
    SCRIPT,
    STEER_PAIRS,
    TRANSLATE_PROFILES,
    PairsConfig,
    ProfileBuildConfig,
    ScriptConfig,
    TranslationConfig,
)


@settings_of(SCRIPT)
def script(
    out: Out,
    given: Given[ScriptConfig],
    allow_cloud_tracing: CloudTracing = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Write dialogues as scripts. The same line again goes on where it stopped."""
    from cocoon.api.building import prepare_script

    building = prepare_script(out, given, allow_cloud_tracing=allow_cloud_tracing)
    finish_building(building, dry_run=dry_run, as_json=as_json)


@settings_of(BUILD_PROFILES)
def build(
    out: Out,
    given: Given[ProfileBuildConfig],
    allow_cloud_tracing: CloudTracing = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Build profiles. The same line again goes on where it stopped; a larger -n adds to what is there."""
    from cocoon.api.building import prepare_profiles

    building = prepare_profiles(out, given, allow_cloud_tracing=allow_cloud_tracing)
    finish_building(building, dry_run=dry_run, as_json=as_json)


@settings_of(TRANSLATE_PROFILES, arguments=["profiles"], required=["to"], spelled={"writer": "--model"})
def translate(
    out: Out, given: Given[TranslationConfig], allow_cloud_tracing: CloudTracing = False, as_json: Json = False
) -> None:
    """Translate piece by piece; each result names its original (translation_of) and is marked as not reviewed."""
    from cocoon.api.building import prepare_translation

    building = prepare_translation(out, given, allow_cloud_tracing=allow_cloud_tracing)
    finish_building(building, dry_run=False, as_json=as_json)


@settings_of(STEER_PAIRS, arguments=["situations"], spelled={"writer": "--model"})
def pairs(
    out: Out, given: Given[PairsConfig], allow_cloud_tracing: CloudTracing = False, as_json: Json = False
) -> None:
    """Write each reply as a question and as a statement; what differs in more than that is refused with its reason."""
    from cocoon.api.blocking import wait_for
    from cocoon.api.steering import build_pairs

    finish(wait_for(build_pairs(out, given, allow_cloud_tracing=allow_cloud_tracing)), as_json)
