"""Settings of an ablation: those of its dialogues, and those of the comparison of its conditions."""

from typing import ClassVar, Literal

from cocoon.core.config import JudgeConfig, RunConfig, StudyConfig
from cocoon.core.errors import CocoonError

CONDITIONS = "conditions"
DEFAULT_CONDITIONS = "full,no-memory,no-memory-need"


class AblationConfig(RunConfig):
    """Settings for comparing conditions: the judge, the conditions, and which pairs (neighbours, or every pair)."""

    free_keys: ClassVar[tuple[str, ...]] = (*RunConfig.free_keys, "limit")

    verb: Literal["ablate"] = "ablate"
    judge: JudgeConfig = JudgeConfig(scales=[])
    conditions: str = DEFAULT_CONDITIONS
    every_pair: bool = False

    @classmethod
    def verb_of(cls) -> str:
        return "ablate"


def comparison_of(study: StudyConfig, conditions: str, *, every_pair: bool) -> AblationConfig:
    """Return the settings of the comparison that belongs to the dialogues of a study."""
    shared = {
        name: getattr(study, name)
        for name in ("concurrency", "timeout", "patience", "budget", "prices", "seed", "prompts")
    }
    judge = study.judge.model_copy(update={"scales": []})
    return AblationConfig(judge=judge, conditions=conditions, every_pair=every_pair, **shared)


def refuse_copies(judge: JudgeConfig) -> None:
    """Raise CocoonError for several votes at temperature 0, because the same prompt would get the same answer."""
    if judge.votes > 1 and judge.temperature == 0:
        raise CocoonError(
            "votes at temperature 0 are copies of one; set -o judge.temperature=0.7 (or another above 0), or --votes 1"
        )
