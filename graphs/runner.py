"""Runs many graphs at once: one graph a dialogue, a bounded number admitted, every event to the trace.

A dialogue is judged within its own admission, so that memory stays flat and judges never wait for the last dialogue.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from langgraph.graph.state import CompiledStateGraph

from cocoon.agents.guarded_user import GuardedUser
from cocoon.agents.judges import Judge
from cocoon.agents.prompted_user import PromptedUser
from cocoon.agents.supporter import Supporter
from cocoon.core.calls import Caller
from cocoon.core.errors import (
    BudgetReachedError,
    CallFailedError,
    CocoonError,
    NotSavedError,
    ReplayMismatchError,
    StoppedError,
)
from cocoon.core.records import Dialogue, Failure, Profile, Rating
from cocoon.core.run_folder import RunFolder
from cocoon.core.trace import SCHEMA_VERSION
from cocoon.graphs.assessment import build_assessment
from cocoon.graphs.context import AssessmentContext, ConversationContext
from cocoon.graphs.conversation import build_conversation, recursion_limit

Wanted = tuple[str, int]
_ENDS_THE_RUN = (BudgetReachedError, StoppedError, ReplayMismatchError, NotSavedError)


@dataclass(frozen=True)
class Task:
    """One dialogue to be made: who talks with whom, which draw."""

    profile: Profile
    supporter: Supporter
    sample: int

    @property
    def dialogue(self) -> str:
        """The dialogue's id."""
        return f"{self.profile.id}.{self.supporter.name}.{self.sample}"


@dataclass
class Progress:
    """Running counts, for whoever shows them."""

    dialogues: int = 0
    done: int = 0
    resumed: int = 0
    failed: int = 0
    calls: int = 0
    replayed: int = 0
    named: int = 0
    verdicts: int = 0

    def reopen(self, dialogues: int) -> None:
        """Dialogues that were there but still lack ratings are not done yet; `assess` counts them anew."""
        self.dialogues -= dialogues
        self.resumed -= dialogues

    def count_ratings(self, ratings: Iterable[Rating]) -> None:
        """Add the verdicts of the attributed mode, for the running success rate."""
        for rating in ratings:
            if rating.scale == "success_attributed" and rating.verdict and rating.verdict.success is not None:
                self.verdicts += 1
                self.named += rating.verdict.success


@dataclass
class Runner:
    """One session of a run. `user` talks in every dialogue; `judges` may be empty.

    `window`: dialogues admitted at a time. `stop` is called with what ends the run, so that no further call starts.
    """

    folder: RunFolder
    caller: Caller
    user: PromptedUser | GuardedUser | None
    judges: Sequence[Judge] = ()
    votes: int = 1
    rounds: int = 10
    window: int = 64
    stop: Callable[[Exception], None] | None = None
    progress: Progress = field(default_factory=Progress)
    stopped_by: CocoonError | None = None

    def __post_init__(self) -> None:
        kind = "prompted" if isinstance(self.user, PromptedUser) else "guarded"
        self._conversation = build_conversation(kind)
        self._assessment = build_assessment()
        self._by_name = {judge.name: judge for judge in self.judges}
        # Dialogues go in step and end together. Enough are judged at a time to fill the window with calls; starting
        # all their judges at once would keep the event loop from every reply for a second.
        self._judging = asyncio.Semaphore(-(-self.window // max(1, len(self.wanted))))

    @property
    def wanted(self) -> list[Wanted]:
        """Every judge and vote that a dialogue is to be rated by."""
        return [(judge.name, vote) for judge in self.judges for vote in range(self.votes)]

    async def simulate(self, tasks: Sequence[Task], done: set[str]) -> None:
        """Make the dialogues that are not `done`, and rate each as soon as it is made."""
        self.progress.dialogues += len(tasks)
        self.progress.resumed += sum(task.dialogue in done for task in tasks)
        await self._admit(self._make(task) for task in tasks if task.dialogue not in done)

    async def assess(self, dialogues: Iterable[Dialogue], wanted: dict[str, list[Wanted]]) -> None:
        """Rate dialogues that are there; `wanted` names what each still lacks."""
        self.progress.dialogues += len(wanted)
        await self._admit(
            self._rate_one(dialogue, wanted[dialogue.id]) for dialogue in dialogues if dialogue.id in wanted
        )

    async def _admit(self, work: Iterator[Any]) -> None:
        async def admitted() -> None:
            for job in work:
                if self.stopped_by:
                    job.close()
                    continue
                await job

        await asyncio.gather(*(admitted() for _ in range(self.window)))

    async def _make(self, task: Task) -> None:
        name = task.dialogue
        self.caller.admit(name)
        try:
            dialogue = await self._converse(task)
            self.folder.add_dialogue(dialogue)
            if self.judges:
                async with self._judging:
                    await self._rate(dialogue, self.wanted)
            self._done(name)
        except Exception as error:
            self._failed(name, "conversation", error)
        finally:
            self.caller.dismiss(name)

    async def _rate_one(self, dialogue: Dialogue, wanted: list[Wanted]) -> None:
        self.caller.admit(dialogue.id)
        try:
            await self._rate(dialogue, wanted)
            self._done(dialogue.id)
        except Exception as error:
            self._failed(dialogue.id, "assessment", error)
        finally:
            self.caller.dismiss(dialogue.id)

    def _done(self, dialogue: str) -> None:
        self.progress.done += 1
        self.folder.tried.add(dialogue)

    def end(self, error: CocoonError) -> None:
        """End the run because of `error`: no new call is started, what is under way finishes."""
        if self.stopped_by is None:
            self.stopped_by = error
            if self.stop:
                self.stop(error)

    def _failed(self, dialogue: str, stage: Any, error: Exception) -> None:
        if isinstance(error, _ENDS_THE_RUN):
            self.end(error)
            return
        if not isinstance(error, CocoonError):
            message = f"{type(error).__name__}: {error}"
            self._add_failure(dialogue, stage, "", "internal", message)
            return
        reason = error.reason if isinstance(error, CallFailedError) else "error"
        self._add_failure(dialogue, stage, "", reason, str(error))

    def _add_failure(self, dialogue: str, stage: Any, node: str, reason: str, message: str) -> None:
        self.progress.failed += 1
        self.folder.tried.add(dialogue)
        self.folder.failures.append(
            Failure(dialogue=dialogue, stage=stage, node=node, reason=reason, message=message[:500])
        )

    async def _converse(self, task: Task) -> Dialogue:
        if self.user is None:
            raise CocoonError("a conversation needs a simulated user")
        context = ConversationContext(self.caller, task.supporter, self.user, self.rounds)
        given = {"dialogue": task.dialogue, "profile": task.profile.model_dump(mode="json"), "turns": []}
        turns: list[Any] = []
        stop_reason: str | None = None
        async for update in self._run(self._conversation, task.dialogue, given, context, self.rounds):
            turns += update.get("turns", [])
            stop_reason = update.get("stop_reason") or stop_reason
        guarded = isinstance(self.user, GuardedUser)
        return Dialogue(
            id=task.dialogue,
            profile=task.profile,
            supporter=task.supporter.name,
            sample=task.sample,
            language=task.profile.language,
            turns=turns,
            stop_reason=stop_reason,
            user_kind="guarded" if guarded else "prompted",
            difficulty=self.user.gate.difficulty if isinstance(self.user, GuardedUser) else "",
            rules=self.user.gate.rules if isinstance(self.user, GuardedUser) else "",
            source=f"simulated ({task.profile.source})",
            licence=task.profile.licence,
        )

    async def _rate(self, dialogue: Dialogue, wanted: Sequence[Wanted]) -> None:
        context = AssessmentContext(self.caller, self._by_name)
        plain = dialogue.model_dump(mode="json")
        ratings: list[Rating] = []
        failures: list[Any] = []
        given = {"dialogue": plain, "wanted": [list(one) for one in wanted]}
        async for update in self._run(self._assessment, dialogue.id, given, context, 1):
            ratings += [Rating.model_validate(rating) for rating in update.get("ratings", [])]
            failures += update.get("failures", [])
        self.folder.add_ratings(ratings)
        self.progress.count_ratings(ratings)
        for failure in failures:
            self._add_failure(dialogue.id, "assessment", failure["node"], failure["reason"], failure["message"])

    async def _run(
        self, graph: CompiledStateGraph[Any, Any, Any, Any], dialogue: str, given: Any, context: Any, rounds: int
    ) -> AsyncIterator[dict[str, Any]]:
        """Walk one graph: LangGraph's own events to the trace, each node's update to the caller."""
        steps = _Steps()
        head = {"v": SCHEMA_VERSION, "dialogue": dialogue, "graph": graph.name}
        self.folder.trace.write({**head, "step": 0, "event": "start"})
        stop_reason = None
        stream: AsyncIterator[Any] = graph.astream(
            given,
            {"recursion_limit": recursion_limit(rounds)},
            context=context,
            stream_mode=["updates", "custom"],
        )
        async for mode, data in stream:
            if mode == "custom":
                self.progress.calls += 1
                self.progress.replayed += data.pop("replayed")
                self.folder.trace.write({**head, "step": steps.of(data["node"]), "event": "call", **data})
                continue
            for node, update in data.items():
                update = update or {}
                stop_reason = update.get("stop_reason") or stop_reason
                step = steps.enter(node)
                keys = sorted(key for key, value in update.items() if value)
                event = {**head, "step": step, "event": "node", "node": node, "task": _task_of(update), "updated": keys}
                self.folder.trace.write(event)
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
    """Which of several tasks of one node an update comes from; none for a node that runs alone."""
    for rating in update.get("ratings", []):
        return f"{rating['scale']}/{rating['vote']}"
    for failure in update.get("failures", []):
        return failure["node"]
    return None
