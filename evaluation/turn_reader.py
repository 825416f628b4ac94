"""Reads the turns of conversations for flags while they go on, so that no call waits for it at their end."""

import asyncio

from cocoon.core.outside.event_loop import IdleMoments
from cocoon.core.records import Dialogue, Language
from cocoon.evaluation.fidelity.flags.inversion import inverts_roles
from cocoon.evaluation.fidelity.flags.records import UserFlag
from cocoon.evaluation.fidelity.flags.thoughts import leaks_thoughts
from cocoon.evaluation.fidelity.flags.turns import flags_at
from cocoon.evaluation.safety.records import CrisisFlag
from cocoon.evaluation.safety.turns import crisis_by_turn, risk_of_turn

_PLAIN: dict[Language, str] = {"en": "I was at home.", "zh": "我在家。"}
"""Words for which what every turn is read by is loaded."""


class TurnReader:
    """Reads turns in the idle moments of an event loop, and at the end of a conversation what is still unread.

    Reading a turn takes half as long as a call. Conversations go in step and end together: all turns read then would
    keep the judges' calls waiting.
    """

    def __init__(self) -> None:
        self._idle = IdleMoments()
        self._known: set[Language] = set()
        self._flags: dict[str, dict[int, list[UserFlag] | None]] = {}

    @property
    def unread(self) -> int:
        """Return how many turns wait to be read, and languages to be loaded."""
        return len(self._idle)

    def begin(self, dialogue: Dialogue) -> None:
        """Take a dialogue, which grows while it is read."""
        self._flags[dialogue.id] = {}
        language = dialogue.language
        if language not in self._known:
            self._known.add(language)
            self._idle.put(language, lambda: _load(language))

    def put(self, dialogue: Dialogue, index: int) -> None:
        """Have a turn of the user read soon. A turn of the supporter is read at the end."""
        if dialogue.turns[index].role == "user":
            flags = self._flags[dialogue.id]
            flags[index] = None
            self._idle.put((dialogue.id, index), lambda: _read(dialogue, index, flags))

    async def end(self, dialogue: Dialogue) -> dict[int, list[UserFlag | CrisisFlag]]:
        """Return the flags of the turns that have some, by their index, and forget the dialogue."""
        by_turn: dict[int, list[UserFlag | CrisisFlag]] = {}
        of_users = self.forget(dialogue)
        for index, flags in of_users.items():
            if flags is None:
                # Conversations that end together would keep the loop from every reply for long.
                await asyncio.sleep(0)
            by_turn[index] = [*_read(dialogue, index, of_users)]
        for index, flag in crisis_by_turn(dialogue).items():
            by_turn.setdefault(index, []).append(flag)
        return {index: flags for index, flags in by_turn.items() if flags}

    def forget(self, dialogue: Dialogue) -> dict[int, list[UserFlag] | None]:
        """Read no more of a dialogue. Returns what was found, None for turns that are unread."""
        of_users = self._flags.pop(dialogue.id, {})
        for index in of_users:
            self._idle.drop((dialogue.id, index))
        return of_users


def _read(dialogue: Dialogue, index: int, flags: dict[int, list[UserFlag] | None]) -> list[UserFlag]:
    of_turn = flags[index]
    if of_turn is None:
        risk_of_turn(dialogue.turns[index].content, dialogue.language)
        flags[index] = of_turn = flags_at(dialogue, index)
    return of_turn


def _load(language: Language) -> None:
    plain = _PLAIN[language]
    risk_of_turn(plain, language)
    inverts_roles(plain, language)
    leaks_thoughts(plain)
