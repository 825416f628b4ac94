"""The three roles of a conversation, and what each of them may see.

Everything that plays a role follows the same protocol, whether we wrote it or you did. `cocoon.agents.adapters` makes
a role of a function, a chat model or a LangGraph graph.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, JsonValue

from cocoon.core.answers import Missing
from cocoon.core.records import AgentFacts, Dialogue, Language, OwnCall, Profile, Rating, Role, Thought, Turn, UserState
from cocoon.core.strategy_tags import with_thought
from cocoon.models.calls import Message
from cocoon.models.client import JournaledClient
from cocoon.models.reply import ModelReply

Memory = dict[str, Any] | None
"""What a simulated user carries from turn to turn: its own record as plain JSON, opaque to everybody else."""

_LABELS: dict[Language, dict[Role, str]] = {
    "zh": {"user": "用户：", "supporter": "支持者："},
    "en": {"user": "User: ", "supporter": "Supporter: "},
}


class Utterance(BaseModel):
    """What an agent said. `thought` is what it thought before its words. Only a supporter sees its own again.

    `leaves`: the user ends the conversation with these words. `state` is what a user publishes of its disclosure for
    reports. `own_calls` are model calls that the agent made by itself, so that they are counted. `finish` and `foreign`
    are those of the turn.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    content: str
    thought: Thought | None = None
    leaves: bool = False
    state: UserState | None = None
    own_calls: list[OwnCall] = []
    finish: str | None = None
    foreign: int | None = None


def utterance_of(reply: ModelReply, content: str, thought: Thought | None = None) -> Utterance:
    """Return words that were taken from a model's reply, with the thought behind them and what was wrong with it.

    `thought` is what stood in the words themselves, in the tags of a supporter that was trained on them.
    """
    if reply.thought:
        thought = (thought or Thought()).model_copy(update={"reasoning": reply.thought})
    finish = reply.finish if reply.finish in ("length", "filtered") else None
    return Utterance(content=content, thought=thought, finish=finish, foreign=len(reply.foreign) or None)


@dataclass(frozen=True)
class SpokenTurn:
    """One turn as a role sees it. `thought` is there on the role's own turns alone."""

    role: Role
    content: str
    thought: Thought | None = None


@dataclass(frozen=True)
class ConversationView:
    """One moment of a conversation as every role may see it."""

    language: Language
    turns: Sequence[SpokenTurn]

    @property
    def last(self) -> str:
        """The words spoken last, empty before the first."""
        return self.turns[-1].content if self.turns else ""

    def spoken_by(self, role: Role) -> int:
        """Return how many turns `role` has had."""
        return sum(turn.role == role for turn in self.turns)

    def messages(self, role: Role, system: str = "") -> list[Message]:
        """Return the conversation as chat messages for a model that plays `role`, whose turns are the assistant's.

        A turn that carries a thought is shown with it, in the tags that the supporter was trained on.
        """
        head = [{"role": "system", "content": system}] if system else []
        return head + [
            {"role": "assistant", "content": with_thought(turn.content, turn.thought)}
            if turn.role == role
            else {"role": "user", "content": turn.content}
            for turn in self.turns
        ]


@dataclass(frozen=True)
class SupporterView(ConversationView):
    """What a supporter may see: the words, and the emotion that shows on the user's face. Nothing of the profile."""

    emotion: str

    @property
    def round(self) -> int:
        """Which reply of the supporter comes next, counted from 0 for the opening."""
        return self.spoken_by("supporter")

    def chat(self, system: str = "") -> list[Message]:
        """Return the conversation as chat messages in which the supporter is the assistant."""
        return self.messages("supporter", system)


@dataclass(frozen=True)
class UserView(ConversationView):
    """What a simulated user may see: the words, and who it is. Nothing of the supporter's thoughts."""

    profile: Profile

    @property
    def round(self) -> int:
        """Which answer of the user comes next, counted from 0."""
        return self.spoken_by("user")

    def chat(self, system: str = "") -> list[Message]:
        """Return the conversation as chat messages in which the user is the assistant."""
        return self.messages("user", system)


def supporter_view(profile: Profile, turns: Sequence[Turn | SpokenTurn]) -> SupporterView:
    """Return what the supporter of a conversation may see."""
    return SupporterView(profile.language, _seen_by("supporter", turns), profile.emotion)


def user_view(profile: Profile, turns: Sequence[Turn | SpokenTurn]) -> UserView:
    """Return what the simulated user of a conversation may see."""
    return UserView(profile.language, _seen_by("user", turns), profile)


def _seen_by(role: Role, turns: Sequence[Turn | SpokenTurn]) -> tuple[SpokenTurn, ...]:
    return tuple(
        SpokenTurn(turn.role, turn.content, turn.thought if turn.role == role == "supporter" else None)
        for turn in turns
    )


def transcript(turns: Sequence[Turn | SpokenTurn], language: Language, *, numbered: bool = False) -> str:
    """Return a dialogue as text, a turn a line, with role labels and, where `numbered`, `[0] ` before each.

    Line breaks inside a turn become spaces, so that no turn can pass itself off as two.
    """
    labels = _LABELS[language]
    lines = []
    for number, turn in enumerate(turns):
        mark = f"[{number}] " if numbered else ""
        lines.append(f"{mark}{labels[turn.role]}{' '.join(turn.content.split())}")
    return "\n".join(lines)


class Supporter(Protocol):
    """Supports the user. A class of your own needs `name`, `speak` and `facts`.

    It may also have `open(view) -> str`, its first words. Without one it opens with the plain observation of the
    emotion, as the paper's supporters do.
    """

    @property
    def name(self) -> str:
        """The name in every table."""
        ...

    async def speak(self, client: JournaledClient, view: SupporterView) -> Utterance:
        """Return the next reply to the user. Raises CallFailedError when its model gives none."""
        ...

    def facts(self) -> AgentFacts:
        """Return what manifest, configuration and report say of this agent."""
        ...


class SimulatedUser(Protocol):
    """Plays the user. It may also publish the steps of its answer (`steps`) and put its memory into words (`describe`).

    A user that publishes steps is drawn, walked and traced by them: see `Step`.
    """

    def first_memory(self, profile: Profile) -> Memory:
        """Return the memory before the first word."""
        ...

    async def respond(self, client: JournaledClient, view: UserView, memory: Memory) -> tuple[Utterance, Memory]:
        """Return the next answer and the memory of the next turn. Raises CallFailedError when its model gives none."""
        ...

    def facts(self) -> AgentFacts:
        """Return what manifest, configuration and report say of this agent."""
        ...


class Judge(Protocol):
    """Rates whole dialogues on one scale. `name` is the scale's id, and every rating carries it.

    It may also have `is_current(rating) -> bool`: whether a rating was made by the judge as it is now.
    """

    @property
    def name(self) -> str:
        """The id of the scale."""
        ...

    async def rate(self, client: JournaledClient, dialogue: Dialogue) -> Rating | Missing:
        """Return the rating. Raises CallFailedError when its model gives no reply at all."""
        ...

    def facts(self) -> AgentFacts:
        """Return what manifest, configuration and report say of this judge."""
        ...


class TurnDraft(BaseModel):
    """A user's answer while the steps of it are walked. The last step sets `utterance`.

    `memory` is the memory of the turn before, until a step replaces it. `notes` are what one step leaves for the next.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    memory: dict[str, JsonValue] | None = None
    notes: dict[str, JsonValue] = {}
    utterance: Utterance | None = None

    @property
    def own_calls(self) -> list[OwnCall]:
        """Model calls that the agent made by itself, as its utterance reports them."""
        return self.utterance.own_calls if self.utterance else []


@dataclass(frozen=True)
class Step:
    """One published step of a user's answer, which becomes a node of the conversation graph. `about` is drawn on it."""

    name: str
    about: str
    run: Callable[[JournaledClient, UserView, TurnDraft], Awaitable[TurnDraft]]


@runtime_checkable
class PublishesSteps(Protocol):
    """A user whose answer is made in steps."""

    def steps(self) -> Sequence[Step]:
        """Return the steps in their order, at least one."""
        ...


@runtime_checkable
class Opens(Protocol):
    """A supporter with first words of its own."""

    def open(self, view: SupporterView) -> str:
        """Return the first words."""
        ...


@runtime_checkable
class DescribesMemory(Protocol):
    """A user that can put its memory into words."""

    def describe(self, memory: Memory, profile: Profile) -> str:
        """Return what may be told of its inner state."""
        ...


@runtime_checkable
class ChecksRatings(Protocol):
    """A judge that knows which ratings are its own."""

    def is_current(self, rating: Rating) -> bool:
        """Return whether a rating was made by the judge as it is now."""
        ...


def steps_of(user: SimulatedUser) -> Sequence[Step]:
    """Return the steps that a user publishes, or the one step `user` that is its whole answer."""
    if isinstance(user, PublishesSteps):
        return user.steps()

    async def respond(client: JournaledClient, view: UserView, draft: TurnDraft) -> TurnDraft:
        utterance, memory = await user.respond(client, view, draft.memory)
        return TurnDraft(memory=memory, utterance=utterance)

    return [Step("user", "The user replies.", respond)]


def described(user: SimulatedUser, memory: Memory, profile: Profile) -> str:
    """Return what a user tells of its inner state, in its own words where it has some."""
    if isinstance(user, DescribesMemory):
        return user.describe(memory, profile)
    return str(memory) if memory else f"the user {user.facts().name!r} keeps no memory"


async def walk_steps(
    steps: Sequence[Step], client: JournaledClient, view: UserView, memory: Memory
) -> tuple[Utterance, Memory]:
    """Return what a user with published steps answers, for callers without a graph."""
    draft = TurnDraft(memory=memory)
    for step in steps:
        draft = await step.run(client, view, draft)
    return finished(draft, steps[-1].name)


def finished(draft: TurnDraft, step: str) -> tuple[Utterance, Memory]:
    """Return the utterance and memory of a draft whose steps are walked.

    Raises TypeError when the last step set no utterance, which is a fault of the user's code.
    """
    if draft.utterance is None:
        raise TypeError(f"the last step {step!r} of the simulated user set no utterance")
    return draft.utterance, draft.memory
