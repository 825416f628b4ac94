"""The live demonstration: the embedded model plays supporter, user and judge, and somebody watches."""

from pathlib import Path

from cocoon.api.blocking import wait_for
from cocoon.api.reporter import Reporter
from cocoon.api.run import Run
from cocoon.api.simulation import prepare_simulation, start
from cocoon.core.records import Language
from cocoon.core.verb_settings import SIMULATE, Given
from cocoon.running.session import DialogueListener

JUDGE = "local:smollm2"
SPEAKER: dict[Language, str] = {"en": f"{JUDGE}+adapter=shipped", "zh": JUDGE}
"""Who speaks in both roles. The adapter was trained on English scripts, and its base makes hardly any sense."""


def live_run(
    out: str | Path, limit: int, rounds: int, language: Language, reporter: Reporter, listener: DialogueListener
) -> Run:
    """Simulate and judge a few shipped people with the embedded model. `listener` hears every turn as it is spoken."""
    speaker = SPEAKER[language]
    settings = {
        "profiles": f"shipped:{language}",
        "limit": limit,
        "rounds": rounds,
        "user": speaker,
        "appraiser": "rule",
        "difficulty": "easy",
        "judge": JUDGE,
    }
    short = {"supporters": [{"model": speaker, "max_tokens": 60}], "user.max_tokens": 40, "judge.max_tokens": 200}
    return wait_for(start(prepare_simulation(out, Given(SIMULATE, settings, options=short)), reporter, listener))
