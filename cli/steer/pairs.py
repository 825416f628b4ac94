"""`cocoon steer pairs`: contrastive pairs written by a model, filtered, ready for extraction."""

from cocoon.cli.terminal.options import CloudTracing, Json, Out
from cocoon.cli.terminal.results import finish
from cocoon.cli.terminal.settings import settings_of
from cocoon.core.verb_settings import Given
from cocoon.running.building.config import STEER_PAIRS, PairsConfig


@settings_of(STEER_PAIRS, arguments=["situations"], spelled={"writer": "--model"})
def pairs(
    out: Out, given: Given[PairsConfig], allow_cloud_tracing: CloudTracing = False, as_json: Json = False
) -> None:
    """Write each reply as a question and as a statement; what differs in more than that is refused with its reason."""
    from cocoon.api.blocking import wait_for
    from cocoon.api.steering import build_pairs

    finish(wait_for(build_pairs(out, given, allow_cloud_tracing=allow_cloud_tracing)), as_json)
