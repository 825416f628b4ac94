"""A LangGraph graph with a tool as supporter over HTTP, killed (SIGKILL) in the middle of a run and resumed."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from cocoon.api.loading import load_profiles
from cocoon.benchmarks.endpoint.settings import Settings
from cocoon.core.jsonl import read_records
from cocoon.core.records import Dialogue
from cocoon.models.journal.store import Journal
from cocoon.tests.commands import endpoint
from cocoon.tests.conversations import ROOT

AGENT = '''
import os
from pathlib import Path
from typing import Annotated, TypedDict

from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.prebuilt import ToolNode

@tool
def remember(words: str) -> str:
    """Look up what is known of some words."""
    return f"{len(words)} characters were said"

class State(TypedDict):
    messages: Annotated[list, add_messages]

model = ChatOpenAI(base_url=os.environ["AGENT_URL"], model="bench", api_key="none", max_retries=0)

async def think(state):
    last = state["messages"][-1]
    if not isinstance(last, ToolMessage):
        turns = sum(message.type == "ai" for message in state["messages"])
        with Path("ran.txt").open("a") as log:
            log.write(f"{turns} {state['messages'][1].content}\\n")
        call = {"name": "remember", "args": {"words": str(last.content)}, "id": "call"}
        return {"messages": [AIMessage(content="", tool_calls=[call])]}
    words = [message for message in state["messages"] if message.type in ("human", "ai") and message.content]
    return {"messages": [await model.ainvoke(words)]}

async def route(state):
    return "tools" if getattr(state["messages"][-1], "tool_calls", None) else END

def supporter():
    graph = StateGraph(State)
    graph.add_node("think", think)
    graph.add_node("tools", ToolNode([remember]))
    graph.add_edge(START, "think")
    graph.add_conditional_edges("think", route, {"tools": "tools", END: END})
    graph.add_edge("tools", "think")
    return graph.compile()
'''


def ran(folder: Path) -> list[str]:
    """Each turn that the graph was run for: how many replies came before it, and the user's first words."""
    log = folder / "ran.txt"
    return log.read_text().splitlines() if log.exists() else []


def test_a_graph_is_not_run_again_for_a_turn_that_was_answered(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(AGENT)
    with endpoint(Settings(latency=0.05)) as spec:
        command = [
            *(sys.executable, "-m", "cocoon.cli.main", "simulate", "--profiles", "shipped:en", "-n", "4"),
            *("--rounds", "4", "--supporter", "python:mine.py:supporter", "--user", spec, "--appraiser", "rule"),
            *("-o", "form_pairs=0", "--out", "run"),
        ]
        environment = os.environ | {"PYTHONPATH": str(ROOT / ".static"), "AGENT_URL": spec.partition("#")[0]}
        first = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
        while len(ran(tmp_path)) < 6 and first.poll() is None:
            time.sleep(0.01)
        first.send_signal(signal.SIGKILL)
        first.wait()
        before = Counter(ran(tmp_path))
        journal = Journal(tmp_path / "run" / "journal.sqlite")
        names = [f"{profile.id}.supporter.0" for profile in load_profiles("shipped:en", limit=4)]
        answered = sum(place.node == "supporter" for name in names for place in journal.utterances(name))
        journal.close()
        assert 0 < answered < 16
        subprocess.run(command, cwd=tmp_path, env=environment, check=True, stderr=subprocess.DEVNULL)
    dialogues = list(read_records(tmp_path / "run" / "dialogues.jsonl", Dialogue))
    turns = [turn for dialogue in dialogues for turn in dialogue.turns if turn.role == "supporter"]
    assert len(dialogues) == 4 and len(turns) == 4 * 5
    assert not any("characters were said" in turn.content for turn in turns)
    runs = ran(tmp_path)
    # Each of the 16 turns was run once, and those in flight at the kill once more.
    assert len(runs) - 16 == sum(before.values()) - answered
