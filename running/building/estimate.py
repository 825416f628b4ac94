"""What building will take before it starts: calls, tokens, cost and hosts. No model is opened."""

from collections.abc import Mapping
from typing import Any

from cocoon.models.by_name import host_of
from cocoon.running.building.config import GenerationConfig, ProfileBuildConfig, ScriptConfig

# Calls of one profile by how long its chain gets (propose, feel, recall; deepen and rate for each further node), and
# characters of a filled prompt and of an answer: means over the shipped prompts and profiles.
_WRITER_PROMPT, _RATER_PROMPT, _ANSWER, _MEMORIES = 1100, 1250, 90, 900


def profile_calls(config: ProfileBuildConfig) -> dict[str, int]:
    """Most writer's and rater's calls for one profile, repairs not counted."""
    steps = config.longest_chain - 1
    return {"writer": 3 + steps, "rater": steps}


def estimate_profiles(config: ProfileBuildConfig, items: int) -> dict[str, Any]:
    """Return the most that building so many profiles takes. A token is taken as four characters."""
    calls = profile_calls(config)
    characters_in = calls["writer"] * _WRITER_PROMPT + calls["rater"] * _RATER_PROMPT
    characters_out = (calls["writer"] + calls["rater"]) * _ANSWER + _MEMORIES
    return told("profiles", config, items, calls, characters_in, characters_out)


def script_calls(config: ScriptConfig) -> dict[str, int]:
    """Return the writer's and the rater's calls for one dialogue that is kept, without repairs and restatements.

    It has as many pieces as the minimum of rounds takes, and one more. Every supporter turn but the opening is
    annotated, and about one sentence in each piece is doubtful to the screen.
    """
    pieces = min(config.pieces, -(-config.minimum_rounds // config.exchanges) + 1)
    supporters = pieces * config.exchanges + config.suggestions + 1
    return {"writer": pieces + 2, "rater": 2 * pieces + 1 + supporters}


def estimate_scripts(config: ScriptConfig, items: int) -> dict[str, Any]:
    """Return about what writing so many dialogues takes. A token is taken as four characters."""
    calls = script_calls(config)
    characters_in = calls["writer"] * 3600 + calls["rater"] * 2400
    characters_out = calls["writer"] * 900 + calls["rater"] * 320
    estimate = told("dialogues", config, items, calls, characters_in, characters_out)
    estimate["calls_estimated"] = estimate.pop("calls_at_most")
    return estimate


def told(
    things: str,
    config: GenerationConfig,
    items: int,
    calls: Mapping[str, int],
    characters_in: float,
    characters_out: float,
) -> dict[str, Any]:
    """Return an estimate as it is printed. `calls` and characters are those of one item."""
    tokens_in, tokens_out = items * characters_in / 4, items * characters_out / 4
    specs = [config.writer.model, config.rater_model]
    return {
        things: items,
        "calls_at_most": items * sum(calls.values()),
        "tokens_in_estimated": round(tokens_in),
        "tokens_out_estimated": round(tokens_out),
        "cost_estimated": _cost(config, specs, tokens_in, tokens_out),
        "hosts": sorted({host for spec in specs if (host := host_of(spec))}),
    }


def _cost(config: GenerationConfig, specs: list[str], tokens_in: float, tokens_out: float) -> float | None:
    remote = [spec for spec in specs if host_of(spec)]
    if not remote or not all(spec in config.prices for spec in remote):
        return None
    dearest = max((config.prices[spec] for spec in remote), key=sum)
    return round((tokens_in * dearest[0] + tokens_out * dearest[1]) / 1e6, 2)
