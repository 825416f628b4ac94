"""The guarded user: what it has not unlocked is not in its prompt, so its need cannot leak (design section 4).

What does not change in a talk stands in the system prompt, and what does stands below the supporter's last words. A
server's prefix cache therefore holds all but the end of every prompt.

One turn is appraise -> disclose -> speak. Only `appraise` may see the whole profile, and it returns enums and integers.
`disclose` is a rule over them. `speak` knows what is open now and nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from cocoon.agents.protocols import Memory, Step, TurnDraft, UserView, Utterance, utterance_of, walk_steps
from cocoon.agents.users.appraiser import Appraiser
from cocoon.agents.users.trust import TrustGate
from cocoon.core.prompts import load_prompt, prompt_shas
from cocoon.core.records import AgentFacts, Appraisal, Language, Profile, UserState
from cocoon.evaluation.text.moves import is_answered
from cocoon.models.by_name import Model
from cocoon.models.calls import Message, Settings
from cocoon.models.client import JournaledClient

PROMPT, MOMENT = "user/guarded", "user/moment"
LENGTH = "user/length"
"""What rules that were fitted to people say of the answer itself."""
STEPS = {
    "appraise": "How the guarded user took the supporter's last turn: enums and integers.",
    "disclose": "What of the profile is open now: a rule over trust.",
    "speak": "The guarded user speaks from what is open.",
}
"""The published steps of its answer, and what each does."""


@dataclass(frozen=True)
class GuardedUser:
    """A user behind a trust gate. Its memory is its `UserState`."""

    model: Model
    appraiser: Appraiser
    gate: TrustGate = field(default_factory=TrustGate)
    settings: Settings = Settings(temperature=0.7, max_tokens=160)
    folder: Path | None = None
    languages: tuple[Language, ...] = get_args(Language)

    def first_memory(self, profile: Profile) -> Memory:
        """Return the state before the first word."""
        return _memory(self.gate.begin(profile))

    async def respond(self, client: JournaledClient, view: UserView, memory: Memory) -> tuple[Utterance, Memory]:
        """Return the next answer, step by step."""
        return await walk_steps(self.steps(), client, view, memory)

    def steps(self) -> Sequence[Step]:
        """Return appraise, disclose and speak."""
        runs = (self._appraise, self._disclose, self._speak)
        return [Step(name, about, run) for (name, about), run in zip(STEPS.items(), runs, strict=True)]

    async def _appraise(self, client: JournaledClient, view: UserView, draft: TurnDraft) -> TurnDraft:
        """Note how the last supporter turn was taken. The fixed opening is taken as it is and asks no model."""
        appraisal: Appraisal | None = Appraisal(accuracy="none", pressure=0)
        if view.round > 0:
            unlocked = self._state(draft.memory, view.profile).unlocked
            appraisal = await self.appraiser.appraise(client.at("appraise"), view, unlocked)
        return draft.model_copy(update={"notes": {"appraisal": appraisal.model_dump() if appraisal else None}})

    async def _disclose(self, client: JournaledClient, view: UserView, draft: TurnDraft) -> TurnDraft:
        """Decide what is open after this turn: a rule, no model."""
        del client
        noted = draft.notes.get("appraisal")
        appraisal = Appraisal.model_validate(noted) if noted else None
        return draft.model_copy(update={"memory": _memory(self.disclose(view, draft.memory, appraisal))})

    async def _speak(self, client: JournaledClient, view: UserView, draft: TurnDraft) -> TurnDraft:
        """Speak from what is open."""
        state = self._state(draft.memory, view.profile)
        messages = self.messages(view, state)
        content = await client.at("user").reply(messages, model=self.model, settings=self.settings, speaker="user")
        utterance = utterance_of(client.replies[-1].parts, content)
        published = utterance.model_copy(update={"state": state, "leaves": self.gate.leaves(state)})
        return TurnDraft(memory=draft.memory, utterance=published)

    def disclose(self, view: UserView, memory: Memory, appraisal: Appraisal | None) -> UserState:
        """Return the state after the supporter's last turn."""
        state = self._state(memory, view.profile)
        if view.round == 0:
            return state.model_copy(update={"appraisal": appraisal})
        words = [turn.content for turn in view.turns if turn.role == "user"]
        answered = bool(words) and is_answered(words[-1])
        return self.gate.step(state, appraisal, view.profile, len(view.turns) - 1, answered)

    def messages(self, view: UserView, state: UserState) -> list[Message]:
        """Return the prompt of one turn, which holds open chain nodes and memories only."""
        return turn_prompt(view, state, self.gate, self.folder)

    def describe(self, memory: Memory, profile: Profile) -> str:
        """Return trust, openness and how much of the profile is still closed."""
        state = self._state(memory, profile)
        needs = [step.need for step in profile.chain]
        openness = self.gate.openness(state, profile)
        head = f"trust {state.trust:g} ({openness}), {self.gate.difficulty}, {self.gate.rules} rules"
        opened = [f"  open: {needs[node]}" for node in state.unlocked]
        needs_closed = len(needs) - len(state.unlocked)
        memories_closed = len(profile.memory) - len(state.memories)
        closed = f"  closed: {needs_closed} of {len(needs)} needs, {memories_closed} memories"
        return "\n".join([head, *_last_move(state, len(needs)), *opened, closed])

    def facts(self) -> AgentFacts:
        """Return its models, prompts, difficulty and trust rules."""
        appraiser = self.appraiser.facts()
        return AgentFacts(
            name="guarded",
            kind="guarded",
            models={"user": self.model.label, **appraiser.models},
            prompts=prompt_shas(self._prompts(), self.folder, self.languages) | appraiser.prompts,
            settings={
                "difficulty": self.gate.difficulty,
                "rules": self.gate.rules,
                "appraiser": appraiser.name,
            },
        )

    def _prompts(self) -> list[str]:
        return [PROMPT, MOMENT, *([LENGTH] if self.gate.plans_answers else [])]

    def _state(self, memory: Memory, profile: Profile) -> UserState:
        return UserState.model_validate(memory) if memory else self.gate.begin(profile)


def turn_prompt(view: UserView, state: UserState, gate: TrustGate, folder: Path | None = None) -> list[Message]:
    """Return the prompt of one turn, which holds open chain nodes and memories only."""
    profile, first = view.profile, gate.begin(view.profile)
    needs, events = [step.need for step in profile.chain], [memory.text for memory in profile.memory]
    known = [node for node in state.unlocked if node not in state.newly]
    offered = {
        "emotion": profile.emotion,
        "feeling": profile.feeling,
        "known": [needs[node] for node in known],
        "newly": [needs[node] for node in state.newly],
        "memories": [events[index] for index in state.memories],
        "openness": gate.openness(state, profile),
        "pressed": state.pressed,
        "touched": state.touched_locked,
    }
    from_the_start = {
        "wishes": [needs[node] for node in first.unlocked],
        "events": [events[index] for index in first.memories],
    }
    since = {
        "wishes": [needs[node] for node in known if node not in first.unlocked],
        "events": [events[index] for index in state.memories if index not in first.memories],
    }
    system = load_prompt(PROMPT, view.language, folder).fill(**offered, **from_the_start)
    moment = load_prompt(MOMENT, view.language, folder).fill(**offered, **since)
    if state.plan is not None:
        words, asks = state.plan
        moment += load_prompt(LENGTH, view.language, folder).fill(words=words, asks=asks)
    return _with_moment(view.chat(system), moment)


def _with_moment(messages: list[Message], moment: str) -> list[Message]:
    """Return chat messages with a note below the last words. Words that look like a note are no note."""
    plain = [
        {**message, "content": message["content"].replace("<note>", "< note>")}
        if message["role"] == "user"
        else message
        for message in messages
    ]
    if not moment:
        return plain
    if plain[-1]["role"] != "user":
        return [*plain, {"role": "user", "content": moment}]
    return [*plain[:-1], {"role": "user", "content": f"{plain[-1]['content']}\n\n{moment}"}]


def _last_move(state: UserState, layers: int) -> list[str]:
    """Return what the supporter's last turn did, and what broke by it, as lines. There are none without moves."""
    taken, lines = state.appraisal, list[str]()
    if taken is not None and taken.move is not None:
        touched = "" if taken.touched is None else f", touched layer {taken.touched + 1} of {layers}"
        lines.append(f"  move: {taken.move.replace('_', ' ')}{touched}")
    if state.ruptured is not None:
        lines.append(f"  rupture: {state.ruptured.replace('_', ' ')}")
    if state.plan is not None:
        words, asks = state.plan
        lines.append(f"  answer: about {words} words{', and asks back' if asks else ''}")
    if state.rupture > 0:
        lines.append(f"  not repaired yet: {state.rupture:g} points")
    return lines


def _memory(state: UserState) -> Memory:
    return state.model_dump(mode="json")
