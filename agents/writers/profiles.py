"""Writes and rates what a profile consists of: initial need, deeper needs, their difficulty, feeling, memories.

The rules are the paper's (appendix C). Here the form of one answer is checked, in `profile_checks` the whole.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from cocoon.agents.writers.asking import Asker
from cocoon.agents.writers.profile_checks import feeling_problem, memory_problem, need_problem
from cocoon.core.answers import Line, Longest, Missing, TypedAnswer, variant_of
from cocoon.core.records import Language
from cocoon.models.client import JournaledClient


class NeedAnswer(TypedAnswer):
    """A need, in the person's own words."""

    need: Annotated[Line, Longest(160)] = ""


class DifficultyAnswer(TypedAnswer):
    """How far a need is from the initial one, None for 'cannot tell'."""

    reason: Annotated[Line, Longest(300)] = ""
    difficulty: Annotated[int, Field(ge=1, le=5)] | None


class FeelingAnswer(TypedAnswer):
    """How the person would say what they feel."""

    feeling: Annotated[Line, Longest(200)] = ""


class MemoriesAnswer(TypedAnswer):
    """Recent events, in the order in which they were asked for."""

    memories: list[Line]


@functools.cache
def memories_answer(count: int) -> type[MemoriesAnswer]:
    """Return the form of an answer with exactly `count` memories."""
    memories = Annotated[list[Annotated[Line, Longest(400)]], Field(min_length=count, max_length=count)]
    return variant_of(MemoriesAnswer, memories=(memories, ...))


@dataclass(frozen=True)
class PersonDraft:
    """What is known of a person from the start, and the needs found so far."""

    item: str
    language: Language
    scenario: str
    emotion: str
    chain: Sequence[str] = ()


@dataclass(frozen=True)
class ProfileWriter:
    """The writer and the rater of profiles. Every method raises CallFailedError when its model gives no reply."""

    writer: Asker
    rater: Asker

    async def propose(self, client: JournaledClient, person: PersonDraft, seeds: Sequence[str]) -> NeedAnswer | Missing:
        """Return an initial need, unlike the seeds."""
        words = {"scenario": person.scenario, "emotion": person.emotion, "seeds": list(seeds)}
        return await self._need(client, "profile/propose", person, seeds, words)

    async def deepen(self, client: JournaledClient, person: PersonDraft) -> NeedAnswer | Missing:
        """Return a need behind the last one."""
        words = {"scenario": person.scenario, "emotion": person.emotion, "chain": list(person.chain)}
        return await self._need(client, "profile/deepen", person, person.chain, words)

    async def _need(
        self, client: JournaledClient, prompt: str, person: PersonDraft, others: Sequence[str], words: dict[str, Any]
    ) -> NeedAnswer | Missing:
        """Return a need that is none of the others."""

        def problem(answer: NeedAnswer) -> str | None:
            return need_problem(answer.need, person.language, others)

        return await self.writer.ask(client, prompt, person.language, NeedAnswer, problem, **words)

    async def rate(self, client: JournaledClient, person: PersonDraft) -> DifficultyAnswer | Missing:
        """Return how far the last need is from the *initial* one."""
        first, last = person.chain[0], person.chain[-1]
        return await self.rater.ask(client, "profile/rate", person.language, DifficultyAnswer, first=first, last=last)

    async def feel(self, client: JournaledClient, person: PersonDraft) -> FeelingAnswer | Missing:
        """Return the feeling, from the first need and the emotion."""

        def problem(answer: FeelingAnswer) -> str | None:
            return feeling_problem(answer.feeling, person.language, person.chain)

        words = {"emotion": person.emotion, "first": person.chain[0]}
        return await self.writer.ask(client, "profile/feel", person.language, FeelingAnswer, problem, **words)

    async def recall(
        self, client: JournaledClient, person: PersonDraft, feeling: str, plan: Sequence[int]
    ) -> MemoriesAnswer | Missing:
        """Return one memory for each node of `plan` (indices into the chain)."""
        words = {"scenario": person.scenario, "emotion": person.emotion, "feeling": feeling, "need": person.chain[-1]}
        return await self.writer.ask(
            client,
            "profile/recall",
            person.language,
            memories_answer(len(plan)),
            lambda answer: _memories_problem(answer.memories, person.language),
            **words,
            plan=[person.chain[node] for node in plan],
        )


def memory_plan(nodes: int, count: int) -> list[int]:
    """Return the chain node of each of `count` memories: from the need back to the first node, each at least once."""
    return [round(nodes - 1 - number * (nodes - 1) / (count - 1)) for number in range(count)]


def _memories_problem(memories: Sequence[str], language: Language) -> str | None:
    problems = (memory_problem(memory, language) for memory in memories)
    return next((f"memory {number}: {problem}" for number, problem in enumerate(problems, 1) if problem), None)
