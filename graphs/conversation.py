"""The conversation graph: a supporter opens and talks with a user who did not ask for help.

    a user of one step          open -> user -(goes on)-> supporter -> user ...
    a user of published steps   open -> appraise -> disclose -> speak -(goes on)-> supporter -> appraise ...
    a branch                    open -(branched)-> supporter -> user ...
    a branch of a move          open -> user -(goes on)-> supporter ...

State is plain JSON. Agents and settings are in the run's context.
"""

import operator
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from pydantic import Field

from cocoon.agents.protocols import (
    Memory,
    SimulatedUser,
    SpokenTurn,
    TurnDraft,
    Utterance,
    finished,
    steps_of,
    supporter_view,
    user_view,
)
from cocoon.agents.supporters.supporter import first_words
from cocoon.core.records import Profile, Record, Role, Thought, Turn
from cocoon.graphs.context import ContextOf, ConversationContext, bound, report_calls
from cocoon.graphs.edges import EdgeCondition
from cocoon.graphs.run_or_replay import speak
from cocoon.models.client import JournaledClient
from cocoon.models.journal.store import Place

TurnData = dict[str, Any]
Context = Runtime[ConversationContext]


class ConversationInput(Record):
    """What a conversation starts from."""

    profile: Profile = Field(description="a profile record, such as a line of examples/profiles/en.jsonl")
    dialogue: str = Field(default="", description="an id of your choice")
    turns: list[dict[str, Any]] = Field(
        default=[], description="what was said before, for a branch of another dialogue"
    )
    memory: Memory = Field(default=None, description="what the user carries on from there, for a branch")


class ConversationState(TypedDict, total=False):
    """One dialogue while it is made. `profile`, `turns` and `draft` are records as plain JSON.

    `memory` is what the simulated user carries from turn to turn, opaque to the graph. `draft` is its answer while the
    steps of it are walked, and `draft_calls` are the calls that it took.
    """

    dialogue: str
    profile: dict[str, Any]
    turns: Annotated[list[TurnData], operator.add]
    memory: Memory
    draft: dict[str, Any] | None
    draft_calls: list[str]
    stop_reason: str | None


async def open_conversation(state: ConversationState, runtime: Context) -> ConversationState:
    """The supporter speaks first, by default a plain observation of the emotion. A branch has its beginning already."""
    if state.get("turns"):
        return {"memory": state.get("memory")}
    context = runtime.context
    view = supporter_view(_profile(state, runtime), [])
    client = _client(state, runtime, "open", 0)

    async def run() -> Utterance:
        return Utterance(content=first_words(context.supporter, view))

    utterance = await speak(context.caller, client, context.supporter_facts, lambda: view.emotion, Utterance, run)
    memory = state.get("memory") or context.user.first_memory(_profile(state, runtime))
    return {"turns": _turn("supporter", utterance, []), "memory": memory}


def user_step(number: int, about: str) -> Any:
    """Return the node that walks one of the user's published steps."""

    async def step(state: ConversationState, runtime: Context) -> ConversationState:
        context = runtime.context
        steps = context.steps
        name, last = steps[number].name, number == len(steps) - 1
        view = user_view(_profile(state, runtime), _turns(state))
        before = TurnDraft.model_validate(state.get("draft") or {"memory": state.get("memory")})
        client = _client(state, runtime, name, view.round)
        draft = await speak(
            context.caller,
            client,
            context.user_facts,
            lambda: [_words(state), before.model_dump(mode="json")],
            TurnDraft,
            lambda: steps[number].run(client, view, before),
        )
        calls = [*(state.get("draft_calls") or []), *report_calls(runtime, name, client.replies)]
        if not last:
            return {"draft": draft.model_dump(mode="json"), "draft_calls": calls}
        utterance, memory = finished(draft, name)
        return {
            "turns": _turn("user", utterance, calls, memory),
            "memory": memory,
            "draft": None,
            "draft_calls": [],
            "stop_reason": _user_stop(utterance, state, runtime),
        }

    step.__doc__ = about
    return step


async def supporter(state: ConversationState, runtime: Context) -> ConversationState:
    """The supporter replies. After the last round the conversation is over."""
    context = runtime.context
    view = supporter_view(_profile(state, runtime), _turns(state))
    client = _client(state, runtime, "supporter", view.round)
    utterance = await speak(
        context.caller,
        client,
        context.supporter_facts,
        lambda: _words(state),
        Utterance,
        lambda: context.supporter.speak(client, view),
    )
    done = view.round >= context.rounds
    calls = report_calls(runtime, "supporter", client.replies)
    return {"turns": _turn("supporter", utterance, calls), "stop_reason": "rounds" if done else None}


def _profile(state: ConversationState, runtime: Context) -> Profile:
    return runtime.context.profile or Profile.model_validate(state.get("profile"))


def _turns(state: ConversationState) -> list[SpokenTurn]:
    """Return the turns as roles see them. They were validated when they were spoken."""
    return [
        SpokenTurn(
            turn["role"], turn["content"], Thought.model_validate(turn["thought"]) if turn.get("thought") else None
        )
        for turn in state.get("turns", [])
    ]


def _words(state: ConversationState) -> list[list[str]]:
    return [[turn["role"], turn["content"]] for turn in state.get("turns", [])]


def _client(state: ConversationState, runtime: Context, node: str, ordinal: int) -> JournaledClient:
    return JournaledClient(runtime.context.caller, Place(state.get("dialogue", ""), node, ordinal))


def _turn(role: Role, utterance: Utterance, calls: Sequence[str], memory: Memory = None) -> list[TurnData]:
    return [spoken_turn(role, utterance, calls, memory).model_dump(mode="json")]


def spoken_turn(role: Role, utterance: Utterance, calls: Sequence[str], memory: Memory = None) -> Turn:
    """Return an utterance as a turn. A memory that the published state already tells is not written twice."""
    state = utterance.state
    state_is_memory = state is not None and state.model_dump(mode="json") == memory
    return Turn(
        role=role,
        content=utterance.content,
        thought=utterance.thought,
        state=state,
        memory=None if state_is_memory else memory,
        calls=list(calls),
        finish=utterance.finish,
        foreign=utterance.foreign,
    )


def memory_after(turn: Turn) -> Memory:
    """Return what the user carried on from one of its turns."""
    return turn.memory if turn.state is None or turn.memory else turn.state.model_dump(mode="json")


def _user_stop(utterance: Utterance, state: ConversationState, runtime: Context) -> str | None:
    if utterance.leaves:
        return "user_left"
    opened_only = runtime.context.rounds == 0 and bool(state.get("turns"))
    return "rounds" if opened_only else None


def goes_on(state: ConversationState) -> Literal["goes on", "is over"]:
    """Return whether the conversation goes on."""
    return "is over" if state.get("stop_reason") else "goes on"


def begins(state: ConversationState) -> Literal["opened", "branched"]:
    """Return whether the user answers the opening or a move, or the supporter words of the user in another dialogue."""
    return "branched" if state.get("turns", [])[-1]["role"] == "user" else "opened"


def conversation_of(user: SimulatedUser) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Return the graph in which this user talks."""
    return build_conversation(user.facts().kind, {step.name: step.about for step in steps_of(user)})


def build_conversation(
    kind: str, steps: Mapping[str, str] | None = None, context_of: ContextOf | None = None
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Return the graph for a kind of user, whose answer is made in `steps` (name to what it does).

    Invoke it with a ConversationContext of such a user. With `context_of` the graph makes its context from the state,
    and is invoked without one.
    """
    steps = steps or {"user": "The user replies."}
    first, *_, last = [*steps, *steps]
    context_schema = None if context_of else ConversationContext
    graph = StateGraph(ConversationState, context_schema=context_schema, input_schema=ConversationInput)
    graph.add_node("open", bound(open_conversation, context_of))
    graph.add_node("supporter", bound(supporter, context_of))
    for number, (name, about) in enumerate(steps.items()):
        graph.add_node(name, bound(user_step(number, about), context_of))
    for before, after in pairwise(steps):
        graph.add_edge(before, after)
    graph.add_edge(START, "open")
    graph.add_conditional_edges("open", EdgeCondition(begins), {"opened": first, "branched": "supporter"})
    graph.add_conditional_edges(last, EdgeCondition(goes_on), {"goes on": "supporter", "is over": END})
    graph.add_conditional_edges("supporter", EdgeCondition(goes_on), {"goes on": first, "is over": END})
    return graph.compile(name=f"conversation-{kind}")


def recursion_limit(rounds: int, steps: int = 3) -> int:
    """Return the steps that a conversation of so many rounds can take, with room to spare."""
    return (steps + 1) * (rounds + 1) + 10
