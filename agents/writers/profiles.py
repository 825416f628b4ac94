"""Writes and rates what a profile consists of: initial need, deeper needs, their difficulty, feeling, memories.

The rules are the paper's (appendix C); what is checked here is the form of one answer, `profile_checks` the whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cocoon.agents.writers.asking import Asked, Asker, object_schema, text_of, text_schema
from cocoon.agents.writers.profile_checks import feeling_problem, memory_problem, need_problem
from cocoon.core.records import Language
from cocoon.models.calls import Caller
from cocoon.models.journal.store import Place

NEED_SCHEMA = text_schema("need", 160)
FEELING_SCHEMA = text_schema("feeling", 200)
DIFFICULTY_SCHEMA = object_schema(
    {
        "reason": {"type": "string", "maxLength": 300},
        "difficulty": {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 5}, {"type": "null"}]},
    }
)


@dataclass(frozen=True)
class Person:
    """What is known of a person from the start, and the needs found so far."""

    item: str
    language: Language
    scenario: str
    emotion: str
    chain: Sequence[str] = ()


@dataclass(frozen=True)
class ProfileWriter:
    """The writer and the rater of profiles; every method raises CallFailedError when its model gives no reply."""

    writer: Asker
    rater: Asker

    async def propose(self, caller: Caller, person: Person, seeds: Sequence[str]) -> Asked:
        """An initial need: {"need"}."""
        return await self.writer.ask(
            caller,
            Place(person.item, "propose_need", 0),
            "profile/propose",
            person.language,
            NEED_SCHEMA,
            lambda value: need_problem(text_of(value, "need"), person.language, seeds),
            scenario=person.scenario,
            emotion=person.emotion,
            seeds=list(seeds),
        )

    async def deepen(self, caller: Caller, person: Person) -> Asked:
        """A need behind the last one: {"need"}."""
        return await self.writer.ask(
            caller,
            Place(person.item, "deepen_need", len(person.chain)),
            "profile/deepen",
            person.language,
            NEED_SCHEMA,
            lambda value: need_problem(text_of(value, "need"), person.language, person.chain),
            scenario=person.scenario,
            emotion=person.emotion,
            chain=list(person.chain),
        )

    async def rate(self, caller: Caller, person: Person) -> Asked:
        """How far the last need is from the *initial* one: {"reason", "difficulty"}, 1 to 5 or null."""
        return await self.rater.ask(
            caller,
            Place(person.item, "rate_difficulty", len(person.chain)),
            "profile/rate",
            person.language,
            DIFFICULTY_SCHEMA,
            _difficulty_problem,
            first=person.chain[0],
            last=person.chain[-1],
        )

    async def feel(self, caller: Caller, person: Person) -> Asked:
        """The feeling, from the first need and the emotion: {"feeling"}."""
        return await self.writer.ask(
            caller,
            Place(person.item, "feel", 0),
            "profile/feel",
            person.language,
            FEELING_SCHEMA,
            lambda value: feeling_problem(text_of(value, "feeling"), person.language, person.chain),
            emotion=person.emotion,
            first=person.chain[0],
        )

    async def recall(self, caller: Caller, person: Person, feeling: str, plan: Sequence[int]) -> Asked:
        """One memory for each node of `plan` (indices into the chain): {"memories"}."""
        texts = {"type": "array", "items": {"type": "string", "maxLength": 400}}
        schema = object_schema({"memories": {**texts, "minItems": len(plan), "maxItems": len(plan)}})
        return await self.writer.ask(
            caller,
            Place(person.item, "recall", 0),
            "profile/recall",
            person.language,
            schema,
            lambda value: _memories_problem(value, len(plan), person.language),
            scenario=person.scenario,
            emotion=person.emotion,
            feeling=feeling,
            need=person.chain[-1],
            plan=[person.chain[node] for node in plan],
        )


def memory_plan(nodes: int, count: int) -> list[int]:
    """The chain node of each of `count` memories: from the need back to the first node, each at least once."""
    return [round(nodes - 1 - place * (nodes - 1) / (count - 1)) for place in range(count)]


def _difficulty_problem(value: dict[str, Any]) -> str | None:
    difficulty = value.get("difficulty", "absent")
    if difficulty is None or (
        isinstance(difficulty, int) and not isinstance(difficulty, bool) and 1 <= difficulty <= 5
    ):
        return None
    return "key 'difficulty': must be a whole number from 1 to 5, or null"


def _memories_problem(value: dict[str, Any], count: int, language: Language) -> str | None:
    found = value.get("memories")
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        return "key 'memories': must be a list of texts"
    if len(found) != count:
        return f"key 'memories': {count} are asked for, {len(found)} were given"
    problems = (memory_problem(" ".join(text.split()), language) for text in found)
    return next((f"memory {number}: {what}" for number, what in enumerate(problems, 1) if what), None)
