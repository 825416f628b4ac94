"""Reads profiles for sense (paper 3.1, C.1): whether it could be one living person, and whether each step follows.

The form of a profile is checked elsewhere, without a model (`agents/writers/profile_checks.py`).
"""

import functools
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from cocoon.agents.writers.asking import Asker
from cocoon.core.answers import Line, Longest, Missing, TypedAnswer, variant_of
from cocoon.core.records import Profile
from cocoon.models.client import JournaledClient

SENSE_PROMPT = "judge/profile_sense"
Level = Annotated[int, Field(ge=1, le=5)]


class SenseAnswer(TypedAnswer):
    """What fits worst, how plausible the person is, and how relevant each step is. None is for 'cannot tell'."""

    reason: Annotated[Line, Longest(300)] = ""
    plausible: Level | None
    steps: list[Level | None]


@functools.cache
def sense_answer(steps: int) -> type[SenseAnswer]:
    """Return the form of an answer on a chain of so many steps."""
    levels = Annotated[list[Level | None], Field(min_length=steps, max_length=steps)]
    return variant_of(SenseAnswer, steps=(levels, ...))


@dataclass(frozen=True)
class SenseJudge:
    """A model that reads profiles for sense."""

    asker: Asker

    async def read(self, client: JournaledClient, profile: Profile) -> Profile | Missing:
        """Return the profile with the judge's levels in it, or why there are none.

        Raises CallFailedError when the model gives no reply at all.
        """
        answer = await self.asker.ask(
            client,
            SENSE_PROMPT,
            profile.language,
            sense_answer(max(0, len(profile.chain) - 1)),
            scenario=profile.scenario,
            emotion=profile.emotion,
            feeling=profile.feeling,
            chain=[step.need for step in profile.chain],
            memory=[memory.text for memory in profile.memory],
        )
        return answer if isinstance(answer, Missing) else _with_levels(profile, answer)


def _with_levels(profile: Profile, answer: SenseAnswer) -> Profile:
    later = [
        step.model_copy(update={"relevance": level})
        for step, level in zip(profile.chain[1:], answer.steps, strict=True)
    ]
    return profile.model_copy(update={"plausible": answer.plausible, "chain": [*profile.chain[:1], *later]})
