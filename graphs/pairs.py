"""The graph of contrastive pairs: a situation in, pairs that differ in asking alone out, others with their reasons."""

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from cocoon.agents.writers.pairs import PairWriter
from cocoon.core.answers import Missing
from cocoon.core.records import Language
from cocoon.graphs.context import report_calls
from cocoon.graphs.edges import add_nodes, add_steps
from cocoon.graphs.profile import dropped, unreadable
from cocoon.models.calls import Caller
from cocoon.models.client import JournaledClient
from cocoon.models.journal.store import Place
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
    written: list[dict[str, str]]
    kept: list[dict[str, Any]]
    refused: list[dict[str, Any]]
    drop: dict[str, str]
    calls: Annotated[list[str], operator.add]


async def write(state: PairsState, runtime: Runtime[PairsContext]) -> PairsState:
    """All pairs of the situation in one reply."""
    client = JournaledClient(runtime.context.caller, Place(state.get("item", ""), "write", 0))
    answer = await runtime.context.writer.write(client, state.get("said", ""), state.get("language", "en"))
    calls = report_calls(runtime, "write", client.replies)
    if isinstance(answer, Missing):
        return {"drop": unreadable("write", answer), "calls": calls}
    return {"written": [pair.model_dump() for pair in answer.pairs], "calls": calls}


async def sieve(state: PairsState, runtime: Runtime[PairsContext]) -> PairsState:
    """What differs in more than asking, or says what an earlier pair says, is refused."""
    rules = runtime.context.rules
    pairs = [_pair(state, number, written) for number, written in enumerate(state.get("written", []), 1)]
    problems = {pair.id: problem for pair in pairs if (problem := pair_problem(pair, rules))}
    sound = [pair for pair in pairs if pair.id not in problems]
    problems |= duplicates(sound, rules)
    usable = [pair.model_dump() for pair in sound if pair.id not in problems]
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
    update: PairsState = {"kept": usable, "refused": refused}
    if not usable:
        first = refused[0] if refused else {"reason": "empty", "detail": "no pair was written"}
        update["drop"] = dropped("sieve", first["reason"], first["detail"])
    return update


def _pair(state: PairsState, number: int, written: Mapping[str, str]) -> Pair:
    item = state.get("item", "")
    return Pair(
        id=f"{item}.{number}",
        situation=item,
        language=state.get("language", "en"),
        said=state.get("said", ""),
        question=written["question"],
        statement=written["statement"],
        source=state.get("source", ""),
    )


def build_pairs() -> CompiledStateGraph[Any, Any, Any, Any]:
    """Return the graph. Invoke it with a PairsContext."""
    graph = StateGraph(PairsState, context_schema=PairsContext)
    add_nodes(graph, None, write, sieve)
    graph.add_edge(START, "write")
    add_steps(graph, ("write", "sieve"))
    graph.add_edge("sieve", END)
    return graph.compile(name="pairs")
