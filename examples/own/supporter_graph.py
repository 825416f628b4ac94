"""A supporter that is a LangGraph graph with a tool: it looks a feeling up before it speaks (ReAct).

    cocoon simulate --supporter python:examples/own/supporter_graph.py:supporter ...

Any chat model that can call tools will do: another spec of cocoon, or a chat model of LangChain's.
"""

# LangGraph's own types are incomplete.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.prebuilt import ToolNode, tools_condition

import cocoon

MODEL = "openai:gpt-5-mini"
PROMPT = "You keep somebody company. Look up what they feel once, then answer in two warm sentences without advice."
NOTES = {
    "tired": "Tiredness that sleep does not cure is often about being alone with a task.",
    "angry": "Anger often stands guard over something that hurts.",
}


@tool
def look_up(feeling: str) -> str:
    """Return what is known about a feeling, named by one word."""
    return NOTES.get(feeling, "Nothing is known about it. Ask the person instead.")


def supporter() -> CompiledStateGraph[MessagesState, None, MessagesState, MessagesState]:
    """Return the graph. Only its last words are spoken, and what tool and model say to each other stays inside."""
    model = cocoon.open_model(MODEL).bind_tools([look_up])

    async def think(state: MessagesState) -> MessagesState:
        return {"messages": [await model.ainvoke([("system", PROMPT), *state["messages"]])]}

    graph = StateGraph(MessagesState)
    graph.add_node("think", think)
    graph.add_node("tools", ToolNode([look_up]))
    graph.add_edge(START, "think")
    graph.add_conditional_edges("think", tools_condition)
    graph.add_edge("tools", "think")
    return graph.compile()
