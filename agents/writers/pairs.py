"""Writes contrastive pairs: for one situation, the same replies as questions and as statements (paper F.2)."""

from dataclasses import dataclass
from typing import Any

from cocoon.agents.writers.asking import Asked, Asker, object_schema, text_of
from cocoon.core.records import Language
from cocoon.models.calls import Caller
from cocoon.models.journal.store import Place

PROMPT = "steering/write_pairs"


@dataclass(frozen=True)
class PairWriter:
    """A model that writes `count` pairs to a situation in one reply."""

    asker: Asker
    count: int = 6

    async def write(self, caller: Caller, item: str, said: str, language: Language) -> Asked:
        """An object with `pairs`, each with the texts `question` and `statement`."""
        return await self.asker.ask(
            caller,
            Place(item, "write", 0),
            PROMPT,
            language,
            self._schema(),
            self._problem,
            said=said,
            count=self.count,
        )

    def _schema(self) -> dict[str, Any]:
        text = {"type": "string", "maxLength": 300}
        pair = object_schema({"question": text, "statement": text})
        return object_schema({"pairs": {"type": "array", "items": pair, "minItems": 1, "maxItems": self.count}})

    @staticmethod
    def _problem(value: dict[str, Any]) -> str | None:
        pairs = value.get("pairs")
        if not isinstance(pairs, list) or not pairs:
            return "key 'pairs': must be a list of objects"
        for number, pair in enumerate(pairs, 1):
            if not isinstance(pair, dict) or not text_of(pair, "question") or not text_of(pair, "statement"):
                return f"key 'pairs': number {number} must have the texts 'question' and 'statement'"
        return None
