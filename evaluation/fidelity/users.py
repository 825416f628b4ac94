"""Count how closely simulated users follow their profiles and how easy they make it, without a model call.

Everything here compares contents (word stems, Chinese character pairs) of what was said with those of the profile.
Paraphrases are not recognised, so disclosures are counted too low rather than too high. The accuracy on
labelled transcripts is in docs/guide/fidelity.md.
"""

import re
from collections.abc import Iterator, Sequence

from cocoon.core.records import Dialogue, Profile, Turn
from cocoon.evaluation.fidelity.flags.outside import foreign_facts
from cocoon.evaluation.fidelity.flags.turns import profile_text
from cocoon.evaluation.fidelity.records import UserFacts, UserTurnFacts
from cocoon.evaluation.text.contents import contents, share_named

# Smallest share of a part's contents by which a turn discloses it, and the share below which it does not touch it.
TOLD, TOUCHED = 0.5, 0.2
# A part with fewer new contents than this would count as disclosed by chance.
FEWEST = 2
_OPENING_WORDS, _OPENING_HAN = 2, 3


def user_facts(dialogue: Dialogue) -> UserFacts:
    """Return the facts of one dialogue. A dialogue without user turns has empty lists."""
    turns = list(_turn_facts(dialogue))
    need_round = next((turn.round for turn in turns if "need" in turn.disclosed), None)
    user_texts = [turn.content for turn in dialogue.turns if turn.role == "user"]
    has_need = dialogue.profile.need is not None
    return UserFacts(
        dialogue=dialogue.id,
        profile=dialogue.profile.id,
        supporter=dialogue.supporter,
        language=dialogue.language,
        user_kind=dialogue.user_kind,
        difficulty=dialogue.difficulty,
        turns=turns,
        need_round=need_round,
        need_leaked=_leaked(turns) if has_need else None,
        has_need=has_need,
        openings=[opening(text) for text in user_texts],
        lengths=[len(text) for text in user_texts],
    )


def _leaked(turns: Sequence[UserTurnFacts]) -> bool:
    """Apply the rule of the success judges: told in the first reply, or while the prompt could not contain it."""
    first_telling = next((turn for turn in turns if "need" in turn.disclosed), None)
    return first_telling is not None and (first_telling.round == 1 or "need" in first_telling.locked)


def _turn_facts(dialogue: Dialogue) -> Iterator[UserTurnFacts]:
    parts = profile_parts(dialogue.profile)
    profile_words = profile_text(dialogue.profile)
    disclosed_before: set[str] = set()
    earlier_answers, supporter_text, round_number = "", "", 0
    for index, turn in enumerate(dialogue.turns):
        if turn.role == "supporter":
            supporter_text = turn.content
            # What the supporter guessed correctly is not disclosed by the user, but the next turn may confirm it.
            disclosed_before |= {
                name for name, text in parts.items() if name != "need" and _tells(turn.content, text, earlier_answers)
            }
        else:
            round_number += 1
            disclosed = [
                name
                for name, text in parts.items()
                if name not in disclosed_before and _tells(turn.content, text, earlier_answers)
            ]
            disclosed_before |= set(disclosed)
            yield UserTurnFacts(
                turn=index,
                round=round_number,
                disclosed=disclosed,
                untouched=[
                    name for name in disclosed if share_named(supporter_text, parts[name], earlier_answers) < TOUCHED
                ],
                locked=[name for name in disclosed if _is_locked(name, turn, dialogue.profile)],
                foreign=foreign_facts(
                    turn.content, f"{profile_words} {earlier_answers} {supporter_text}", dialogue.language
                ),
            )
            earlier_answers = f"{earlier_answers} {turn.content}"


def profile_parts(profile: Profile) -> dict[str, str]:
    """Return the parts of a profile that a user can tell: need, earlier steps of the chain, memories (from 1)."""
    parts = {f"chain {number}": step.need for number, step in enumerate(profile.chain[:-1], 1)}
    parts |= {f"memory {number}": memory.text for number, memory in enumerate(profile.memory, 1)}
    return parts | ({"need": profile.need} if profile.need is not None else {})


def _tells(text: str, part: str, earlier_answers: str) -> bool:
    new_contents = contents(part) - contents(earlier_answers)
    return len(new_contents) >= FEWEST and share_named(text, part, earlier_answers) >= TOLD


def _is_locked(part: str, turn: Turn, profile: Profile) -> bool:
    if turn.state is None:
        return False
    kind, _, number = part.partition(" ")
    if kind == "memory":
        return int(number) - 1 not in turn.state.memories
    node = max(len(profile.chain), 1) - 1 if kind == "need" else int(number) - 1
    return node not in turn.state.unlocked


def opening(text: str) -> str:
    """Return the first two words of a turn, or the first three characters of a Chinese one, in lower case."""
    words = re.findall(r"[a-z']+|[\u4e00-\u9fff]+", text.lower())
    if words and "\u4e00" <= words[0][0] <= "\u9fff":
        return words[0][:_OPENING_HAN]
    return " ".join(words[:_OPENING_WORDS])
