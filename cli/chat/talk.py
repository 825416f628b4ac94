"""A talk in the terminal: lines are read, turns are printed."""

import asyncio
import contextlib
import sys
from dataclasses import dataclass

import typer

from cocoon.cli.terminal.terminal_text import printable
from cocoon.core.errors import CallFailedError, EndpointDownError
from cocoon.core.records import Role, Turn
from cocoon.running.chat import PersonChat

HELP = "/quit ends the talk, /state shows the simulated user's state, /help shows this; anything else is said"


@dataclass
class TerminalTalk:
    """Reads what the person says line by line. /quit, Ctrl-C and the end of the input end the talk."""

    chat: PersonChat
    runner: asyncio.Runner

    def run(self) -> bool:
        """Talk to the end, and return whether the person's last words got no answer."""
        typer.echo(HELP, err=True)
        self._show(self.chat.dialogue.turns[0])
        waiting = False
        with contextlib.suppress(KeyboardInterrupt, EOFError):
            waiting = self.chat.role == "supporter" and not self._answer()
            while not self.chat.over:
                waiting = self._act_on(self._read(waiting), waiting)
        self.chat.leave()
        return waiting

    def _act_on(self, line: str, waiting: bool) -> bool:
        """Act on a line, and return whether words still wait for an answer."""
        if line in ("/quit", "/exit"):
            self.chat.leave()
        elif line == "/state":
            typer.echo(printable(self.chat.state()))
        elif line.startswith("/"):
            typer.echo(HELP, err=True)
        elif waiting:
            if line:
                typer.echo("not said: your words before it still wait for an answer, which is tried again", err=True)
            return not self._answer()
        elif line:
            turn = self.chat.say(line)
            if not sys.stdin.isatty():
                self._show(turn)
            return not self._answer()
        return waiting

    def _read(self, waiting: bool) -> str:
        line = input(f"{_label(self.chat.role)}: " if sys.stdin.isatty() and not waiting else "")
        # A terminal in another encoding gives half characters, which no JSON file can hold.
        return line.encode("utf-8", "replace").decode().strip()

    def _answer(self) -> bool:
        """Print the agent's answer, and return False when its model gave no reply."""
        try:
            turn = self.runner.run(self.chat.answer())
        except (CallFailedError, EndpointDownError) as error:
            typer.echo(f"cocoon: no answer: {error}; press Enter to try again, or /quit", err=True)
            return False
        self._show(turn)
        if self.chat.over:
            typer.echo("the user has ended the talk", err=True)
        return True

    def _show(self, turn: Turn) -> None:
        typer.echo(printable(f"{_label(turn.role)}: {turn.content}"))


def _label(role: Role) -> str:
    return role.capitalize()
