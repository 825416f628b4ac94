"""What the graphs' nodes are given beside the state: agents and the calls of the run, never serialised."""

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from langgraph.runtime import Runtime, get_runtime

from cocoon.agents.protocols import Judge, SimulatedUser, Step, Supporter, steps_of
from cocoon.core.errors import CocoonError
from cocoon.core.records import AgentFacts, Dialogue, Profile
from cocoon.models.calls import Caller, Reply


@dataclass(frozen=True)
class ConversationContext:
    """The two speakers of one conversation. `rounds`: replies of the supporter after its opening.

    `profile` is that of the state, read already. Without it every node reads it.
    """

    caller: Caller
    supporter: Supporter
    user: SimulatedUser
    rounds: int = 10
    profile: Profile | None = None

    @functools.cached_property
    def supporter_facts(self) -> AgentFacts:
        """What the supporter says of itself."""
        return self.supporter.facts()

    @functools.cached_property
    def user_facts(self) -> AgentFacts:
        """What the simulated user says of itself."""
        return self.user.facts()

    @functools.cached_property
    def steps(self) -> Sequence[Step]:
        """The steps of the user's answer."""
        return steps_of(self.user)


@dataclass(frozen=True)
class AssessmentContext:
    """The judges of an assessment, by name. `dialogue` is that of the state, read already."""

    caller: Caller
    judges: dict[str, Judge]
    dialogue: Dialogue | None = None

    @functools.cached_property
    def facts(self) -> dict[str, AgentFacts]:
        """What each judge says of itself."""
        return {name: judge.facts() for name, judge in self.judges.items()}


ContextOf = Callable[[Any, Any], Any]
"""Makes a context from a node's state and LangGraph's runtime."""
NodeT = TypeVar("NodeT", bound=Callable[..., Awaitable[Any]])


class StudioError(CocoonError, ValueError):
    """A CocoonError for LangGraph's server, which shows the messages of errors like ValueError and hides all others."""


def bound(node: NodeT, context_of: ContextOf | None) -> NodeT:
    """Return the node with a context of its own, made from the state. None leaves it to be given with each run.

    For tools that open a graph by its name and cannot give a context.
    """
    if context_of is None:
        return node

    @functools.wraps(node)
    async def with_context(state: Any) -> Any:
        # LangGraph has no runtime when it only asks which node follows an edited state.
        runtime = get_runtime() or Runtime()
        try:
            # In a thread, as opening a model may read files for long.
            context = await asyncio.to_thread(context_of, state, runtime)
            return await node(state, runtime.override(context=context))
        except CocoonError as error:
            raise StudioError(str(error)) from error

    wrapped: Any = with_context
    # LangGraph reads the signature, and refuses an edited state for a function that asks for a runtime.
    state, *_ = inspect.signature(node).parameters.values()
    wrapped.__signature__ = inspect.signature(node).replace(parameters=[state])
    return wrapped


def report_calls(runtime: Runtime[Any], node: str, replies: Sequence[Reply], task: str | None = None) -> list[str]:
    """Report a node's calls (where each is journalled and what it took, no text), and return their keys.

    The caller keeps them for the trace. They also go to LangGraph's stream of mode `custom`, for other tools.
    """
    for reply in replies:
        entry = reply.entry
        event = {
            "node": node,
            "task": task,
            "call": reply.key,
            **entry.took(),
            "finish": reply.parts.finish,
            "thought": bool(reply.parts.thought),
            "answered_at": entry.answered_at,
        }
        runtime.context.caller.report(entry.place.dialogue, event)
        runtime.stream_writer({**event, "replayed": reply.replayed})
    return [reply.key for reply in replies]
