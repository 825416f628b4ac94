"""The conversation graph: a supporter opens and talks with a user who did not ask for help.

    prompted   open -> user -(goes on)-> supporter -> user ...
    guarded    open -> appraise -> disclose -> speak -(goes on)-> supporter -> appraise ...

State is plain JSON; agents and settings travel in the run's context.
"""

import operator
from typing import Annotated, Any, Literal, TypedDict, cast

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from cocoon.agents.guarded_user import GuardedUser
from cocoon.agents.prompted_user import PromptedUser
from cocoon.agents.scene import Said, Scene, TurnData
from cocoon.core.records import Appraisal, Profile, Role, Turn, UserState
from cocoon.graphs.context import ContextOf, ConversationContext, bound, tell

UserKind = Literal["guarded", "prompted"]
Context = Runtime[ConversationContext]


class ConversationState(TypedDict, total=False):
    """One dialogue while it is made. `profile`, `turns`, `state` and `appraisal` are records as plain JSON."""

    dialogue: str
    profile: dict[str, Any]
    turns: Annotated[list[TurnData], operator.add]
    state: dict[str, Any] | None
    appraisal: dict[str, Any] | None
    appraisal_calls: list[str]
    stop_reason: str | None


def _scene(state: ConversationState) -> Scene:
    profile = Profile.model_validate(state.get("profile"))
    return Scene(state.get("dialogue", ""), profile, state.get("turns", []))


def _turn(role: Role, said: Said, earlier_calls: list[str] | None = None) -> list[TurnData]:
    calls = [*(earlier_calls or []), *(reply.key for reply in said.replies)]
    turn = Turn(role=role, content=said.content, thought=said.thought, state=said.state, calls=calls)
    return [turn.model_dump(mode="json")]


async def open_conversation(state: ConversationState, runtime: Context) -> ConversationState:
    """The supporter speaks first: a plain observation of the emotion."""
    scene = _scene(state)
    return {"turns": _turn("supporter", Said(runtime.context.supporter.open(scene.profile)))}


async def user(state: ConversationState, runtime: Context) -> ConversationState:
    """The prompted user replies."""
    agent = cast(PromptedUser, runtime.context.user)
    said = await agent.speak(runtime.context.caller, _scene(state))
    tell(runtime, "user", said.replies)
    return {"turns": _turn("user", said), "stop_reason": _user_stop(said, state, runtime)}


async def appraise(state: ConversationState, runtime: Context) -> ConversationState:
    """How the guarded user took the supporter's last turn: enums and integers."""
    agent = cast(GuardedUser, runtime.context.user)
    appraisal, replies = await agent.appraise(runtime.context.caller, _scene(state), _before(state))
    tell(runtime, "appraise", replies)
    plain = appraisal.model_dump(mode="json") if appraisal else None
    return {"appraisal": plain, "appraisal_calls": [reply.key for reply in replies]}


async def disclose(state: ConversationState, runtime: Context) -> ConversationState:
    """What of the profile is open now: a rule over trust."""
    agent = cast(GuardedUser, runtime.context.user)
    given = state.get("appraisal")
    appraisal = Appraisal.model_validate(given) if given else None
    return {"state": agent.disclose(_scene(state), _before(state), appraisal).model_dump(mode="json")}


async def speak(state: ConversationState, runtime: Context) -> ConversationState:
    """The guarded user speaks from what is open."""
    agent = cast(GuardedUser, runtime.context.user)
    said = await agent.speak(runtime.context.caller, _scene(state), UserState.model_validate(state.get("state")))
    tell(runtime, "speak", said.replies)
    turns = _turn("user", said, state.get("appraisal_calls"))
    return {"turns": turns, "stop_reason": _user_stop(said, state, runtime)}


async def supporter(state: ConversationState, runtime: Context) -> ConversationState:
    """The supporter replies; after the last round the conversation is over."""
    scene = _scene(state)
    said = await runtime.context.supporter.speak(runtime.context.caller, scene)
    tell(runtime, "supporter", said.replies)
    done = scene.spoken_by("supporter") >= runtime.context.rounds
    return {"turns": _turn("supporter", said), "stop_reason": "rounds" if done else None}


def _before(state: ConversationState) -> UserState | None:
    given = state.get("state")
    return UserState.model_validate(given) if given else None


def _user_stop(said: Said, state: ConversationState, runtime: Context) -> str | None:
    if said.leaves:
        return "user_left"
    opened_only = runtime.context.rounds == 0 and bool(state.get("turns"))
    return "rounds" if opened_only else None


async def goes_on(state: ConversationState) -> Literal["goes on", "is over"]:
    """Whether the conversation goes on; async because LangGraph gives a plain function a thread each time."""
    return "is over" if state.get("stop_reason") else "goes on"


def build_conversation(kind: UserKind, context_of: ContextOf | None = None) -> CompiledStateGraph[Any, Any, Any, Any]:
    """The graph for one kind of user; invoke it with a ConversationContext whose user is of that kind.

    With `context_of` the graph makes its context from the state, and is invoked without one.
    """
    graph = StateGraph(ConversationState, context_schema=None if context_of else ConversationContext)
    graph.add_node("open", bound(open_conversation, context_of))
    graph.add_node("supporter", bound(supporter, context_of))
    if kind == "guarded":
        graph.add_node("appraise", bound(appraise, context_of))
        graph.add_node("disclose", bound(disclose, context_of))
        graph.add_node("speak", bound(speak, context_of))
        graph.add_edge("appraise", "disclose")
        graph.add_edge("disclose", "speak")
        first, last = "appraise", "speak"
    else:
        graph.add_node("user", bound(user, context_of))
        first, last = "user", "user"
    graph.add_edge(START, "open")
    graph.add_edge("open", first)
    graph.add_conditional_edges(last, goes_on, {"goes on": "supporter", "is over": END})
    graph.add_conditional_edges("supporter", goes_on, {"goes on": first, "is over": END})
    return graph.compile(name=f"conversation-{kind}")


def recursion_limit(rounds: int) -> int:
    """Steps that a conversation of so many rounds can take, with room to spare."""
    return 4 * (rounds + 1) + 10
