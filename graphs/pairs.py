"""The graph of contrastive pairs: a situation in, pairs that differ in asking alone out, others with their reasons."""

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from cocoon.agents.writers.asking import text_of
from cocoon.agents.writers.pairs import PairWriter
from cocoon.core.records import Language
from cocoon.graphs.context import report_calls
from cocoon.graphs.profile import dropped
from cocoon.models.calls import Caller
from cocoon.steering.pairs.pairs import Pair, PairRules, duplicates, pair_problem


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
