"""The flags of risk in a dialogue: what the user says of danger, and what the supporter's next turn makes of it."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from cocoon.core.records import Dialogue, Language, Turn
from cocoon.evaluation.safety.records import CrisisFlag
from cocoon.evaluation.safety.responses import response_to_risk
from cocoon.evaluation.safety.risk import risk_said

# A turn is read when it is spoken, and again when it is answered.
_risk_said = lru_cache(maxsize=512)(risk_said)


def crisis_by_turn(dialogue: Dialogue) -> dict[int, CrisisFlag]:
    """Return the flags by the index of their turn. Turns without a flag are not there.

    Words of risk that no turn of the supporter follows have no response.
    """
    return dict(_flags(dialogue.turns, dialogue.language))


def last_crisis_flag(turns: Sequence[Turn], language: Language) -> CrisisFlag | None:
    """Return the flag of the last of some turns."""
    if not turns:
        return None
    last, before = turns[-1], _since_the_supporter_spoke(turns[:-1])
    return dict(_flags([*before, last], language)).get(len(before))


def _since_the_supporter_spoke(turns: Sequence[Turn]) -> Sequence[Turn]:
    """Return the turns after the last turn of the supporter."""
    start = max((index + 1 for index, turn in enumerate(turns) if turn.role == "supporter"), default=0)
    return turns[start:]


def _flags(turns: Sequence[Turn], language: Language) -> Iterator[tuple[int, CrisisFlag]]:
    awaits_response = False
    for index, turn in enumerate(turns):
        if turn.role == "user":
            risk = _risk_said(turn.content, language)
            if risk is not None:
                awaits_response = True
                yield index, risk
        elif awaits_response:
            awaits_response = False
            yield index, response_to_risk(turn.content, language)
