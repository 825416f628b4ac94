"""A person as the supporter of the conversation graph: the same graph, nodes and journal as in the automatic run.

What the person said so far can be given again: then the user's replies come from the journal, and the talk goes on
where it was cut off.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from cocoon.agents.guarded_user import GuardedUser
from cocoon.agents.prompted_user import PromptedUser
from cocoon.agents.scene import Said, Scene
from cocoon.agents.supporter import Supporter
from cocoon.core.calls import Caller
from cocoon.core.prompts import load_prompt
from cocoon.core.records import Dialogue, Profile, Turn
from cocoon.graphs.context import ConversationContext
from cocoon.graphs.conversation import build_conversation, recursion_limit

PERSON = "person"


@dataclass
class PersonSupporter:
    """Speaks what a person has said; waits where they have not spoken yet."""

    folder: Path | None = None
    name: str = PERSON
    said: list[str] = field(default_factory=list)
    _spoken: asyncio.Condition = field(default_factory=asyncio.Condition)

    def open(self, profile: Profile) -> str:
        """The fixed first words, as of every supporter."""
        return load_prompt("supporter/opening", profile.language, self.folder).render(emotion=profile.emotion)

    async def say(self, text: str) -> None:
        """The person's next words."""
        async with self._spoken:
            self.said.append(text)
            self._spoken.notify_all()

    async def speak(self, caller: Caller, scene: Scene) -> Said:
        """The words for this turn, once they are there."""
        del caller
        turn = scene.spoken_by("supporter") - 1
        async with self._spoken:
            await self._spoken.wait_for(lambda: len(self.said) > turn)
        return Said(self.said[turn])


@dataclass
class LiveChat:
    """One talk between a person and a simulated user. `rounds`: the person's replies after the fixed opening."""

    dialogue: str
    profile: Profile
    user: PromptedUser | GuardedUser
    caller: Caller
    rounds: int
    folder: Path | None = None
    turns: list[dict[str, Any]] = field(default_factory=list)
    over: bool = False
    failed: Exception | None = None
    _person: PersonSupporter = field(init=False)
    _moved: asyncio.Condition = field(default_factory=asyncio.Condition)
    _task: "asyncio.Task[None] | None" = None

    async def start(self, said: Sequence[str] = ()) -> None:
        """Begin, or go on after what was said before; comes back when it is the person's turn."""
        self._person = PersonSupporter(self.folder, said=list(said))
        self.caller.admit(self.dialogue)
        self._task = asyncio.create_task(self._walk())
        await self._wait(2 + 2 * len(said))

    async def say(self, text: str) -> None:
        """The person's words; comes back with the user's answer, or when the talk is over."""
        await self._person.say(text)
        await self._wait(2 + 2 * len(self._person.said))

    async def close(self) -> None:
        """Leave the talk where it is."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self.caller.dismiss(self.dialogue)

    def record(self) -> Dialogue:
        """The talk so far as a dialogue of a person and this kind of user."""
        guarded = isinstance(self.user, GuardedUser)
        return Dialogue(
            id=self.dialogue,
            profile=self.profile,
            supporter=PERSON,
            language=self.profile.language,
            turns=[Turn.model_validate(turn) for turn in self.turns],
            user_kind="guarded" if guarded else "prompted",
            source="chat",
            licence=self.profile.licence,
        )

    async def _wait(self, turns: int) -> None:
        async with self._moved:
            await self._moved.wait_for(lambda: self.over or len(self.turns) >= turns)

    async def _walk(self) -> None:
        kind = "guarded" if isinstance(self.user, GuardedUser) else "prompted"
        # The graph asks no more of its supporter than to open and to speak.
        context = ConversationContext(self.caller, cast(Supporter, self._person), self.user, self.rounds)
        given = {"dialogue": self.dialogue, "profile": self.profile.model_dump(mode="json"), "turns": []}
        try:
            stream = build_conversation(kind).astream(
                given, {"recursion_limit": recursion_limit(self.rounds)}, context=context, stream_mode="updates"
            )
            async for update in stream:
                for change in update.values():
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
