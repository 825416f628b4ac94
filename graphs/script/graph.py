"""The script graph (paper 3.2, 3.3, appendix D): one writer writes both roles of a dialogue, screened piece by piece.

    write_listening -> screen -(repair)-> mend -> write_listening
                              -(clean)-> check_listening -(continue)-> write_listening
                                                         -(repair)-> mend -> write_listening
                                                         -(stop)-> analyse
    analyse -> write_suggestion -> check_form -> rate_listening -> annotate

Every node may end in `drop`, with the reason and all that stood. A fault of the listening stage is found in the piece
that has it, before anything else is paid for.
"""

from collections.abc import Hashable
from typing import Any, Literal

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from cocoon.graphs.context import ContextOf
from cocoon.graphs.edges import EdgeCondition, add_nodes, add_steps
from cocoon.graphs.script.screening import check_form, rate_listening, screen
from cocoon.graphs.script.state import ScriptContext, ScriptInput, ScriptState
from cocoon.graphs.script.writing import analyse, annotate, check_listening, mend, write_listening, write_suggestion


async def drop_script(state: ScriptState) -> ScriptState:
    """The dialogue is not kept. Its content is kept beside the reason."""
    del state
    return {}


def faultless(state: ScriptState) -> Literal["clean", "repair", "dropped"]:
    """What the screen found in the last piece."""
    if state.get("drop"):
        return "dropped"
    return "repair" if state.get("screened") == "repair" else "clean"


def what_next(state: ScriptState) -> Literal["continue", "repair", "stop", "dropped"]:
    """What the self-check decided."""
    if state.get("drop"):
        return "dropped"
    decision = state.get("decision")
    return "stop" if decision == "stop" else "repair" if decision == "repair" else "continue"


def build_script(context_of: ContextOf | None = None) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Return the graph. Invoke it with a ScriptContext. With `context_of` it makes its context from the state."""
    context_schema = None if context_of else ScriptContext
    graph = StateGraph(ScriptState, context_schema=context_schema, input_schema=ScriptInput)
    listening = (write_listening, screen, check_listening)
    add_nodes(graph, context_of, *listening, analyse, write_suggestion, check_form, rate_listening, annotate)
    graph.add_node("mend", mend)
    graph.add_node("drop", drop_script)
    graph.add_edge(START, "write_listening")
    screened: dict[Hashable, str] = {"clean": "check_listening", "repair": "mend", "dropped": "drop"}
    checked: dict[Hashable, str] = {
        "continue": "write_listening",
        "repair": "mend",
        "stop": "analyse",
        "dropped": "drop",
    }
    graph.add_conditional_edges("screen", EdgeCondition(faultless), screened)
    graph.add_conditional_edges("check_listening", EdgeCondition(what_next), checked)
    graph.add_edge("mend", "write_listening")
    steps = (("write_listening", "screen"), ("analyse", "write_suggestion"), ("write_suggestion", "check_form"))
    add_steps(graph, *steps, ("check_form", "rate_listening"), ("rate_listening", "annotate"), dropped="drop")
    graph.add_edge("annotate", END)
    graph.add_edge("drop", END)
    return graph.compile(name="script")
