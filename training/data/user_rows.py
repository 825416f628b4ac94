"""The user's side of a dialogue as training rows: each reply under the prompt that the guarded user would have had.

That prompt changes from turn to turn, so every reply is a row of its own, and the reply alone is trained. What is open
in a turn comes from the recorded state. Where no turn has one, as in a script, a layer of the profile is open from the
turn on in which the user first tells of it.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

from cocoon.agents.protocols import user_view
from cocoon.agents.users.guarded import turn_prompt
from cocoon.agents.users.trust import RULES, Difficulty, TrustGate, open_memories
from cocoon.core.config import TrustRules
from cocoon.core.errors import CocoonError
from cocoon.core.records import Dialogue, Language, Profile, Turn, UserState
from cocoon.evaluation.text.contents import contents
from cocoon.models.messages import Message

# Content words (pairs of characters in Chinese) that a turn must share with a wish or an event to tell of it. What
# says less is told where all of it is.
_SHARED: dict[Language, int] = {"en": 4, "zh": 6}
_FEWEST = 2


def user_replies(dialogue: Dialogue, folder: Path | None = None) -> Iterator[list[Message]]:
    """Yield the prompt of each reply of the user as chat messages, with the reply as the last message.

    `folder` has prompts of your own. Without a chain of wishes every memory is open from the start, as it is for the
    guarded user itself. Raises CocoonError for a recorded state that does not fit the profile.
    """
    gate = _gate(dialogue)
    spoken = dialogue.model_copy(update={"turns": [turn for turn in dialogue.turns if turn.content.strip()]})
    states = _states(spoken, gate)
    for index, turn in enumerate(spoken.turns):
        if turn.role == "user":
            view = user_view(spoken.profile, spoken.turns[:index])
            messages = turn_prompt(view, states[index], gate, folder)
            yield [*messages, {"role": "assistant", "content": turn.content.strip()}]


def _gate(dialogue: Dialogue) -> TrustGate:
    """Return the gate under which the dialogue was made, and the default one where it was made without."""
    difficulties: dict[str, Difficulty] = {name: name for name in get_args(Difficulty)}
    rules: dict[str, TrustRules] = {name: name for name in get_args(TrustRules) if name in RULES}
    default = TrustGate()
    return TrustGate(
        difficulties.get(dialogue.difficulty or "", default.difficulty),
        rules.get(dialogue.rules or "", default.rules),
    )


def _states(dialogue: Dialogue, gate: TrustGate) -> dict[int, UserState]:
    """Return the user's state by turn index: as recorded, and the last one where a turn has none."""
    users = [(index, turn) for index, turn in enumerate(dialogue.turns) if turn.role == "user"]
    if all(turn.state is None for _, turn in users):
        first_told = _first_told(dialogue.turns, dialogue.profile)
        return {index: _state_at(index, first_told, dialogue.profile, gate) for index, _ in users}
    last, states = gate.begin(dialogue.profile), dict[int, UserState]()
    for index, turn in users:
        last = turn.state or last.model_copy(update={"newly": []})
        states[index] = _fitting(last, dialogue, index)
    return states


def _fitting(state: UserState, dialogue: Dialogue, index: int) -> UserState:
    layers, memories = len(dialogue.profile.chain), len(dialogue.profile.memory)
    named = [*((one, layers) for one in (*state.unlocked, *state.newly)), *((one, memories) for one in state.memories)]
    if any(not 0 <= one < count for one, count in named):
        raise CocoonError(
            f"dialogue {dialogue.id!r}, turn {index}: its recorded state names a wish or a memory that its profile "
            "does not have; take state and profile from one run"
        )
    return state


def _first_told(turns: Sequence[Turn], profile: Profile) -> dict[int, int]:
    """Return at which turn each layer opens: where it, or a deeper one, is first told of. Some may never open."""
    opened: dict[int, int] = {}
    last = len(profile.chain) - 1
    for node in reversed(range(len(profile.chain))):
        # Words of a wish above it tell nothing of this one.
        above = frozenset[str]().union(*(contents(step.need) for step in profile.chain[:node]))
        memories = [
            memory.text
            for memory in profile.memory
            if (last if memory.chain_node is None else memory.chain_node) == node
        ]
        texts = [contents(text) - above for text in (profile.chain[node].need, *memories)]
        told = (
            index
            for index, turn in enumerate(turns)
            if turn.role == "user" and any(_tells(turn.content, text, profile.language) for text in texts)
        )
        candidates = [index for index in (next(told, None), opened.get(node + 1)) if index is not None]
        if candidates:
            opened[node] = min(candidates)
    return opened


def _tells(words: str, text: frozenset[str], language: Language) -> bool:
    return len(contents(words) & text) >= max(_FEWEST, min(_SHARED[language], len(text)))


def _state_at(index: int, first_told: dict[int, int], profile: Profile, gate: TrustGate) -> UserState:
    start = gate.begin(profile)
    told = [node for node, turn in first_told.items() if turn <= index]
    unlocked = sorted({*start.unlocked, *told})
    newly = sorted(node for node in told if first_told[node] == index and node not in start.unlocked)
    trust = max([start.trust, *(gate.threshold(node, profile) for node in told)])
    return start.model_copy(
        update={
            "trust": trust,
            "unlocked": unlocked,
            "newly": newly,
            "memories": open_memories(profile, unlocked),
        }
    )
