"""The turn with which a branch of a move begins: the content of the real reply, written anew once in a run."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from cocoon.agents.protocols import Utterance, supporter_view
from cocoon.agents.writers.moves import Mover
from cocoon.core.errors import CallFailedError
from cocoon.core.records import Turn
from cocoon.graphs.conversation import spoken_turn
from cocoon.graphs.forks import Fork
from cocoon.graphs.run_or_replay import speak
from cocoon.models.calls import Caller
from cocoon.models.client import JournaledClient
from cocoon.models.journal.reader import opened_journal
from cocoon.models.journal.store import Entry, Place

PREFIX = "move."
"""Begins the dialogue id under which the calls of a rewriting are journalled. The name of the fork follows."""


class MoveTurns:
    """The first turns of branches. All futures of a fork begin with one turn, which is written by the first of them.

    A turn took no call of the branch, since its calls are journalled under the fork.
    """

    def __init__(self, caller: Caller, movers: Iterable[Mover]) -> None:
        self._caller = caller
        self._movers: Mapping[str | None, Mover] = {mover.name: mover for mover in movers}
        self._written: dict[str, Turn | CallFailedError] = {}
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def begin(self, fork: Fork) -> list[Turn]:
        """Return the turns before a branch goes on: those of its parent, and the one of its move.

        Raises CallFailedError where the move, or another that it needs, could not be written.
        """
        if fork.move is None:
            return fork.prefix()
        turns = [await self._turn(replace(fork, move=move)) for move in (fork.move, *fork.needs)]
        return [*fork.prefix(), turns[0]]

    async def _turn(self, fork: Fork) -> Turn:
        async with self._locks[fork.name]:
            if fork.name not in self._written:
                try:
                    self._written[fork.name] = await self._write(fork)
                except CallFailedError as error:
                    self._written[fork.name] = error
        turn = self._written[fork.name]
        if isinstance(turn, CallFailedError):
            raise turn
        return turn

    async def _write(self, fork: Fork) -> Turn:
        mover, dialogue = self._movers[fork.move], f"{PREFIX}{fork.name}"
        view = supporter_view(fork.parent.profile, fork.prefix())
        self._caller.admit(dialogue)
        try:
            client = JournaledClient(self._caller, Place(dialogue, "move", fork.round))
            words = fork.words
            utterance = await speak(
                self._caller,
                client,
                mover.facts(),
                lambda: [view.last, words],
                Utterance,
                lambda: mover.write(client, view, words),
            )
        finally:
            self._caller.dismiss(dialogue)
        return spoken_turn("supporter", utterance, [])


def move_calls(runs: Iterable[Path], forks: Iterable[Fork]) -> Iterator[Entry]:
    """Yield what other runs have paid for to write the moves of the same forks."""
    names = [f"{PREFIX}{fork.name}" for fork in forks if fork.move]
    for run in runs:
        with opened_journal(run / "journal.sqlite") as journal:
            if journal is not None:
                yield from (call.entry for name in names for call in journal.calls(name))
