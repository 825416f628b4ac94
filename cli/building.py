"""The verbs by which models write data: `script`, `profiles build`, `judge` and `translate`, `steer pairs`."""

from collections.abc import Callable, Collection
from typing import TypeVar

from cocoon.cli.terminal.options import CloudTracing, DryRun, Json, Out
from cocoon.cli.terminal.results import finish, print_estimate
from cocoon.cli.terminal.settings import settings_of
from cocoon.core.config import RunConfig
from cocoon.core.verb_settings import Given, VerbSettings
from cocoon.running.building.config import (
    BUILD_PROFILES,
    JUDGE_PROFILES,
    SCRIPT,
    STEER_PAIRS,
    TRANSLATE_PROFILES,
    PairsConfig,
    TranslationConfig,
)

ConfigT = TypeVar("ConfigT", bound=RunConfig)


def _verb(
    settings: VerbSettings[ConfigT],
    prepare: str,
    about: str,
    arguments: Collection[str] = (),
    required: Collection[str] = (),
) -> Callable[..., None]:
    """Return a verb that builds what a function of `cocoon.api.building` prepares. `about` is its help."""

    def verb(
        out: Out,
        given: Given[ConfigT],
        allow_cloud_tracing: CloudTracing = False,
        dry_run: DryRun = False,
        as_json: Json = False,
    ) -> None:
        from cocoon.api import building
        from cocoon.api.blocking import wait_for

        prepared = getattr(building, prepare)
        if dry_run:
            print_estimate(prepared(out, given, allow_cloud_tracing=allow_cloud_tracing).expected, as_json)
        else:
            built = building.build_as(prepared, out, given, allow_cloud_tracing=allow_cloud_tracing)
            finish(wait_for(built), as_json)

    verb.__doc__ = about
    return settings_of(settings, arguments=arguments, required=required)(verb)


script = _verb(SCRIPT, "prepare_script", "Write dialogues as scripts. The same line again goes on where it stopped.")
build = _verb(
    BUILD_PROFILES,
    "prepare_profiles",
    "Build profiles. The same line again goes on where it stopped, and a larger -n adds to what is there.",
)


judge_profiles = _verb(
    JUDGE_PROFILES,
    "prepare_reading",
    "Read profiles for sense: could it be one living person, does each wish lie behind the one before it.",
    arguments=["profiles"],
    required=["judge"],
)


@settings_of(TRANSLATE_PROFILES, arguments=["profiles"], required=["to"], spelled={"writer": "--model"})
def translate(
    out: Out, given: Given[TranslationConfig], allow_cloud_tracing: CloudTracing = False, as_json: Json = False
) -> None:
    """Translate piece by piece; each result names its original (translation_of) and is marked as not reviewed."""
    from cocoon.api.blocking import wait_for
    from cocoon.api.building import prepare_translation

    building = prepare_translation(out, given, allow_cloud_tracing=allow_cloud_tracing)
    finish(wait_for(building.build(progress=True)), as_json)


@settings_of(STEER_PAIRS, arguments=["situations"], spelled={"writer": "--model"})
def pairs(
    out: Out, given: Given[PairsConfig], allow_cloud_tracing: CloudTracing = False, as_json: Json = False
) -> None:
    """Write each reply as a question and as a statement; what differs in more than that is refused with its reason."""
    from cocoon.api.blocking import wait_for
    from cocoon.api.steering import build_pairs

    finish(wait_for(build_pairs(out, given, allow_cloud_tracing=allow_cloud_tracing)), as_json)
