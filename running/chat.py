"""A talk between a person and one agent: who the agent is, what is said, and how the talk is kept.

The person plays the supporter or the user. `cocoon chat` is such a talk in the terminal.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import orjson

from cocoon.agents.protocols import (
    Memory,
    SimulatedUser,
    Supporter,
    described,
    supporter_view,
    user_view,
)
from cocoon.agents.supporters.supporter import first_words
from cocoon.core.config import Resolved, StudyConfig, refuse_gate_of_prompted
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import dump_line, parse_record, read_objects, read_records, write_whole
from cocoon.core.outside.profile_files import SHIPPED, profile_path
from cocoon.core.records import AgentFacts, Dialogue, Language, Profile, Role, Turn
from cocoon.core.verb_settings import Given
from cocoon.graphs.conversation import spoken_turn
from cocoon.graphs.dialogue import PERSON, build_dialogue
from cocoon.graphs.live_chat import PersonSupporter
from cocoon.models.calls import Caller
from cocoon.models.client import JournaledClient
from cocoon.models.journal.store import Place
from cocoon.running.folder import RunFolder
from cocoon.running.frame import forbid_cloud_tracing
from cocoon.running.local_parts import local_parts
from cocoon.running.reading.former import with_rules_of
from cocoon.running.study import Study, open_models


class ChatPartner(Protocol):
    """The agent that a person talks with."""

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
        """Return the agent's next turn, and whether it leaves. Raises CallFailedError when its model gives no reply."""
        ...

    def state(self, profile: Profile) -> str:
        """Return what a person may see of its inner state."""
        ...


@dataclass
class UserPartner:
    """The simulated user, when the person plays the supporter. `folder` holds the user's own prompts."""

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
        opening = PersonSupporter(self.folder).open(supporter_view(profile, []))
        return Turn(role="supporter", content=opening)

    async def answer(self, caller: Caller, dialogue: Dialogue) -> tuple[Turn, bool]:
        view = user_view(dialogue.profile, dialogue.turns)
        client = JournaledClient(caller, Place(dialogue.id, "user", view.round))
        utterance, memory = await self.agent.respond(client, view, self.memory)
        self.memory = memory
        return spoken_turn("user", utterance, [reply.key for reply in client.replies], memory), utterance.leaves

    def state(self, profile: Profile) -> str:
        return described(self.agent, self.memory, profile)


@dataclass
class SupporterPartner:
    """The supporter, when the person plays the user."""

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


class ChatKeeper:
    """Keeps a talk in a run folder: beside the dialogues after every turn, and among them at the end."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._unfinished: Path = folder.path / ".chat.json"
        if self._unfinished.exists():
            # Another chat was killed. What was said in it is kept.
            dialogue = parse_record(orjson.loads(self._unfinished.read_bytes()), Dialogue, str(self._unfinished))
            if dialogue.id in self._ids():
                self._unfinished.unlink()
            else:
                self.close(dialogue)

    def new_dialogue(self, profile: Profile, partner: ChatPartner) -> Dialogue:
        """Return a dialogue that has only the opening, under an id that is not yet in the run."""
        name = self._free_id(f"chat.{profile.id}.{partner.supporter.name}")
        opening = partner.open(profile)
        return build_dialogue(name, profile, partner.supporter, partner.user, [opening], None, how="chat")

    def _free_id(self, stem: str) -> str:
        taken, number = self._ids(), 0
        # A chat that was killed before its first turn may have left calls in the journal.
        while f"{stem}.{number}" in taken or self._folder.journal.load(f"{stem}.{number}"):
            number += 1
        return f"{stem}.{number}"

    def _ids(self) -> set[str]:
        return {line["id"] for _, line in read_objects(self._folder.path / "dialogues.jsonl", "id")}

    def save(self, dialogue: Dialogue) -> None:
        """Write what has been said so far."""
        write_whole(self._unfinished, [dump_line(dialogue)])

    def close(self, dialogue: Dialogue) -> bool:
        """Put the dialogue among those of the run if the person said anything, and return whether they did."""
        both_spoke = len({turn.role for turn in dialogue.turns}) > 1
        if both_spoke:
            self._folder.add_dialogue(dialogue)
        self._unfinished.unlink(missing_ok=True)
        return both_spoke


@dataclass
class PersonChat:
    """A talk of a person with an agent. Every turn is on disk before the next one."""

    caller: Caller
    partner: ChatPartner
    keeper: ChatKeeper
    profile: Profile
    dialogue: Dialogue = field(init=False)

    def __post_init__(self) -> None:
        self.dialogue = self.keeper.new_dialogue(self.profile, self.partner)
        self.caller.admit(self.dialogue.id)

    @property
    def role(self) -> Role:
        """The role that the person plays."""
        return "user" if self.partner.role == "supporter" else "supporter"

    @property
    def over(self) -> bool:
        """Whether one of the two has left."""
        return self.dialogue.stop_reason is not None

    def say(self, text: str) -> Turn:
        """Add the person's words, and return them as a turn."""
        turn = Turn(role=self.role, content=text)
        self._add(turn)
        return turn

    async def answer(self) -> Turn:
        """Have the agent answer, and return its turn. Raises CallFailedError when its model gives no reply."""
        turn, leaves = await self.partner.answer(self.caller, self.dialogue)
        self._add(turn)
        if leaves:
            self.dialogue.stop_reason = "user_left"
        return turn

    def _add(self, turn: Turn) -> None:
        self.dialogue.turns.append(turn)
        self.keeper.save(self.dialogue)

    def leave(self) -> None:
        """End the talk on the person's side, unless it is over."""
        if not self.over:
            self.dialogue.stop_reason = f"{self.role}_left"
        self.keeper.save(self.dialogue)

    def state(self) -> str:
        """Return what the person may see of the agent's inner state."""
        return self.partner.state(self.dialogue.profile)

    def close(self) -> bool:
        """Put the talk among the dialogues of the run, and return whether the person said anything."""
        return self.keeper.close(self.dialogue)


def chat_profile(name: str | None, role: Role, language: Language) -> Profile:
    """Return the profile of a talk in which a person plays `role`.

    `name` is FILE or FILE#ID, and FILE alone is its first profile. Without a name it is the first shipped profile of
    the language, or a person of whom nothing is known where the person plays the user. Raises CocoonError if the file
    does not have the profile.
    """
    if name is None and role == "user":
        return Profile(id="person", language=language, feeling="(not stated: a person at the terminal)", source="chat")
    file, _, profile_id = (name or f"{SHIPPED}:{language}").partition("#")
    for path in profile_path(file):
        for profile in read_records(path, Profile):
            if profile_id in ("", profile.id):
                return profile
    raise CocoonError(f"{file}: no profile {profile_id!r} in it; see `cocoon profiles show {file}`")


def open_partner(study: Study, role: Role) -> ChatPartner:
    """Return the agent that a person in this role talks with. Its model is loaded."""
    if role == "supporter":
        return UserPartner(study.user(), study.folder)
    return SupporterPartner(study.supporters()[0])


@contextmanager
def open_person_chat(study: Study, partner: ChatPartner, profile: Profile, out: Path | None) -> Iterator[PersonChat]:
    """Yield a new talk in the run folder `out`, or in a temporary folder that is deleted at the end."""
    with tempfile.TemporaryDirectory(prefix="cocoon-chat-") as temporary:
        folder = RunFolder(out or Path(temporary))
        try:
            caller = Caller(folder.journal, seed=study.config.seed, models=study.models)
            yield PersonChat(caller, partner, ChatKeeper(folder), profile)
        finally:
            folder.trace.close()
            folder.close()


@dataclass(frozen=True)
class PreparedChat:
    """A talk in which a person plays `role`. No model is opened yet."""

    study: Study
    role: Role
    profile: Profile

    def open_partner(self) -> ChatPartner:
        """Return the other side, with its model opened."""
        return open_partner(self.study, self.role)


def prepare_chat(
    given: Given[StudyConfig],
    role: Role,
    profile: str | None = None,
    language: Language | None = None,
    *,
    allow_cloud_tracing: bool = False,
) -> PreparedChat:
    """Return a talk that is ready to start. `profile` is `FILE#ID`, and without one `language` is that of the talk.

    Raises CocoonError for settings of the side that the person plays.
    """
    if not allow_cloud_tracing:
        forbid_cloud_tracing()
    resolved = with_rules_of(given.resolve())
    _refuse_idle(resolved, role)
    if profile is not None and language is not None:
        raise CocoonError(f"--language {language}: the language is that of profile {profile!r}. Leave one of them out.")
    user_profile = chat_profile(profile, role, language or "en")
    config = resolved.config
    return PreparedChat(
        Study(config, open_models(config, local_parts(), live=True), languages=(user_profile.language,)),
        role,
        user_profile,
    )


def _refuse_idle(resolved: Resolved[StudyConfig], play: Role) -> None:
    """Raise CocoonError for settings of the side that a person plays, and of an agent that lacks them."""
    side = {"supporter": "supporters", "user": "user"}[play]
    resolved.refuse([side], f"you play the {play} yourself. Leave it out, or take the other side with --as.")
    refuse_gate_of_prompted(resolved)
    if len(resolved.config.supporters) > 1 and play == "user":
        resolved.refuse(["supporters"], "a chat has one supporter. Name one.")
