"""The preference graph: one pair of dialogues, every question in both orders at once, then collected.

fan out -> compare (question x order x vote) -> collect
"""

import operator
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

from langgraph.graph import StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Send
from pydantic import Field

from cocoon.agents.judges.pair import PairJudge
from cocoon.core.errors import CallFailedError
from cocoon.core.records import Dialogue, Record
from cocoon.graphs.context import ContextOf, report_calls
from cocoon.graphs.edges import add_fan
from cocoon.models.calls import Caller
from cocoon.models.client import JournaledClient
from cocoon.models.journal.store import Place


@dataclass(frozen=True)
class PreferenceContext:
    """The pairwise judge of a comparison."""

    caller: Caller
    judge: PairJudge
    votes: int = 1


class PreferenceInput(Record):
    """What a comparison of one pair starts from."""

    dialogues: list[Dialogue] = Field(min_length=2, max_length=2, description="two dialogue records of one topic")
    pair: str = Field(default="", description="an id of your choice")


class PreferenceState(TypedDict, total=False):
    """One pair while it is compared. `answers` and `failures` gather what the judge returns, as plain JSON."""

    pair: str
    dialogues: list[dict[str, Any]]
    answers: Annotated[list[dict[str, Any]], operator.add]
    failures: Annotated[list[dict[str, Any]], operator.add]


class CompareTask(TypedDict):
    """One question on one order of a pair: `order` 1 shows the second dialogue first."""

    pair: str
    dialogues: list[dict[str, Any]]
    question: str
    order: int
    vote: int


async def fan_out_questions(state: PreferenceState, runtime: Runtime[PreferenceContext]) -> list[Send]:
    """One task per question, order and vote."""
    context = runtime.context
    return [
        Send(
            "compare",
            CompareTask(
                pair=state.get("pair", ""),
                dialogues=state.get("dialogues", []),
                question=question.id,
                order=order,
                vote=vote,
            ),
        )
        for question in context.judge.questions.questions
        for order in (0, 1)
        for vote in range(context.votes)
    ]


async def compare_pair(state: CompareTask, runtime: Runtime[PreferenceContext]) -> PreferenceState:
    """One answer. A judge without any reply is a failure with its reason."""
    context = runtime.context
    question = next(known for known in context.judge.questions.questions if known.id == state["question"])
    both = [Dialogue.model_validate(plain) for plain in state["dialogues"]]
    first, second = both if state["order"] == 0 else both[::-1]
    task = f"{question.id}/{state['order']}/{state['vote']}"
    place = Place(state["pair"], "compare", state["order"], state["vote"])
    client = JournaledClient(context.caller, place, judging=True)
    try:
        comparison = await context.judge.compare(client, first, second, question)
    except CallFailedError as error:
        return {"failures": [{"node": task, "reason": error.reason, "message": str(error)}]}
    answer = {
        "task": task,
        "question": question.id,
        "order": state["order"],
        "vote": state["vote"],
        "better": comparison.better,
        "missing": comparison.missing,
        "reason": comparison.reason,
        "calls": report_calls(runtime, "compare", client.replies, task=task),
    }
    return {"answers": [answer]}


async def collect_answers(state: PreferenceState) -> PreferenceState:
    """All answers are in."""
    del state
    return {}


def build_preference(context_of: ContextOf | None = None) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Return the graph. Invoke it with a PreferenceContext. With `context_of` it makes its context from the state."""
    context_schema = None if context_of else PreferenceContext
    graph = StateGraph(PreferenceState, context_schema=context_schema, input_schema=PreferenceInput)
    label = "each question and order"
    add_fan(graph, context_of, label, fan_out_questions, "compare", compare_pair, CompareTask, collect_answers)
    return graph.compile(name="preference")
