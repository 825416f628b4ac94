"""What the graphs' nodes are given beside the state: agents and the calls of the run, never serialised."""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from langgraph.runtime import Runtime

from cocoon.agents.protocols import Judge, SimulatedUser, Supporter
from cocoon.models.calls import Caller, Reply


@dataclass(frozen=True)
class ConversationContext:
    """The two speakers of one conversation. `rounds`: replies of the supporter after its opening.

    `branch` is added to the dialogue's id in the journal, so that another future of the same dialogue asks anew.
    """

    caller: Caller
    supporter: Supporter
    user: SimulatedUser
    rounds: int = 10
    branch: str = ""


@dataclass(frozen=True)
class AssessmentContext:
    """The judges of an assessment, by name."""

    caller: Caller
    judges: dict[str, Judge]


ContextOf = Callable[[Any, Any], Any]
"""Makes a context from a node's state and LangGraph's configuration of the run."""
NodeT = TypeVar("NodeT", bound=Callable[..., Awaitable[Any]])


def bound(node: NodeT, context_of: ContextOf | None) -> NodeT:
    """Return the node with a context of its own, made from the state. None leaves it to be given with each run.

    For tools that open a graph by its name and cannot give a context.
    """
    if context_of is None:
        return node

    @functools.wraps(node)
    async def with_context(state: Any, runtime: Runtime[Any]) -> Any:
        # In a thread, as opening a model may read files for long.
        context = await asyncio.to_thread(context_of, state, runtime)
        return await node(state, runtime.override(context=context))

    # functools.wraps keeps the signature that LangGraph reads, which no type can tell.
    return cast(NodeT, with_context)


def report_calls(runtime: Runtime[Any], node: str, replies: Sequence[Reply], task: str | None = None) -> None:
    """Send a node's calls to the trace: where each is journalled and what it took, no text."""
    for reply in replies:
        entry = reply.entry
        runtime.stream_writer(
            {
                "node": node,
                "task": task,
                "call": reply.key,
                "model": entry.model,
                "tokens_in": entry.tokens_in,
                "tokens_out": entry.tokens_out,
                "latency": entry.latency,
                "retries": entry.retries,
                "rung": entry.rung,
                "answered_at": entry.answered_at,
                "replayed": reply.replayed,
            }
        )
