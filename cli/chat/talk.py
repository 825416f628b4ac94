"""A talk between a person at the terminal and one agent, and how it is kept."""

import asyncio
import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import orjson
import typer

from cocoon.agents.protocols import (
    Memory,
    SimulatedUser,
    Supporter,
    described,
    supporter_view,
    user_view,
)
from cocoon.agents.supporters.supporter import first_words, plain_opening
from cocoon.cli.terminal.terminal_text import printable
from cocoon.core.errors import CallFailedError
from cocoon.core.jsonl import dump_line, parse_record, read_lines, write_whole
from cocoon.core.records import AgentFacts, Dialogue, Profile, Role, Turn
from cocoon.graphs.conversation import spoken_turn
from cocoon.graphs.dialogue import PERSON, build_dialogue
from cocoon.models.calls import Caller
from cocoon.models.client import JournaledClient
from cocoon.models.journal.store import Place
from cocoon.running.folder import RunFolder

HELP = "/quit ends the talk, /state shows the simulated user's state, /help shows this; anything else is said"


class Other(Protocol):
    """The agent across the table."""

    @property
    def role(self) -> Role: ...

    @property
    def supporter(self) -> AgentFacts: ...

    @property
    def user(self) -> AgentFacts: ...

    def open(self, profile: Profile) -> Turn:
        """Return the supporter's first words."""
        ...

    async def answer(self, caller: Caller, dialogue: Dialogue) -> tuple[Turn, bool]:
        """Return its next turn, and whether it leaves. Raises CallFailedError when its model gives none."""
        ...

    def state(self, profile: Profile) -> str:
        """Return what may be told of its inner state."""
        ...


@dataclass
class OtherUser:
    """The simulated user, talked to by a person who plays the supporter."""

    agent: SimulatedUser
    folder: Path | None = None
    memory: Memory = None
    role: Role = "user"

    @property
    def supporter(self) -> AgentFacts:
        return PERSON

    @property
    def user(self) -> AgentFacts:
        return self.agent.facts()

    def open(self, profile: Profile) -> Turn:
        self.memory = self.agent.first_memory(profile)
        return Turn(role="supporter", content=plain_opening(supporter_view(profile, []), self.folder))

    async def answer(self, caller: Caller, dialogue: Dialogue) -> tuple[Turn, bool]:
        view = user_view(dialogue.profile, dialogue.turns)
        client = JournaledClient(caller, Place(dialogue.id, "user", view.round))
        utterance, memory = await self.agent.respond(client, view, self.memory)
        self.memory = memory
        return spoken_turn("user", utterance, [reply.key for reply in client.replies], memory), utterance.leaves

    def state(self, profile: Profile) -> str:
        return described(self.agent, self.memory, profile)


@dataclass
class OtherSupporter:
    """The supporter, talked to by a person who plays the user."""

    agent: Supporter
    role: Role = "supporter"

    @property
    def user(self) -> AgentFacts:
        return PERSON

    @property
    def supporter(self) -> AgentFacts:
        return self.agent.facts()

    def open(self, profile: Profile) -> Turn:
        return Turn(role="supporter", content=first_words(self.agent, supporter_view(profile, [])))

    async def answer(self, caller: Caller, dialogue: Dialogue) -> tuple[Turn, bool]:
        view = supporter_view(dialogue.profile, dialogue.turns)
        client = JournaledClient(caller, Place(dialogue.id, "supporter", view.round))
        utterance = await self.agent.speak(client, view)
        return spoken_turn("supporter", utterance, [reply.key for reply in client.replies]), False

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

    def fresh(self, profile: Profile, other: Other) -> Dialogue:
        """Return a dialogue that holds the opening alone, under an id that the run has not yet."""
        name = self._free_id(f"chat.{profile.id}.{other.supporter.name}")
        return build_dialogue(name, profile, other.supporter, other.user, [other.open(profile)], None, how="chat")

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
        try:
            turn, leaves = self.runner.run(self.other.answer(self.caller, self.dialogue))
        except CallFailedError as error:
            typer.echo(f"cocoon: no answer: {error}; press Enter to try again, or /quit", err=True)
            return False
        self._add(turn)
        self._show(turn)
        if leaves:
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
