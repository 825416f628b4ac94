"""The pairwise judge: two dialogues and one question in, which is better out. It invents nothing."""

from dataclasses import dataclass
from typing import Annotated, Literal

from cocoon.agents.judges.settings import JudgeSettings
from cocoon.agents.protocols import transcript
from cocoon.core.answers import Longest, Missing, TypedAnswer, forced_reason, worded
from cocoon.core.prompts import load_prompt
from cocoon.core.records import Dialogue
from cocoon.evaluation.scales.comparison_questions import ComparisonQuestion, ComparisonQuestions
from cocoon.evaluation.scales.scoring import CANNOT_TELL
from cocoon.models.client import JournaledClient


class ComparisonAnswer(TypedAnswer):
    """The judge's answer to one question: which dialogue is better, None for 'cannot tell'."""

    reason: Annotated[str, worded("no 'reason' in the answer"), Longest(400)]
    better: Annotated[Literal["first", "second", "tie"] | None, worded("'better' is none of first, second, tie, null")]


@dataclass(frozen=True)
class PairAnswer:
    """What came of one question. Where `better` is None, `missing` says why."""

    better: str | None
    missing: str | None
    reason: str


@dataclass(frozen=True)
class PairJudge:
    """Compares two dialogues of one topic, which is described without the need, so that no condition is given away."""

    shared: JudgeSettings
    questions: ComparisonQuestions

    def shas(self) -> set[str]:
        """Return the hashes of its prompt in both languages."""
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
        client = client.at(node)
        answer = await self.shared.ask(client, text, ComparisonAnswer, "pairwise", language)
        if isinstance(answer, Missing):
            return PairAnswer(None, answer.reason, "")
        mass = client.replies[-1].entry.legal_mass.get("better", 1.0)
        if mass < self.shared.floor:
            return PairAnswer(None, forced_reason(mass), answer.reason)
        return PairAnswer(answer.better, CANNOT_TELL if answer.better is None else None, answer.reason)
