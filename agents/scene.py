"""What every speaking agent is given and gives back, and how a dialogue looks from each side."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from cocoon.core.calls import Caller, Message, Reply
from cocoon.core.records import Language, Profile, Role, Thought, UserState
from cocoon.core.thoughts import with_thought

TurnData = dict[str, Any]
_LABELS: dict[Language, dict[Role, str]] = {
    "zh": {"user": "用户：", "supporter": "支持者："},
    "en": {"user": "User: ", "supporter": "Supporter: "},
}


@dataclass(frozen=True)
class Scene:
    """One moment of a dialogue: whose, with whom, and the turns so far (`Turn` records as plain JSON)."""

    dialogue: str
    profile: Profile
    turns: Sequence[TurnData]

    @property
    def language(self) -> Language:
        return self.profile.language

    @property
    def last(self) -> str:
        """The words spoken last; empty before the first."""
        return self.turns[-1]["content"] if self.turns else ""

    def spoken_by(self, role: Role) -> int:
        """How many turns `role` has had."""
        return sum(turn["role"] == role for turn in self.turns)


@dataclass
class Said:
    """What an agent said, with the replies it took. `leaves`: the user ends the conversation with these words.

    `thought` is what a supporter wrote before its words; only itself sees it again.
    """

    content: str
    replies: list[Reply] = field(default_factory=list)
    state: UserState | None = None
    leaves: bool = False
    thought: Thought | None = None


class Speaker(Protocol):
    """The one protocol of every agent that speaks: a scene in, words out."""

    async def speak(self, caller: Caller, scene: Scene) -> Said:
        """The agent's next words; raises CallFailedError when its model gives none."""
        ...


def seen_by(role: Role, turns: Sequence[TurnData], system: str) -> list[Message]:
    """The dialogue as chat messages for the model that plays `role`: its own turns are the assistant's.

    A supporter's own turns keep their thoughts, as it was trained on them; nobody else sees them.
    """
    messages = [{"role": "system", "content": system}]
    messages += [
        {"role": "assistant", "content": _own(turn)}
        if turn["role"] == role
        else {"role": "user", "content": turn["content"]}
        for turn in turns
    ]
    return messages


def _own(turn: TurnData) -> str:
    thought = turn.get("thought")
    if turn["role"] != "supporter" or not thought:
        return turn["content"]
    return with_thought(turn["content"], Thought.model_validate(thought))


def transcript(turns: Sequence[TurnData], language: Language, *, numbered: bool = False) -> str:
    """The dialogue as text, a turn a line, with role labels and, where `numbered`, `[0] ` before each.

    Line breaks inside a turn become spaces, so that no turn can pass itself off as two.
    """
    labels = _LABELS[language]
    lines = []
    for number, turn in enumerate(turns):
        mark = f"[{number}] " if numbered else ""
        lines.append(f"{mark}{labels[turn['role']]}{' '.join(turn['content'].split())}")
    return "\n".join(lines)
