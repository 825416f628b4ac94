"""Pictures of the compiled graphs, made offline: what is drawn is read from the graph that runs.

`draw_mermaid` gives text for any Mermaid reader, `svg.to_svg` a picture that needs none.
"""

import difflib
import inspect
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from langgraph.graph import END, START
from langgraph.graph.state import CompiledStateGraph

from cocoon.agents.users import guarded as guarded_user
from cocoon.core.errors import CocoonError
from cocoon.graphs.assessment import build_assessment
from cocoon.graphs.conversation import build_conversation
from cocoon.graphs.preference import build_preference
from cocoon.graphs.profile import build_profile
from cocoon.graphs.script.graph import build_script

NodeKind = Literal["start", "step", "end"]
Compiled = CompiledStateGraph[Any, Any, Any, Any]
GRAPHS: dict[str, Callable[[], Compiled]] = {
    "conversation": lambda: build_conversation("guarded", guarded_user.STEPS),
    "conversation-prompted": lambda: build_conversation("prompted"),
    "assessment": build_assessment,
    "profile": build_profile,
    "script": build_script,
    "preference": build_preference,
}
_MARKS: dict[str, NodeKind] = {START: "start", END: "end"}


@dataclass(frozen=True)
class Node:
    """One box. `about` is the first line of the documentation of the node's own code."""

    id: str
    label: str
    about: str = ""
    kind: NodeKind = "step"


@dataclass(frozen=True)
class Edge:
    """One arrow. `conditional` says that a rule decides at run time whether it is taken, and `label` is that rule's
    answer.
    """

    source: str
    target: str
    label: str = ""
    conditional: bool = False


@dataclass(frozen=True)
class Drawing:
    """What is drawn of a graph: boxes and arrows, no places yet."""

    name: str
    nodes: list[Node]
    edges: list[Edge]

    def to_json(self) -> dict[str, Any]:
        """Return the drawing as plain values."""
        return asdict(self)


def open_graph(name: str) -> Compiled:
    """Return the compiled graph of that name. Raises CocoonError naming all, and the nearest."""
    if name not in GRAPHS:
        close = difflib.get_close_matches(name, GRAPHS, n=1, cutoff=0.4)
        nearest = f"; did you mean {close[0]!r}?" if close else ""
        raise CocoonError(f"graph {name!r} is not known, there are {', '.join(GRAPHS)}{nearest}")
    return GRAPHS[name]()


def draw_graph(graph: Compiled) -> Drawing:
    """Boxes and arrows of a compiled graph, in the order in which it was built."""
    drawable = graph.get_graph()
    labels = _labels(graph)
    nodes = [
        Node(name, _MARKS.get(name, name), _about(graph, name), _MARKS.get(name, "step")) for name in drawable.nodes
    ]
    edges = {
        (edge.source, edge.target): Edge(
            edge.source, edge.target, " / ".join(labels.get((edge.source, edge.target), ())), edge.conditional
        )
        for edge in drawable.edges
    }
    return Drawing(graph.get_name(), nodes, list(edges.values()))


def draw_mermaid(graph: Compiled) -> str:
    """Return a compiled graph as Mermaid text."""
    return graph.get_graph().draw_mermaid()


def _about(graph: Compiled, name: str) -> str:
    spec = graph.builder.nodes.get(name)
    code = getattr(spec.runnable, "afunc", None) or getattr(spec.runnable, "func", None) if spec else None
    return (inspect.getdoc(code) or "").partition("\n")[0] if code else ""


def _labels(graph: Compiled) -> dict[tuple[str, str], list[str]]:
    """Return what the rules answer, by the pair of nodes.

    LangGraph's own drawing keeps one answer for each pair, and ours keeps all.
    """
    labels: dict[tuple[str, str], list[str]] = {}
    for source, branches in graph.builder.branches.items():
        for branch in branches.values():
            for answer, target in (branch.ends or {}).items():
                if answer != target:
                    labels.setdefault((source, target), []).append(str(answer))
    return labels
