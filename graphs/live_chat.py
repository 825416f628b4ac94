"""A person as the supporter of the conversation graph: the same graph, nodes and journal as in the automatic run.

What the person said so far can be given again: then the user's replies come from the journal, and the talk goes on
where it was cut off.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cocoon.agents.protocols import SimulatedUser, SupporterView, Utterance, steps_of
from cocoon.agents.supporters.supporter import plain_opening
from cocoon.core.records import AgentFacts, Dialogue, Profile, Turn
from cocoon.graphs.context import ConversationContext
from cocoon.graphs.conversation import conversation_of, recursion_limit
from cocoon.graphs.dialogue import PERSON, build_dialogue
from cocoon.models.calls import Caller
from cocoon.models.client import JournaledClient


@dataclass
class PersonSupporter:
    """Speaks what a person has said, and waits where the person has not spoken yet."""

    folder: Path | None = None
    name: str = PERSON.name
    said: list[str] = field(default_factory=list)
    _spoken: asyncio.Condition = field(default_factory=asyncio.Condition)

    def open(self, view: SupporterView) -> str:
        """Return the fixed first words, as of every supporter."""
        return plain_opening(view, self.folder)

    def facts(self) -> AgentFacts:
        """Return that this is a person."""
        return PERSON

    async def say(self, text: str) -> None:
        """The person's next words."""
        async with self._spoken:
            self.said.append(text)
            self._spoken.notify_all()

    async def speak(self, client: JournaledClient, view: SupporterView) -> Utterance:
        """Return the words for this turn, once they are there."""
        del client
        turn = view.round - 1
        async with self._spoken:
            await self._spoken.wait_for(lambda: len(self.said) > turn)
        return Utterance(content=self.said[turn])


@dataclass
class LiveChat:
    """One talk between a person and a simulated user. `rounds`: the person's replies after the fixed opening."""

    dialogue: str
    profile: Profile
    user: SimulatedUser
    caller: Caller
    rounds: int
    folder: Path | None = None
    turns: list[dict[str, Any]] = field(default_factory=list)
    stop_reason: str | None = None
    over: bool = False
    failed: Exception | None = None
    _person: PersonSupporter = field(init=False)
    _moved: asyncio.Condition = field(default_factory=asyncio.Condition)
    _task: "asyncio.Task[None] | None" = None

    async def start(self, words: Sequence[str] = ()) -> None:
        """Start, or go on after what was said before (`words`). Returns when it is the person's turn."""
        self._person = PersonSupporter(self.folder, said=list(words))
        self.caller.admit(self.dialogue)
        self._task = asyncio.create_task(self._walk())
        await self._wait(2 + 2 * len(words))

    async def say(self, text: str) -> None:
        """Take the person's words. Returns with the user's answer, or when the talk is over."""
        await self._person.say(text)
        await self._wait(2 + 2 * len(self._person.said))

    async def close(self) -> None:
        """Leave the talk where it is."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self.caller.dismiss(self.dialogue)

    def record(self) -> Dialogue:
        """Return the talk so far as a dialogue of a person and this simulated user."""
        turns = [Turn.model_validate(turn) for turn in self.turns]
        user = self.user.facts()
        return build_dialogue(self.dialogue, self.profile, PERSON, user, turns, self.stop_reason, how="chat")

    async def _wait(self, turns: int) -> None:
        async with self._moved:
            await self._moved.wait_for(lambda: self.over or len(self.turns) >= turns)

    async def _walk(self) -> None:
        context = ConversationContext(self.caller, self._person, self.user, self.rounds)
        start_state = {"dialogue": self.dialogue, "profile": self.profile.model_dump(mode="json"), "turns": []}
        try:
            limit = recursion_limit(self.rounds, len(steps_of(self.user)))
            stream = conversation_of(self.user).astream(
                start_state, {"recursion_limit": limit}, context=context, stream_mode="updates"
            )
            async for update in stream:
                for change in update.values():
                    self.stop_reason = (change or {}).get("stop_reason") or self.stop_reason
                    await self._add((change or {}).get("turns", []))
        except Exception as error:
            self.failed = error
        finally:
            async with self._moved:
                self.over = True
                self._moved.notify_all()

    async def _add(self, turns: Sequence[dict[str, Any]]) -> None:
        async with self._moved:
            self.turns += turns
            self._moved.notify_all()
