"""Writes contrastive pairs: for one situation, the same replies as questions and as statements (paper F.2)."""

import functools
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from cocoon.agents.writers.asking import Asker
from cocoon.core.answers import Longest, Missing, NeededLine, TypedAnswer, variant_of
from cocoon.core.records import Language
from cocoon.models.client import JournaledClient

PROMPT = "steering/write_pairs"


class WrittenPair(TypedAnswer):
    """One reply in both forms, as the writer gave it."""

    question: Annotated[NeededLine, Longest(300)]
    statement: Annotated[NeededLine, Longest(300)]


class PairsAnswer(TypedAnswer):
    """The pairs that a writer gave."""

    pairs: list[WrittenPair]


@functools.cache
def pairs_answer(count: int) -> type[PairsAnswer]:
    """Return the form of an answer when `count` pairs are asked for. More are read as well."""
    pairs = Annotated[list[WrittenPair], Field(min_length=1, json_schema_extra={"maxItems": count})]
    return variant_of(PairsAnswer, pairs=(pairs, ...))


@dataclass(frozen=True)
class PairWriter:
    """A model that writes `count` pairs to a situation in one reply."""

    asker: Asker
    count: int = 6

    async def write(self, client: JournaledClient, said: str, language: Language) -> PairsAnswer | Missing:
        """Return the pairs to what a user said."""
        kind = pairs_answer(self.count)
        return await self.asker.ask(client, PROMPT, language, kind, said=said, count=self.count)
