"""The pairwise judge: two dialogues and one question in, which is better out; it invents nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cocoon.agents.judges.judges import JudgeSettings, forced
from cocoon.agents.protocols import transcript
from cocoon.core.prompts import load_prompt
from cocoon.core.records import Dialogue
from cocoon.evaluation.scales.comparison_questions import ComparisonQuestion, ComparisonQuestions
from cocoon.evaluation.scales.scoring import CANNOT_TELL
from cocoon.models.calls import Reply
from cocoon.models.client import JournaledClient

ANSWERS = ("first", "second", "tie")
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "reason": {"type": "string", "maxLength": 400},
        "better": {"anyOf": [{"type": "string", "enum": list(ANSWERS)}, {"type": "null"}]},
    },
    "required": ["reason", "better"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class PairAnswer:
    """`better` is first, second, tie, or none where missing, and `missing` then says why."""

    better: str | None
    missing: str | None
    reason: str
    replies: Sequence[Reply]


@dataclass(frozen=True)
class PairJudge:
    """Compares two dialogues of one topic; the topic is told without the need, so that no condition is given away."""

    shared: JudgeSettings
    questions: ComparisonQuestions

    def shas(self) -> set[str]:
        """Hashes of its prompt in both languages."""
        return {prompt.sha for prompt in self.shared.prompts(["judge/pairwise"])}

    async def compare(
        self, client: JournaledClient, first: Dialogue, second: Dialogue, question: ComparisonQuestion
    ) -> PairAnswer:
        """Return the answer to one question on one order of a pair.

        Raises CallFailedError when the model gives no reply at all.
        """
        language = first.language
        prompt = load_prompt("judge/pairwise", language, self.shared.folder)
        text = prompt.render(
            instruction=self.questions.instruction.of(language),
            question=question.of(language),
            emotion=first.profile.emotion,
            feeling=first.profile.feeling,
            first=transcript(first.turns, language),
            second=transcript(second.turns, language),
        )
        node = f"pairwise:{question.id}:{self.shared.model.label}:{prompt.sha}"
        answer = await self.shared.ask(client.at(node), text, SCHEMA, "pairwise", language, problem_of)
        value = answer.value if answer.problem is None else None
        mass = answer.legal_mass.get("better", 1.0)
        if value is None:
            return PairAnswer(None, answer.problem or "no answer", "", answer.replies)
        if mass < self.shared.floor:
            return PairAnswer(None, forced(mass), value["reason"], answer.replies)
        missing = CANNOT_TELL if value["better"] is None else None
        return PairAnswer(value["better"], missing, value["reason"], answer.replies)


def problem_of(value: Any) -> str | None:
    """What is wrong with a parsed answer, none where nothing is."""
    if not isinstance(value, dict) or "better" not in value:
        return "no 'better' in the answer"
    if value["better"] is not None and value["better"] not in ANSWERS:
        return "'better' is none of first, second, tie, null"
    return None if isinstance(value.get("reason"), str) else "no 'reason' in the answer"
