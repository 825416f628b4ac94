"""What `cocoon steer pairs` makes: pairs to situations, and which of two like situations is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langgraph.graph.state import CompiledStateGraph
from pydantic import Field

from cocoon.agents.writers.asking import Asker
from cocoon.agents.writers.pairs import PROMPT, PairWriter
from cocoon.core.prompts import prompt_shas
from cocoon.core.records import Record
from cocoon.graphs.pairs import PairsContext, build_pairs
from cocoon.models.by_name import Models
from cocoon.models.calls import Caller, Settings
from cocoon.running.building.config import PairsConfig
from cocoon.running.building.generation import Generator, Item
from cocoon.steering.pairs.pairs import Pair, PairRules, overlaps
from cocoon.steering.pairs.situations import Situation


class SituationPairs(Record):
    """The pairs of one situation. `refused` are those that were not kept, each with its `reason` and `detail`."""

    id: str
    said: str
    pairs: list[Pair] = Field(min_length=1)
    refused: list[dict[str, str]] = []


@dataclass
class PairsGenerator(Generator):
    """Writes pairs to situations. Situations that are nearly the same as an earlier one are dropped at the end."""

    config: PairsConfig
    models: Models
    situations: Sequence[Situation]
    kept = "situations.jsonl"
    kind = SituationPairs
    late = frozenset({"near_duplicate"})

    def items(self) -> list[Item]:
        """One item a situation: its last words of the user."""
        return [
            Item(
                situation.id,
                {
                    "item": situation.id,
                    "said": situation.talk[-1].content,
                    "language": situation.language,
                    "source": situation.source,
                },
            )
            for situation in self.situations
        ]

    def graph(self) -> CompiledStateGraph[Any, Any, Any, Any]:
        """Return the graph of pairs."""
        return build_pairs()

    def context(self, caller: Caller) -> PairsContext:
        """Return the writer and the rules."""
        writer = self.config.writer
        settings = Settings.of(writer)
        asker = Asker(self.models.open(writer.model), settings, self.config.prompt_folder)
        rules = PairRules(self.config.length_gap, self.config.likeness, self.config.duplicate)
        return PairsContext(caller, PairWriter(asker, self.config.each), rules)

    def made(self, item: Item, state: Mapping[str, Any]) -> Record:
        """Return the situation's pairs."""
        return SituationPairs(id=item.id, said=state["said"], pairs=state["kept"], refused=state.get("refused", []))

    def sieve(self, records: Sequence[Any], folder: Path) -> dict[str, tuple[str, str]]:
        """Situations that are nearly the same as an earlier one."""
        del folder
        problems: dict[str, tuple[str, str]] = {}
        for number, record in enumerate(records):
            earlier = [(written.id, written.said) for written in records[:number] if written.id not in problems]
            if same := next(overlaps([(record.id, record.said)], earlier), None):
                problems[record.id] = ("near_duplicate", f"{same.likeness:.0f} of 100 like {same.other!r}")
        return problems

    def notes(self, records: Sequence[Any]) -> list[str]:
        """Return how many pairs there are, and why others are not."""
        pairs = sum(len(record.pairs) for record in records)
        refused = sum(len(record.refused) for record in records)
        return [f"{pairs} pairs of {len(records)} situations, {refused} refused (each with its reason)"]

    def shas(self) -> dict[str, str]:
        """Return the hashes of the prompts."""
        return prompt_shas([PROMPT, "judge/repair"], self.config.prompt_folder)

    def roles(self) -> dict[str, list[str]]:
        """Return the writer."""
        return {"writer": [self.config.writer.model]}


def all_pairs(records: Sequence[SituationPairs]) -> list[Pair]:
    """Return the pairs of all situations, in order."""
    return [pair for record in records for pair in record.pairs]
