"""Conversations of real graphs with scripted models, for the tests of graphs and drawings."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from cocoon.agents.protocols import SimulatedUser
from cocoon.agents.supporters.supporter import PromptedSupporter
from cocoon.agents.users.appraiser import Appraiser, ModelAppraiser, RuleAppraiser
from cocoon.agents.users.guarded import GuardedUser
from cocoon.agents.users.prompted import PromptedUser
from cocoon.agents.users.trust import TrustGate
from cocoon.core.jsonl import read_records
from cocoon.core.records import Language, Profile, Turn
from cocoon.graphs.context import ConversationContext
from cocoon.graphs.conversation import conversation_of, recursion_limit
from cocoon.models.by_name import Models
from cocoon.models.calls import Caller
from cocoon.models.journal.store import Journal
from cocoon.models.scripted import ScriptedChat

ROOT = Path(__file__).resolve().parent.parent
PLAIN = json.dumps({"accuracy": "none", "pressure": 0, "touched": None, "asked": False})
PRESSED = json.dumps({"accuracy": "none", "pressure": 2, "touched": None, "asked": True})


def shipped_profiles() -> list[Profile]:
    """The profiles of examples/profiles, both languages."""
    folder = ROOT / "examples" / "profiles"
    return [one for language in get_args(Language) for one in read_records(folder / f"{language}.jsonl", Profile)]


def named(*touched: int | None) -> list[str]:
    """Appraiser's replies that tell of accurate naming, in this order, then of plain reflection."""
    found = [{"accuracy": "accurate", "pressure": 0, "touched": node, "asked": False} for node in touched]
    return [*map(json.dumps, found), PLAIN]


@dataclass
class Scripted:
    """Scripted models and settings of one conversation; `appraisals` none is the rule."""

    folder: Path
    profile: Profile
    user: Sequence[str] = ("Hm.",)
    supporter: Sequence[str] = ("I am listening.",)
    appraisals: Sequence[str] | None = None
    gate: TrustGate = field(default_factory=lambda: TrustGate(rules="naming"))
    rounds: int = 3

    def __post_init__(self) -> None:
        self.chats = {
            "user": ScriptedChat(replies=list(self.user)),
            "supporter": ScriptedChat(replies=list(self.supporter)),
            "appraiser": ScriptedChat(replies=list(self.appraisals or ())),
        }
        models = Models()
        self.models = {name: models.wrap(f"scripted-{name}", chat) for name, chat in self.chats.items()}

    def guarded(self) -> GuardedUser:
        """The guarded user of this cast."""
        rule: Appraiser = RuleAppraiser()
        appraiser = (
            rule if self.appraisals is None else ModelAppraiser(self.models["appraiser"], moves=self.gate.sees_moves)
        )
        return GuardedUser(self.models["user"], appraiser, self.gate)

    def prompted(self, *, may_leave: bool = False) -> PromptedUser:
        """The prompted user of this cast."""
        return PromptedUser(self.models["user"], may_leave=may_leave)

    async def updates(self, user: SimulatedUser) -> list[tuple[str, dict[str, Any], int]]:
        """Every node that ran: its name, its update, and how many calls had been made by then."""
        journal = Journal(self.folder / "journal.sqlite")
        caller = Caller(journal)
        caller.admit("d")
        context = ConversationContext(caller, PromptedSupporter("s", self.models["supporter"]), user, self.rounds)
        graph = conversation_of(user)
        given = {"dialogue": "d", "profile": self.profile.model_dump(mode="json"), "turns": []}
        found: list[tuple[str, dict[str, Any], int]] = []
        try:
            config: Any = {"recursion_limit": recursion_limit(self.rounds)}
            async for update in graph.astream(given, config, context=context, stream_mode="updates"):
                made = sum(len(chat.seen) for chat in self.chats.values())
                found += [(node, value or {}, made) for node, value in update.items()]
        finally:
            journal.close()
        return found

    async def run(self, user: SimulatedUser | None = None) -> tuple[list[Turn], str | None]:
        """The turns and the stop reason of the whole conversation (with the guarded user, where none is given)."""
        updates = await self.updates(user or self.guarded())
        turns = [Turn.model_validate(turn) for _, update, _ in updates for turn in update.get("turns", [])]
        return turns, updates[-1][1].get("stop_reason")

    def prompts(self, name: str) -> list[str]:
        """All text that a model was sent, one string a call."""
        return ["\n".join(str(message.content) for message in call) for call in self.chats[name].seen]
