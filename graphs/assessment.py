"""The assessment graph: every judge at once, each vote on its own, then collected.

fan out -> judge (success, basic, comfort, rac, ... x votes) -> collect
"""

import operator
from typing import Annotated, Any, TypedDict

from langgraph.graph import StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Send
from pydantic import Field

from cocoon.agents.judges.ratings import signed
from cocoon.core.errors import CallFailedError
from cocoon.core.records import Dialogue, Rating, Record
from cocoon.graphs.context import AssessmentContext, ContextOf, report_calls
from cocoon.graphs.edges import add_fan
from cocoon.graphs.run_or_replay import speak
from cocoon.models.client import JournaledClient
from cocoon.models.journal.store import Place


class AssessmentInput(Record):
    """What an assessment starts from."""

    dialogue: Dialogue = Field(description="a dialogue record, such as a line of a run's dialogues.jsonl")
    wanted: list[tuple[str, int]] | None = Field(
        default=None, description="pairs of a judge's name and a vote, every judge once where left out"
    )


class AssessmentState(TypedDict, total=False):
    """One dialogue while it is judged. `ratings` and `failures` gather what the judges return, as plain JSON."""

    dialogue: dict[str, Any]
    wanted: list[tuple[str, int]]
    ratings: Annotated[list[dict[str, Any]], operator.add]
    failures: Annotated[list[dict[str, Any]], operator.add]


class JudgeTask(TypedDict):
    """One judge's task: which judge, which vote."""

    dialogue: dict[str, Any]
    judge: str
    vote: int


async def fan_out_judges(state: AssessmentState, runtime: Runtime[AssessmentContext]) -> list[Send]:
    """One task for each wanted judge and vote, or one for each judge."""
    dialogue = state.get("dialogue", {})
    ratings = state.get("wanted")
    if ratings is None:
        ratings = [(name, 0) for name in runtime.context.judges]
    return [Send("judge", JudgeTask(dialogue=dialogue, judge=name, vote=vote)) for name, vote in ratings]


async def judge_dialogue(state: JudgeTask, runtime: Runtime[AssessmentContext]) -> AssessmentState:
    """One rating. A judge without any reply is a failure with its reason."""
    name, vote = state["judge"], state["vote"]
    agent = runtime.context.judges[name]
    facts = runtime.context.facts[name]
    # A judge of the user's own gets a dialogue of its own, which it may change.
    shared = None if facts.source else runtime.context.dialogue
    dialogue = shared or Dialogue.model_validate(state["dialogue"])
    # Another version of a judge's code is another judge, as another prompt of ours is.
    node = f"judge:{name}:{facts.source.version}" if facts.source else f"judge:{name}"
    client = JournaledClient(runtime.context.caller, Place(dialogue.id, node, 0, vote), judging=True)

    def seen() -> list[list[str]]:
        return [[turn.role, turn.content] for turn in dialogue.turns]

    async def run() -> Rating:
        return signed(await agent.rate(client, dialogue), agent, dialogue, vote)

    try:
        rating = await speak(runtime.context.caller, client, facts, seen, Rating, run)
    except CallFailedError as error:
        failure = {"node": f"{name}/{vote}", "reason": error.reason, "message": str(error)}
        return {"failures": [failure]}
    rating.calls = report_calls(runtime, "judge", client.replies, task=f"{name}/{vote}")
    return {"ratings": [rating.model_dump(mode="json")]}


async def collect_ratings(state: AssessmentState) -> AssessmentState:
    """All ratings are in."""
    del state
    return {}


def build_assessment(context_of: ContextOf | None = None) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Return the graph. Invoke it with an AssessmentContext that has the wanted judges.

    With `context_of` the graph makes its context from the state, and is invoked without one.
    """
    context_schema = None if context_of else AssessmentContext
    graph = StateGraph(AssessmentState, context_schema=context_schema, input_schema=AssessmentInput)
    add_fan(
        graph, context_of, "each judge and vote", fan_out_judges, "judge", judge_dialogue, JudgeTask, collect_ratings
    )
    return graph.compile(name="assessment")
