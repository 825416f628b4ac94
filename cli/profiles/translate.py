"""`cocoon profiles translate`: the same profiles in the other language."""

from cocoon.cli.terminal.options import CloudTracing, Json, Out
from cocoon.cli.terminal.results import finish
from cocoon.cli.terminal.settings import settings_of
from cocoon.core.verb_settings import Given
from cocoon.running.building.config import TRANSLATE_PROFILES, TranslationConfig


@settings_of(TRANSLATE_PROFILES, arguments=["profiles"], required=["to"], spelled={"writer": "--model"})
def translate(
    out: Out, given: Given[TranslationConfig], allow_cloud_tracing: CloudTracing = False, as_json: Json = False
) -> None:
    """Translate piece by piece; each result names its original (translation_of) and is marked as not reviewed."""
    from cocoon.api.blocking import wait_for
    from cocoon.api.building import prepare_translation

    building = prepare_translation(out, given, allow_cloud_tracing=allow_cloud_tracing)
    finish(wait_for(building.build(progress=True)), as_json)
