"""What building will take before it starts: calls, tokens, cost and hosts. No model is opened."""

from typing import Any

from cocoon.models.ledger import Ledger
from cocoon.running.building.config import ProfileBuildConfig, ProfileJudgeConfig, ScriptConfig
from cocoon.running.estimate import expected_cost, expected_usage

# Calls of one profile by how long its chain gets (propose, feel, recall; deepen and rate for each further node), and
# characters of a filled prompt and of an answer: means over the shipped prompts and profiles.
_WRITER_PROMPT, _RATER_PROMPT, _ANSWER, _MEMORIES = 1100, 1250, 90, 900
_SENSE_PROMPT = 3200


def profile_calls(config: ProfileBuildConfig) -> dict[str, int]:
    """Most writer's and rater's calls for one profile, repairs not counted."""
    steps = config.longest_chain - 1
    return {"writer": 3 + steps, "rater": steps + config.sense}


def estimate_readings(config: ProfileJudgeConfig, items: int) -> dict[str, Any]:
    """Return about what reading so many profiles for sense takes. A token is taken as four characters."""
    model = config.judge.model
    expected = Ledger.of([expected_usage(model, items, _SENSE_PROMPT, _ANSWER, batched=config.batch)], config.prices)
    return {"readings": items, "calls_estimated": expected.calls, **expected_cost(expected, batched=config.batch)}


def estimate_profiles(config: ProfileBuildConfig, items: int) -> dict[str, Any]:
    """Return the most that building so many profiles takes. A token is taken as four characters."""
    calls = profile_calls(config)
    answer = _ANSWER + _MEMORIES / sum(calls.values())
    expected = Ledger.of(
        [
            expected_usage(config.writer.model, items * calls["writer"], _WRITER_PROMPT, answer, batched=config.batch),
            expected_usage(config.rater_model, items * calls["rater"], _RATER_PROMPT, answer, batched=config.batch),
        ],
        config.prices,
    )
    return {"profiles": items, "calls_at_most": expected.calls, **expected_cost(expected, batched=config.batch)}


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
    expected = Ledger.of(
        [
            expected_usage(config.writer.model, items * calls["writer"], 3600, 900, batched=config.batch),
            expected_usage(config.rater_model, items * calls["rater"], 2400, 320, batched=config.batch),
        ],
        config.prices,
    )
    return {"dialogues": items, "calls_estimated": expected.calls, **expected_cost(expected, batched=config.batch)}
