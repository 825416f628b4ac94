"""A talk between a person at the terminal and one agent, and how it is kept."""

import asyncio
import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import orjson
import typer

from cocoon.agents.guarded_user import GuardedUser
from cocoon.agents.prompted_user import PromptedUser
from cocoon.agents.scene import Said, Scene
from cocoon.agents.supporter import Supporter
from cocoon.cli.terminal_text import printable
from cocoon.core.calls import Caller
from cocoon.core.config import UserConfig
from cocoon.core.errors import CallFailedError
from cocoon.core.jsonl import dump_line, parse_record, read_lines, write_whole
from cocoon.core.prompts import load_prompt
from cocoon.core.records import Dialogue, Profile, Role, Turn, UserState
from cocoon.core.run_folder import RunFolder

if TYPE_CHECKING:
    from cocoon.graphs.study import Study

PERSON = "person"
HELP = "/quit ends the talk, /state shows the simulated user's state, /help shows this; anything else is said"


class Other(Protocol):
    """The agent across the table."""

    @property
    def role(self) -> Role: ...

    async def answer(self, caller: Caller, scene: Scene) -> Said:
        """Its next words; raises CallFailedError when its model gives none."""
        ...

    def state(self, profile: Profile) -> str:
        """What may be told of its inner state."""
        ...


@dataclass
class OtherUser:
    """The simulated user, talked to by a person who plays the supporter."""

    user: PromptedUser | GuardedUser
    config: UserConfig
    now: UserState | None = None
    role: Role = "user"

    async def answer(self, caller: Caller, scene: Scene) -> Said:
        if isinstance(self.user, PromptedUser):
            return await self.user.speak(caller, scene)
        appraisal, replies = await self.user.appraise(caller, scene, self.now)
        state = self.user.disclose(scene, self.now, appraisal)
        said = await self.user.speak(caller, scene, state)
        self.now = state
        return Said(said.content, [*replies, *said.replies], state, said.leaves)

    def state(self, profile: Profile) -> str:
        if isinstance(self.user, PromptedUser) or self.now is None:
            return "the prompted user has no state: its whole profile is in its prompt"
        now, needs = self.now, [step.need for step in profile.chain]
        openness = self.user.gate.openness(now, profile)
        head = f"trust {now.trust:g} ({openness}), {self.config.difficulty}, {self.config.rules} rules"
        opened = [f"  open: {needs[node]}" for node in now.unlocked]
        locked = len(needs) - len(now.unlocked)
        told = f"  closed: {locked} of {len(needs)} needs, {len(profile.memory) - len(now.memories)} memories"
        return "\n".join([head, *opened, told])


@dataclass
class OtherSupporter:
    """The supporter, talked to by a person who plays the user."""

    supporter: Supporter
    role: Role = "supporter"

    async def answer(self, caller: Caller, scene: Scene) -> Said:
        return await self.supporter.speak(caller, scene)

    def state(self, profile: Profile) -> str:
        del profile
        return "the supporter has no state: it knows this talk and nothing else"


class Kept:
    """Keeps a talk in a run folder: after every turn beside the dialogues, at its end among them."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._beside: Path = folder.path / ".chat.json"
        if self._beside.exists():
            # Another chat was killed; what was said in it is kept.
            left = parse_record(orjson.loads(self._beside.read_bytes()), Dialogue, str(self._beside))
            if left.id in self._ids():
                self._beside.unlink()
            else:
                self.close(left)

    def fresh(self, profile: Profile, other: Other, study: "Study") -> Dialogue:
        """A dialogue that holds the opening alone, under an id that the run has not yet."""
        user = study.config.user
        simulated = isinstance(other, OtherUser)
        guarded = simulated and user.kind == "guarded"
        opening = load_prompt("supporter/opening", profile.language, study.folder).render(emotion=profile.emotion)
        supporter = other.supporter.name if isinstance(other, OtherSupporter) else PERSON
        return Dialogue(
            id=self._free_id(f"chat.{profile.id}.{supporter}"),
            profile=profile,
            supporter=supporter,
            language=profile.language,
            turns=[Turn(role="supporter", content=opening)],
            user_kind=user.kind if simulated else PERSON,
            difficulty=user.difficulty if guarded else "",
            rules=user.rules if guarded else "",
            source="chat",
        )

    def _free_id(self, stem: str) -> str:
        taken, number = self._ids(), 0
        # A chat that was killed before its first turn may have left calls in the journal.
        while f"{stem}.{number}" in taken or self._folder.journal.load(f"{stem}.{number}"):
            number += 1
        return f"{stem}.{number}"

    def _ids(self) -> set[str]:
        return {line["id"] for _, line in read_lines(self._folder.path / "dialogues.jsonl")}

    def save(self, dialogue: Dialogue) -> None:
        """Keep what was said so far."""
        write_whole(self._beside, [dump_line(dialogue)])

    def close(self, dialogue: Dialogue) -> bool:
        """Put the dialogue among those of the run, if the person said anything; whether they did."""
        said = len({turn.role for turn in dialogue.turns}) > 1
        if said:
            self._folder.add_dialogue(dialogue)
        self._beside.unlink(missing_ok=True)
        return said


@dataclass
class Talk:
    """Reads what the person says line by line and has the other side answer; /quit, Ctrl-C and end of input end it."""

    caller: Caller
    other: Other
    dialogue: Dialogue
    runner: asyncio.Runner
    kept: Kept

    @property
    def mine(self) -> Role:
        return "user" if self.other.role == "supporter" else "supporter"

    def run(self) -> bool:
        """Talk to the end; whether it ended with words that no answer could be had to."""
        self.caller.admit(self.dialogue.id)
        typer.echo(HELP, err=True)
        self._show(self.dialogue.turns[0])
        waiting = False
        with contextlib.suppress(KeyboardInterrupt, EOFError):
            waiting = self.other.role == "user" and not self._answer()
            while self.dialogue.stop_reason is None:
                waiting = self._take(self._read(waiting), waiting)
        if self.dialogue.stop_reason is None:
            self.dialogue.stop_reason = f"{self.mine}_left"
        self.kept.save(self.dialogue)
        return waiting

    def _take(self, line: str, waiting: bool) -> bool:
        """Act on a line; whether an answer is still being waited for."""
        if line in ("/quit", "/exit"):
            self.dialogue.stop_reason = f"{self.mine}_left"
        elif line == "/state":
            typer.echo(printable(self.other.state(self.dialogue.profile)))
        elif line.startswith("/"):
            typer.echo(HELP, err=True)
        elif waiting:
            if line:
                typer.echo("not said: your words before it still wait for an answer, which is tried again", err=True)
            return not self._answer()
        elif line:
            self._say(line)
            return not self._answer()
        return waiting

    def _read(self, waiting: bool) -> str:
        line = input(f"{_label(self.mine)}: " if sys.stdin.isatty() and not waiting else "")
        # A terminal in another encoding gives half characters, which no JSON file can hold.
        return line.encode("utf-8", "replace").decode().strip()

    def _say(self, line: str) -> None:
        turn = Turn(role=self.mine, content=line)
        self._add(turn)
        if not sys.stdin.isatty():
            self._show(turn)

    def _answer(self) -> bool:
        """Have the other side answer; False when its model gave none."""
        turns = [turn.model_dump(mode="json") for turn in self.dialogue.turns]
        scene = Scene(self.dialogue.id, self.dialogue.profile, turns)
        try:
            said = self.runner.run(self.other.answer(self.caller, scene))
        except CallFailedError as error:
            typer.echo(f"cocoon: no answer: {error}; press Enter to try again, or /quit", err=True)
            return False
        turn = Turn(
            role=self.other.role,
            content=said.content,
            thought=said.thought,
            state=said.state,
            calls=[one.key for one in said.replies],
        )
        self._add(turn)
        self._show(turn)
        if said.leaves:
            typer.echo("the user has ended the talk", err=True)
            self.dialogue.stop_reason = "user_left"
        return True

    def _add(self, turn: Turn) -> None:
        self.dialogue.turns.append(turn)
        self.kept.save(self.dialogue)

    def _show(self, turn: Turn) -> None:
        typer.echo(printable(f"{_label(turn.role)}: {turn.content}"))


def _label(role: Role) -> str:
    return role.capitalize()
