"""The graph in which a judge reads one profile for sense, and its node, which the profile graph has too."""

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from cocoon.agents.judges.sense import SenseJudge
from cocoon.core.answers import Missing
from cocoon.core.records import Profile
from cocoon.evaluation.sense import UNSURE, relevances
from cocoon.graphs.context import report_calls
from cocoon.graphs.edges import add_nodes
from cocoon.models.calls import Caller
from cocoon.models.client import JournaledClient
from cocoon.models.journal.store import Place


class Reads(Protocol):
    """A context with a judge of sense. None reads nothing."""

    @property
    def caller(self) -> Caller: ...

    @property
    def sense(self) -> SenseJudge | None: ...


@dataclass(frozen=True)
class SenseContext:
    """The judge that reads profiles."""

    caller: Caller
    sense: SenseJudge | None


class SenseState(TypedDict, total=False):
    """One profile while it is read, as plain JSON."""

    item: str
    profile: dict[str, Any]
    drop: dict[str, str]
    calls: Annotated[list[str], operator.add]


async def read_sense(state: Mapping[str, Any], runtime: Runtime[Any]) -> dict[str, Any]:
    """Whether it could be one living person, and whether each wish lies behind the one before it."""
    context: Reads = runtime.context
    if context.sense is None:
        return {}
    client = JournaledClient(context.caller, Place(state.get("item", ""), "read_sense", 0), judging=True)
    answer = await context.sense.read(client, Profile.model_validate(state.get("profile")))
    calls = report_calls(runtime, "read_sense", client.replies)
    if isinstance(answer, Missing):
        drop = {"node": "read_sense", "reason": "unreadable", "detail": answer.reason}
        return {"drop": drop, "calls": calls}
    if answer.plausible is None or None in relevances(answer):
        drop = {"node": "read_sense", "reason": UNSURE, "detail": "the judge could not tell"}
        return {"drop": drop, "calls": calls}
    return {"profile": answer.model_dump(mode="json"), "calls": calls}


def build_sense() -> CompiledStateGraph[Any, Any, Any, Any]:
    """Return the graph. Invoke it with a SenseContext."""
    graph = StateGraph(SenseState, context_schema=SenseContext)
    add_nodes(graph, None, read_sense)
    graph.add_edge(START, "read_sense")
    graph.add_edge("read_sense", END)
    return graph.compile(name="sense")
