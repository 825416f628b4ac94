"""What every session of a run does with its graphs: admit a bounded number, walk each, trace it, note what failed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from langgraph.graph.state import CompiledStateGraph

from cocoon.core.errors import (
    AccessDeniedError,
    BudgetReachedError,
    CallFailedError,
    CocoonError,
    EndpointDownError,
    NotSavedError,
    ReplayMismatchError,
    StoppedError,
    SubmittedError,
)
from cocoon.core.outside.events import Event
from cocoon.core.records import Failure, Stage
from cocoon.models.batches.queue import BatchQueue
from cocoon.models.calls import Caller
from cocoon.models.ledger import Ledger
from cocoon.running.folder import RunFolder
from cocoon.running.trace import SCHEMA_VERSION

_ENDS_THE_RUN = (
    *(AccessDeniedError, BudgetReachedError, EndpointDownError),
    *(NotSavedError, ReplayMismatchError, StoppedError),
)
_COUNTED = ("dialogues", "done", "resumed", "failed", "named", "verdicts", "dropped")


@dataclass
class Progress:
    """Running counts, for whoever shows them. `dialogues` counts items of the kind that `things` names.

    `expected` is about how many calls this session will take, None where nobody can tell. `ledger` is that of the run,
    and `before` what it held when the session began. `batches` says how far batches are.
    """

    things: str = "dialogues"
    dialogues: int = 0
    done: int = 0
    resumed: int = 0
    failed: int = 0
    named: int = 0
    verdicts: int = 0
    dropped: int = 0
    expected: int | None = None
    batches: Callable[[], str] = str
    ledger: Ledger = field(default_factory=Ledger)
    before: Ledger = field(default_factory=Ledger)

    def begin(self, ledger: Ledger) -> None:
        """Count calls from what the ledger holds now."""
        self.ledger, self.before = ledger, deepcopy(ledger)

    def end(self) -> None:
        """Count no call of a later session, which may share the ledger."""
        self.ledger = deepcopy(self.ledger)

    @property
    def calls(self) -> int:
        """Return the calls of the session, those from the journal included."""
        return self.ledger.calls - self.before.calls + self.replayed

    @property
    def replayed(self) -> int:
        """Return the calls of the session that the journal answered."""
        return self.ledger.replayed - self.before.replayed

    @classmethod
    def total(cls, parts: Sequence["Progress"]) -> "Progress":
        """Return the progress of several sessions taken together, as plain numbers."""
        total = cls(things=parts[0].things) if parts else cls()
        for part in parts:
            for name in _COUNTED:
                setattr(total, name, getattr(total, name) + getattr(part, name))
        expected = [part.expected for part in parts if part.expected is not None]
        total.expected = sum(expected) if len(expected) == len(parts) else None
        total.ledger = Ledger.total([part.ledger for part in parts])
        total.before = Ledger.total([part.before for part in parts])
        return total

    def reopen(self, dialogues: int) -> None:
        """Count dialogues that exist but still lack ratings as not done. Assessing counts them anew."""
        self.dialogues -= dialogues
        self.resumed -= dialogues


@dataclass
class Work:
    """One session's work. `window`: items admitted at a time.

    `stop` is called with what ends the run, so that no further call starts.
    """

    folder: RunFolder
    caller: Caller
    window: int = 64
    stop: Callable[[Exception], None] | None = None
    progress: Progress = field(default_factory=Progress)
    stopped_by: CocoonError | None = None

    async def admit(self, work: Iterator[Any]) -> None:
        """Do jobs (coroutines), so many at a time. None is started once the run has been ended."""

        async def admitted() -> None:
            for job in work:
                if self.stopped_by:
                    job.close()
                    continue
                await job

        await asyncio.gather(*(admitted() for _ in range(self.window)))

    async def in_batches(self, batches: BatchQueue | None, job: Callable[[], Awaitable[None]]) -> None:
        """Do a job, and again as long as some of it waits for a batch. `job` does what is not done yet."""
        if batches is None:
            await job()
            return
        self.progress.batches = lambda: batches.progress
        try:
            await batches.collect()
            await job()
            while batches.waits and self.stopped_by is None:
                await batches.submit()
                await batches.collect()
                await job()
        except CocoonError as error:
            self.end(error)
            if isinstance(error, StoppedError):
                # It says what becomes of the batches, which the signal itself does not.
                self.stopped_by = error

    def end(self, error: CocoonError) -> None:
        """End the run because of `error`: no new call is started, what is under way finishes."""
        if self.stopped_by is None:
            self.stopped_by = error
            if self.stop:
                self.stop(error)

    def failed(self, item: str, stage: Stage, error: Exception) -> None:
        """Note an item that could not be made, or end the run where the error is of that kind.

        An item that waits for a batch has not failed.
        """
        if isinstance(error, SubmittedError):
            return
        if isinstance(error, _ENDS_THE_RUN):
            self.end(error)
            return
        if not isinstance(error, CocoonError):
            self.add_failure(item, stage, "", "internal", f"{type(error).__name__}: {error}")
            return
        reason = error.reason if isinstance(error, CallFailedError) else "error"
        self.add_failure(item, stage, "", reason, str(error))

    def add_failure(self, item: str, stage: Stage, node: str, reason: str, message: str) -> None:
        """Enter a failure. The same command tries the item again."""
        self.progress.failed += 1
        self.folder.tried.add(item)
        self.folder.failures.append(
            Failure(dialogue=item, stage=stage, node=node, reason=reason, message=message[:500])
        )

    async def walk(
        self,
        graph: CompiledStateGraph[Any, Any, Any, Any],
        item: str,
        inputs: Any,
        context: Any,
        recursion_limit: int,
        events: list[Event] | None = None,
    ) -> AsyncIterator[dict[str, Any]]:
        """Walk one graph: LangGraph's own events and the calls to the trace, each node's update to the caller.

        Calls do not come through LangGraph's stream, which then runs a node that is alone without a task of its own.
        The event of each update is added to `events` before the update is given.
        """
        steps = _Steps()
        head = {"v": SCHEMA_VERSION, "dialogue": item, "graph": graph.name}
        self.folder.trace.write({**head, "step": 0, "event": "start"})
        stop_reason = None
        stream: AsyncIterator[Any] = graph.astream(
            inputs, {"recursion_limit": recursion_limit}, context=context, stream_mode="updates"
        )
        async for data in stream:
            unwritten: list[Event] = [
                {**head, "step": steps.of(call["node"]), "event": "call", **call} for call in self.caller.reported(item)
            ]
            for node, update in data.items():
                update = update or {}
                stop_reason = update.get("stop_reason") or stop_reason
                step = steps.enter(node)
                keys = sorted(key for key, value in update.items() if value)
                event = {**head, "step": step, "event": "node", "node": node, "task": _task_of(update), "updated": keys}
                self.folder.trace.write(*unwritten, event)
                unwritten = []
                if events is not None:
                    events.append(event)
                yield update
        self.folder.trace.write({**head, "step": steps.number, "event": "end", "stop_reason": stop_reason})


@dataclass
class _Steps:
    """Counts supersteps from the stream: nodes that run side by side have one name and share a step."""

    number: int = 0
    node: str = ""

    def of(self, node: str) -> int:
        return self.number if node == self.node else self.number + 1

    def enter(self, node: str) -> int:
        self.number, self.node = self.of(node), node
        return self.number


def _task_of(update: dict[str, Any]) -> str | None:
    """Return which of several tasks of one node an update comes from, or None for a node that runs alone."""
    for answer in update.get("answers", []):
        return answer["task"]
    for rating in update.get("ratings", []):
        return f"{rating['scale']}/{rating['vote']}"
    for failure in update.get("failures", []):
        return failure["node"]
    return None
