"""The flags of risk in a dialogue: what the user says of danger, and what the supporter's next turn makes of it."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from cocoon.core.records import Dialogue, Language, Turn
from cocoon.evaluation.safety.records import CrisisFlag
from cocoon.evaluation.safety.responses import response_to_risk
from cocoon.evaluation.safety.risk import risk_said

# A turn may be read while its dialogue is made, and again at its end and in every branch.
risk_of_turn = lru_cache(maxsize=4096)(risk_said)


def crisis_by_turn(dialogue: Dialogue) -> dict[int, CrisisFlag]:
    """Return the flags by the index of their turn. Turns without a flag are not there.

    Words of risk that no turn of the supporter follows have no response.
    """
    return dict(_flags(dialogue.turns, dialogue.language))


def _flags(turns: Sequence[Turn], language: Language) -> Iterator[tuple[int, CrisisFlag]]:
    awaits_response = False
    for index, turn in enumerate(turns):
        if turn.role == "user":
            risk = risk_of_turn(turn.content, language)
            if risk is not None:
                awaits_response = True
                yield index, risk
        elif awaits_response:
            awaits_response = False
            yield index, response_to_risk(turn.content, language)
