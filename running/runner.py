"""Makes and rates dialogues: one graph a dialogue, a bounded number admitted, every event to the trace.

A dialogue is judged within its own admission, so that memory stays flat and judges never wait for the last dialogue.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cocoon.agents.protocols import Judge, SimulatedUser, Supporter, steps_of
from cocoon.core.errors import SUBMITTED, CocoonError
from cocoon.core.outside.events import Event
from cocoon.core.records import Dialogue, Profile, Rating, Turn
from cocoon.evaluation.turn_reader import TurnReader
from cocoon.graphs.assessment import build_assessment
from cocoon.graphs.context import AssessmentContext, ConversationContext
from cocoon.graphs.conversation import conversation_of, recursion_limit
from cocoon.graphs.dialogue import build_dialogue
from cocoon.graphs.forks import Fork
from cocoon.graphs.moves import MoveTurns
from cocoon.running.work import Progress, Work

__all__ = ["DialogueListener", "Progress", "Runner", "Task", "Wanted"]

Wanted = tuple[str, int]


class DialogueListener(Protocol):
    """Hears dialogues while they are made. Turns of different dialogues come mixed."""

    def spoken(self, dialogue: str, profile: Profile, turn: Turn) -> None:
        """Take a turn as soon as it is spoken."""
        ...

    def ended(self, dialogue: str) -> None:
        """Take the end of a dialogue."""
        ...


@dataclass(frozen=True)
class Task:
    """One dialogue to be made: who talks with whom, which draw, and for a branch where it leaves another dialogue."""

    profile: Profile
    supporter: Supporter
    sample: int
    fork: Fork | None = None

    @property
    def dialogue(self) -> str:
        """The dialogue's id."""
        begin = self.fork.name if self.fork else self.profile.id
        return f"{begin}.{self.supporter.name}.{self.sample}"


@dataclass
class Runner(Work):
    """One session of a run. `user` talks in every dialogue, and `judges` may be empty. `moves` begin branches."""

    user: SimulatedUser | None = None
    judges: Sequence[Judge] = ()
    votes: int = 1
    rounds: int = 10
    listener: DialogueListener | None = None
    moves: MoveTurns | None = None

    def __post_init__(self) -> None:
        self._conversation = conversation_of(self.user) if self.user else None
        self._assessment = build_assessment()
        self._seen: set[str] = set()
        self._reader = TurnReader()
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
        await self.admit(self._make(task) for task in tasks if task.dialogue not in done)

    async def assess(self, dialogues: Iterable[Dialogue], wanted: dict[str, list[Wanted]]) -> None:
        """Rate dialogues that exist. `wanted` names the ratings that each still lacks.

        Where calls go out in batches, this is done several times. What has failed in this session is not tried again.
        """
        failed = {(failure.dialogue, failure.node) for failure in self.folder.failures}
        wanted = {
            name: [one for one in ratings if (name, f"{one[0]}/{one[1]}") not in failed]
            for name, ratings in wanted.items()
            if (name, "") not in failed
        }
        self.progress.dialogues += len(wanted.keys() - self._seen)
        self._seen |= wanted.keys()
        await self.admit(
            self._rate_one(dialogue, wanted[dialogue.id]) for dialogue in dialogues if dialogue.id in wanted
        )

    async def _make(self, task: Task) -> None:
        name = task.dialogue
        self.caller.admit(name)
        try:
            dialogue = await self._converse(task)
            if self.listener:
                self.listener.ended(name)
            self.folder.add_dialogue(dialogue)
            if self.judges:
                async with self._judging:
                    await self._rate(dialogue, self.wanted)
            self._done(name)
        except Exception as error:
            self.failed(name, "conversation", error)
        finally:
            self.caller.dismiss(name)

    async def _rate_one(self, dialogue: Dialogue, wanted: list[Wanted]) -> None:
        self.caller.admit(dialogue.id)
        try:
            if await self._rate(dialogue, wanted):
                self._done(dialogue.id)
        except Exception as error:
            self.failed(dialogue.id, "assessment", error)
        finally:
            self.caller.dismiss(dialogue.id)

    def _done(self, dialogue: str) -> None:
        self.progress.done += 1
        self.folder.tried.add(dialogue)

    async def _converse(self, task: Task) -> Dialogue:
        if self.user is None or self._conversation is None:
            raise CocoonError("a conversation needs a simulated user")
        context = ConversationContext(self.caller, task.supporter, self.user, self.rounds, task.profile)
        start: dict[str, Any] = {
            "dialogue": task.dialogue,
            "profile": task.profile.model_dump(mode="json"),
            "turns": [],
        }
        turns: list[Turn] = []
        origin: dict[str, Any] = {}
        if task.fork:
            turns = await self.moves.begin(task.fork) if self.moves else task.fork.prefix()
            start |= {"turns": [turn.model_dump(mode="json") for turn in turns], "memory": task.fork.memory}
            origin = {"parent": task.fork.parent.id, "branched_at": task.fork.length, "move": task.fork.move}
        stop_reason: str | None = None
        limit = recursion_limit(self.rounds, len(steps_of(self.user)))
        begun = build_dialogue(
            task.dialogue, task.profile, task.supporter.facts(), self.user.facts(), turns, None, sample=task.sample
        ).model_copy(update=origin)
        self.folder.begin_dialogue(begun)
        if task.fork and task.fork.move and task.fork.round >= self.rounds:
            return begun.model_copy(update={"stop_reason": "rounds"})

        dialogue = begun.model_copy(update={"turns": turns})
        events, spoken_in = list[Event](), dict[int, Event]()
        self._reader.begin(dialogue)
        try:
            async for update in self.walk(self._conversation, task.dialogue, start, context, limit, events):
                stop_reason = update.get("stop_reason") or stop_reason
                if spoken := [Turn.model_validate(turn) for turn in update.get("turns", [])]:
                    turns.extend(spoken)
                    spoken_in[len(turns) - 1] = events[-1]
                    self._tell(task, spoken)
                    self._reader.put(dialogue, len(turns) - 1)
        except asyncio.CancelledError:
            self._reader.forget(dialogue)
            raise
        except Exception:
            # What ended the conversation is told, and not what else goes wrong.
            with contextlib.suppress(Exception):
                await self._flag(dialogue, spoken_in)
            raise
        await self._flag(dialogue, spoken_in)
        return dialogue.model_copy(update={"stop_reason": stop_reason})

    def _tell(self, task: Task, spoken: Sequence[Turn]) -> None:
        self.folder.add_turns(task.dialogue, spoken)
        if self.listener:
            for turn in spoken:
                self.listener.spoken(task.dialogue, task.profile, turn)

    async def _flag(self, dialogue: Dialogue, spoken_in: Mapping[int, Event]) -> None:
        """Write the events of turns with flags once more, with the flags."""
        for index, flags in (await self._reader.end(dialogue)).items():
            if index in spoken_in:
                self.folder.trace.write({**spoken_in[index], "flags": flags})

    async def _rate(self, dialogue: Dialogue, wanted: Sequence[Wanted]) -> bool:
        """Rate a dialogue. Returns whether no rating waits for a batch."""
        context = AssessmentContext(self.caller, self._by_name, dialogue)
        plain = dialogue.model_dump(mode="json")
        ratings: list[Rating] = []
        failures: list[Any] = []
        inputs = {"dialogue": plain, "wanted": [list(rating) for rating in wanted]}
        async for update in self.walk(self._assessment, dialogue.id, inputs, context, recursion_limit(1)):
            ratings += [Rating.model_validate(rating) for rating in update.get("ratings", [])]
            failures += update.get("failures", [])
        self.folder.add_ratings(ratings, dialogue)
        self._count(ratings)
        final = [failure for failure in failures if failure["reason"] != SUBMITTED]
        for failure in final:
            self.add_failure(dialogue.id, "assessment", failure["node"], failure["reason"], failure["message"])
        return len(final) == len(failures)

    def _count(self, ratings: Iterable[Rating]) -> None:
        """Add the verdicts of the attributed mode, for the running success rate."""
        for rating in ratings:
            if rating.scale == "success_attributed" and rating.verdict and rating.verdict.success is not None:
                self.progress.verdicts += 1
                self.progress.named += rating.verdict.success
