"""What graphs have in common: nodes with a context, edges that leave when an item is dropped, a fan of tasks."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.graph import END, START, StateGraph

from cocoon.graphs.context import ContextOf, bound

Node = Callable[..., Awaitable[Any]]
Graph = StateGraph[Any, Any, Any, Any]


def add_nodes(graph: Graph, context_of: ContextOf | None, *nodes: Node) -> None:
    """Add nodes to a graph, each under the name of its function and with a context made from the state if wanted."""
    for node in nodes:
        graph.add_node(node.__name__, bound(node, context_of))


class EdgeCondition(Runnable[Any, str]):
    """The condition of an edge. LangGraph gives a plain function callbacks and a task each time, and this neither."""

    def __init__(self, choose: Callable[[Any], str]) -> None:
        self.name = choose.__name__
        self._choose = choose

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> str:
        """Return the label of the edge to take."""
        del config, kwargs
        return self._choose(input)

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> str:
        """Return the label of the edge to take."""
        return self.invoke(input, config, **kwargs)


def goes_on_unless_dropped(state: Mapping[str, Any]) -> Literal["goes on", "dropped"]:
    """Whether there is something to go on with."""
    return "dropped" if state.get("drop") else "goes on"


def add_steps(graph: Graph, *steps: tuple[str, str], dropped: str = END) -> None:
    """Lead from the first node of each step to the second, or to `dropped` where the item was dropped."""
    for source, target in steps:
        graph.add_conditional_edges(
            source, EdgeCondition(goes_on_unless_dropped), {"goes on": target, "dropped": dropped}
        )


def add_fan(
    graph: Graph,
    context_of: ContextOf | None,
    label: str,
    fan_out: Node,
    name: str,
    node: Node,
    task: type[Any],
    collect: Node,
) -> None:
    """Add a node `name` that does each task of `fan_out`, and one that collects what they return.

    `label` stands at the edge to the node, and `task` is the form of what the node is given.
    """
    graph.add_node(name, bound(node, context_of), input_schema=task)
    graph.add_node("collect", collect)
    graph.add_conditional_edges(START, bound(fan_out, context_of), {label: name})
    graph.add_edge(name, "collect")
    graph.add_edge("collect", END)
