"""The graph of contrastive pairs: a situation in, pairs that differ in asking alone out, others with their reasons."""

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from pydantic import Field

from cocoon.agents.writers.asking import Asker, text_of
from cocoon.agents.writers.pairs import PROMPT, PairWriter
from cocoon.core.prompts import prompt_shas
from cocoon.core.records import Dropped, Language, Record
from cocoon.graphs.context import report_calls
from cocoon.graphs.profile import dropped
from cocoon.models.by_name import Models
from cocoon.models.calls import Caller, Settings
from cocoon.running.building.config import PairsConfig
from cocoon.running.building.generation import Item
from cocoon.running.work import Stage
from cocoon.steering.pairs.pairs import Pair, PairRules, duplicates, overlaps, pair_problem
from cocoon.steering.pairs.situations import Situation


@dataclass(frozen=True)
class PairsContext:
    """Who writes, and when a pair is kept."""

    caller: Caller
    writer: PairWriter
    rules: PairRules


class PairsState(TypedDict, total=False):
    """One situation: `written` pairs as they came, `kept` ones, and `refused` ones with their reasons."""

    item: str
    said: str
    language: Language
    source: str
    written: list[dict[str, Any]]
    kept: list[dict[str, Any]]
    refused: list[dict[str, Any]]
    drop: dict[str, str]
    calls: Annotated[list[str], operator.add]


class SituationPairs(Record):
    """The pairs of one situation; `refused` are those that were not kept, each with its `reason` and `detail`."""

    id: str
    said: str
    pairs: list[Pair] = Field(min_length=1)
    refused: list[dict[str, str]] = []


async def write(state: PairsState, runtime: Runtime[PairsContext]) -> PairsState:
    """All pairs of the situation in one reply."""
    context, item = runtime.context, state.get("item", "")
    asked = await context.writer.write(context.caller, item, state.get("said", ""), state.get("language", "en"))
    report_calls(runtime, "write", asked.replies)
    calls = [reply.key for reply in asked.replies]
    if asked.value is None:
        return {"drop": dropped("write", "unreadable", asked.problem or "no answer"), "calls": calls}
    return {"written": asked.value["pairs"], "calls": calls}


async def sieve(state: PairsState, runtime: Runtime[PairsContext]) -> PairsState:
    """What differs in more than asking, or says what an earlier pair says, is refused."""
    rules = runtime.context.rules
    pairs = [_pair(state, number, one) for number, one in enumerate(state.get("written", []), 1)]
    problems = {pair.id: found for pair in pairs if (found := pair_problem(pair, rules))}
    sound = [pair for pair in pairs if pair.id not in problems]
    problems |= duplicates(sound, rules)
    kept = [pair.model_dump() for pair in sound if pair.id not in problems]
    refused = [
        {
            "question": pair.question,
            "statement": pair.statement,
            "reason": problems[pair.id][0],
            "detail": problems[pair.id][1],
        }
        for pair in pairs
        if pair.id in problems
    ]
    made: PairsState = {"kept": kept, "refused": refused}
    if not kept:
        first = refused[0] if refused else {"reason": "empty", "detail": "no pair was written"}
        made["drop"] = dropped("sieve", first["reason"], first["detail"])
    return made


def _pair(state: PairsState, number: int, one: Mapping[str, Any]) -> Pair:
    item = state.get("item", "")
    return Pair(
        id=f"{item}.{number}",
        situation=item,
        language=state.get("language", "en"),
        said=state.get("said", ""),
        question=text_of(dict(one), "question"),
        statement=text_of(dict(one), "statement"),
        source=state.get("source", ""),
    )


async def is_readable(state: PairsState) -> Literal["written", "dropped"]:
    """Whether there is anything to look at."""
    return "dropped" if state.get("drop") else "written"


def build_pairs() -> CompiledStateGraph[Any, Any, Any, Any]:
    """The graph; invoke it with a PairsContext."""
    graph = StateGraph(PairsState, context_schema=PairsContext)
    graph.add_node("write", write)
    graph.add_node("sieve", sieve)
    graph.add_edge(START, "write")
    graph.add_conditional_edges("write", is_readable, {"written": "sieve", "dropped": END})
    graph.add_edge("sieve", END)
    return graph.compile(name="pairs")


@dataclass
class PairsGenerator:
    """Writes pairs to situations; situations that are nearly the same as an earlier one are dropped at the end."""

    config: PairsConfig
    models: Models
    situations: Sequence[Situation]
    stage: Stage = "profile"
    kept: str = "situations.jsonl"
    kind: type[Record] = SituationPairs
    late: frozenset[str] = frozenset({"near_duplicate"})
    recursion_limit: int = 10

    def items(self) -> list[Item]:
        """One item a situation: its last words of the user."""
        return [
            Item(
                one.id,
                {"item": one.id, "said": one.talk[-1].content, "language": one.language, "source": one.source},
            )
            for one in self.situations
        ]

    def graph(self) -> CompiledStateGraph[Any, Any, Any, Any]:
        """The graph of pairs."""
        return build_pairs()

    def context(self, caller: Caller) -> PairsContext:
        """The writer and the rules."""
        given = self.config.writer
        settings = Settings(given.temperature, given.max_tokens)
        asker = Asker(self.models.open(given.model), settings, self._prompts())
        rules = PairRules(self.config.length_gap, self.config.likeness, self.config.duplicate)
        return PairsContext(caller, PairWriter(asker, self.config.each), rules)

    def made(self, item: Item, state: Mapping[str, Any]) -> Record:
        """The situation's pairs, or why there are none."""
        if drop := state.get("drop"):
            content = {key: value for key, value in state.items() if key != "drop"}
            return Dropped(id=item.id, stage="profile", content=content, **drop)
        return SituationPairs(id=item.id, said=state["said"], pairs=state["kept"], refused=state.get("refused", []))

    def sieve(self, records: Sequence[Any], folder: Path) -> dict[str, tuple[str, str]]:
        """Situations that are nearly the same as an earlier one."""
        del folder
        found: dict[str, tuple[str, str]] = {}
        for place, record in enumerate(records):
            earlier = [(one.id, one.said) for one in records[:place] if one.id not in found]
            if same := next(overlaps([(record.id, record.said)], earlier), None):
                found[record.id] = ("near_duplicate", f"{same.likeness:.0f} of 100 like {same.other!r}")
        return found

    def notes(self, records: Sequence[Any]) -> list[str]:
        """How many pairs there are, and why others are not."""
        pairs = sum(len(one.pairs) for one in records)
        refused = sum(len(one.refused) for one in records)
        return [f"{pairs} pairs of {len(records)} situations, {refused} refused (the reasons stand beside them)"]

    def shas(self) -> dict[str, str]:
        """Hashes of the prompts."""
        return prompt_shas([PROMPT, "judge/repair"], self._prompts())

    def roles(self) -> dict[str, list[str]]:
        """The writer."""
        return {"writer": [self.config.writer.model]}

    def _prompts(self) -> Path | None:
        return Path(self.config.prompts) if self.config.prompts else None


def all_pairs(records: Sequence[SituationPairs]) -> list[Pair]:
    """The pairs of all situations, in order."""
    return [pair for one in records for pair in one.pairs]
