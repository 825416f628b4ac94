"""Judges single replies: whether they fit what was said, keep the supporter's role, and can be understood."""

from collections.abc import Sequence
from dataclasses import dataclass

from cocoon.agents.protocols import SpokenTurn, transcript
from cocoon.agents.writers.asking import Asker
from cocoon.core.answers import Missing, TypedAnswer
from cocoon.core.records import Language
from cocoon.models.client import JournaledClient

COHERENCE_PROMPT = "judge/coherence"


class ReplyCoherence(TypedAnswer):
    """Three readings of one reply. None is for 'cannot tell'."""

    fits: bool | None
    role: bool | None
    sense: bool | None

    @property
    def coherent(self) -> bool | None:
        """Whether all three hold: False as soon as one does not, and None if that is not known."""
        readings = (self.fits, self.role, self.sense)
        if False in readings:
            return False
        return None if None in readings else True


@dataclass(frozen=True)
class CoherenceJudge:
    """A model that reads single replies of a supporter."""

    asker: Asker

    async def read(
        self, client: JournaledClient, turns: Sequence[SpokenTurn], reply: str, language: Language
    ) -> ReplyCoherence | Missing:
        """Return the readings of a reply that follows `turns`, or why there are none.

        Raises CallFailedError when the model gives no reply at all.
        """
        talk = transcript(turns, language)
        return await self.asker.ask(
            client, COHERENCE_PROMPT, language, ReplyCoherence, transcript=talk, reply=" ".join(reply.split())
        )
