"""What a run will take before it starts: calls, tokens, cost and hosts. No model is opened. Tokens are estimates."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cocoon.core.config import StudyConfig
from cocoon.evaluation.scales.files import load_scale, load_scales
from cocoon.evaluation.scales.records import Scale
from cocoon.evaluation.success.verdicts import ATTRIBUTED, PAPER
from cocoon.models.by_name import host_of

# Characters of a turn, of a filled system prompt, of an appraisal and of a judge's prompt: means over the shipped
# prompts and profiles. Four characters are taken for a token.
TURN, SYSTEM, APPRAISAL, JUDGEMENT, VERDICT = 180, 2600, 4200, 3800, 150


def judges_wanted(config: StudyConfig) -> int:
    """Calls that judging takes for each dialogue: `success` has two modes, some scales ask each item on its own."""
    if config.judge.model is None:
        return 0
    scales = load_scales(map(Path, config.scale_files))
    return sum(_calls(name, scales) for name in config.judge.scales) * config.judge.votes


def _calls(name: str, scales: Mapping[str, Scale]) -> int:
    if name in (PAPER, ATTRIBUTED, "success"):
        return 2 if name == "success" else 1
    # Raises CocoonError for a name that no scale has.
    scale = scales.get(name) or load_scale(name)
    return len(scale.items) if scale.ask == "each" else 1


def estimate(config: StudyConfig, dialogues: int, *, talking: bool = True) -> dict[str, Any]:
    """Return the expected calls, tokens (estimated), cost (None unless every remote model has a price) and hosts.

    `dialogues` are to be made and judged. Without `talking` they exist and are only judged.
    """
    rounds = config.rounds if talking else 0
    spoken = config.rounds * 2 * TURN
    appraised = max(0, rounds - 1) if _appraises(config) else 0
    judged = judges_wanted(config)
    characters_in = (
        rounds * 2 * (SYSTEM + spoken / 2) + appraised * (APPRAISAL + spoken / 2) + judged * (JUDGEMENT + spoken)
    )
    characters_out = rounds * 2 * TURN + (appraised + judged) * VERDICT
    tokens_in, tokens_out = dialogues * characters_in / 4, dialogues * characters_out / 4
    specs = specs_used(config, talking=talking)
    return {
        "dialogues": dialogues,
        "calls": dialogues * (rounds * 2 + appraised + judged),
        "tokens_in_estimated": round(tokens_in),
        "tokens_out_estimated": round(tokens_out),
        "cost_estimated": _cost(config, specs, tokens_in, tokens_out),
        "hosts": sorted({host for spec in specs if (host := host_of(spec))}),
    }


def specs_used(config: StudyConfig, *, talking: bool = True) -> list[str]:
    """Specs of every model that a run will use."""
    specs = [config.judge.model] if config.judge.model else []
    if talking:
        specs += [config.user.model, *(supporter.model for supporter in config.supporters)]
        specs += [config.user.appraiser or config.user.model] if _appraises(config) else []
    return specs


def _appraises(config: StudyConfig) -> bool:
    return config.user.kind == "guarded" and config.user.appraiser != "rule"


def _cost(config: StudyConfig, specs: list[str], tokens_in: float, tokens_out: float) -> float | None:
    remote = [spec for spec in specs if host_of(spec)]
    if not remote or not all(spec in config.prices for spec in remote):
        return None
    dearest = max((config.prices[spec] for spec in remote), key=sum)
    return round((tokens_in * dearest[0] + tokens_out * dearest[1]) / 1e6, 2)
