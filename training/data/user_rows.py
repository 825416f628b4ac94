"""The user's side of a dialogue as training rows: each reply under the prompt that the guarded user would have had.

That prompt changes from turn to turn, so every reply is a row of its own, and the reply alone is trained. What is open
in a turn comes from the recorded state. A script has no states, so there a layer of the profile is open from the turn
on in which the user first tells of it.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from cocoon.agents.protocols import user_view
from cocoon.agents.users.guarded import turn_prompt
from cocoon.agents.users.trust import TrustGate, open_memories
from cocoon.core.records import Dialogue, Language, Profile, Turn, UserState
from cocoon.evaluation.text.contents import contents
from cocoon.models.messages import Message

# Content words (pairs of characters in Chinese) that a turn must share with a wish or an event to tell of it.
_SHARED: dict[Language, int] = {"en": 4, "zh": 6}


def user_replies(dialogue: Dialogue, folder: Path | None = None) -> Iterator[list[Message]]:
    """Yield the prompt of each reply of the user as chat messages, with the reply as the last message.

    `folder` has prompts of your own. Without a chain of wishes every memory is open from the start, as it is for the
    guarded user itself.
    """
    gate = TrustGate()
    states = _states(dialogue, gate)
    for index, turn in enumerate(dialogue.turns):
        if turn.role == "user" and turn.content.strip():
            view = user_view(dialogue.profile, dialogue.turns[:index])
            messages = turn_prompt(view, states[index], gate, folder)
            yield [*messages, {"role": "assistant", "content": turn.content.strip()}]


def _states(dialogue: Dialogue, gate: TrustGate) -> dict[int, UserState]:
    """Return the user's state by turn index: as recorded, else what the turns themselves tell."""
    first_told = _first_told(dialogue.turns, dialogue.profile)
    states: dict[int, UserState] = {}
    for index, turn in enumerate(dialogue.turns):
        if turn.role == "user":
            states[index] = turn.state or _state_at(index, first_told, dialogue.profile, gate)
    return states


def _first_told(turns: Sequence[Turn], profile: Profile) -> dict[int, int]:
    """Return at which turn each layer opens: where it, or a deeper one, is first told of. Some may never open."""
    opened: dict[int, int] = {}
    for node in reversed(range(len(profile.chain))):
        texts = [profile.chain[node].need, *(memory.text for memory in profile.memory if memory.chain_node == node)]
        told = (
            index for index, turn in enumerate(turns) if turn.role == "user" and _tells(turn.content, texts, profile)
        )
        candidates = [index for index in (next(told, None), opened.get(node + 1)) if index is not None]
        if candidates:
            opened[node] = min(candidates)
    return opened


def _tells(words: str, texts: Sequence[str], profile: Profile) -> bool:
    return any(len(contents(words) & contents(text)) >= _SHARED[profile.language] for text in texts)


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
