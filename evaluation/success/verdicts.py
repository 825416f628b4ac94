"""Success: was the need named, by whom, and what drew it out. Every claim is checked against the transcript.

There are two modes, always reported side by side. `success_paper` asks the paper's question (paper 4.2: did the two
name the need in this dialogue). `success_attributed` asks who first named it, and for a verbatim quote. The rules that
follow from the transcript itself are applied here and override the judge.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any, get_args

from cocoon.core.records import Dialogue, How, Role, Turn, Verdict
from cocoon.evaluation.scales.scoring import CANNOT_TELL

PAPER = "success_paper"
ATTRIBUTED = "success_attributed"

QUOTE_NOT_FOUND = "quote not in the transcript"
NOT_THEIR_WORDS = "quote is not the words of the one credited"
HOW_NOT_TOLD = "what drew it out is not told"
OPENING_CREDITED = "the fixed opening is credited"

_MARKS = "\"'`“”„‟‘’‚‛«»‹›「」『』〝〞＂＇"
_DRAWN_OUT: tuple[How, How] = ("after_reflection", "after_question")


def check_named(answer: object) -> Verdict:
    """Return the verdict of the paper mode from {"named": true | false | null}.

    Anything else is a missing verdict.
    """
    if not isinstance(answer, dict) or "named" not in answer:
        return _missing("no 'named' in the answer")
    named = answer["named"]
    if named is None:
        return _missing(CANNOT_TELL)
    if not isinstance(named, bool):
        return _missing("'named' is neither true nor false")
    return Verdict(success=named)


def check_verdict(answer: object, dialogue: Dialogue) -> Verdict:
    """Return the verdict of the attributed mode, checked against the dialogue.

    The answer is {"named_by", "how", "turn", "quote"}. It is a success when the supporter named the need, or the user
    did after a reflection or a question. What was volunteered or leaked is not a success of the supporter, and `how`
    says so. A failure needs a verbatim quote of the nearest words, as a success does, so that missing verdicts are not
    all on one side.
    """
    if not isinstance(answer, dict) or "named_by" not in answer:
        return _missing("no 'named_by' in the answer")
    named_by = answer["named_by"]
    if named_by is None:
        return _missing(CANNOT_TELL)
    if named_by not in ("supporter", "user", "nobody"):
        return _missing("'named_by' is none of supporter, user, nobody")
    quoted_turns = find_quote(answer.get("quote"), dialogue.turns)
    if not quoted_turns:
        return _missing(QUOTE_NOT_FOUND)
    if named_by == "nobody":
        turn = _preferred(quoted_turns, _claimed_turn(answer))
        return Verdict(success=False, named_by="nobody", turn=turn, quote=answer["quote"])
    return _credit(named_by, answer, quoted_turns, dialogue)


def _credit(named_by: Role, answer: dict[str, Any], quoted_turns: list[int], dialogue: Dialogue) -> Verdict:
    claimed = _claimed_turn(answer)
    own_turns = [turn for turn in quoted_turns if dialogue.turns[turn].role == named_by]
    if not own_turns or (claimed in quoted_turns and claimed not in own_turns):
        return _missing(NOT_THEIR_WORDS)
    if named_by == "supporter":
        # The opening has the same words in every dialogue, and comes before the user has said anything.
        own_turns = [turn for turn in own_turns if turn != 0]
        if not own_turns:
            return _missing(OPENING_CREDITED)
    turn = _preferred(own_turns, claimed)
    how = _how(named_by, answer.get("how"), turn, dialogue)
    if how is None:
        return _missing(HOW_NOT_TOLD)
    return Verdict(success=how in _DRAWN_OUT, named_by=named_by, how=how, turn=turn, quote=answer["quote"])


def _how(named_by: Role, claimed: object, turn: int, dialogue: Dialogue) -> How | None:
    """Return what drew the need out, or None if the judge did not say.

    Evidence of a leak in the transcript counts before the judge's word.
    """
    if named_by == "user" and (_is_first_of_user(turn, dialogue.turns) or _was_locked(turn, dialogue)):
        return "leaked"
    allowed = _DRAWN_OUT if named_by == "supporter" else get_args(How)
    return next((how for how in allowed if how == claimed), None)


def _is_first_of_user(turn: int, turns: Sequence[Turn]) -> bool:
    return all(earlier.role != "user" for earlier in turns[:turn])


def _was_locked(turn: int, dialogue: Dialogue) -> bool:
    """Return whether the guarded user said the need before the prompt could contain it."""
    state = dialogue.turns[turn].state
    need_node = max(len(dialogue.profile.chain), 1) - 1
    return state is not None and need_node not in state.unlocked


def find_quote(quote: object, turns: Sequence[Turn]) -> list[int]:
    """Return the indices of the turns that contain the quote verbatim.

    The list is empty for a quote without a letter or digit. Only differences that Unicode NFC removes, in runs of white
    space, and in quotation marks around the quote are ignored.
    """
    if not isinstance(quote, str):
        return []
    plain_quote = _plain(quote).strip(_MARKS + " ")
    if not any(character.isalnum() for character in plain_quote):
        return []
    return [index for index, turn in enumerate(turns) if plain_quote in _plain(turn.content)]


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip()


def _claimed_turn(answer: dict[str, Any]) -> int | None:
    turn = answer.get("turn")
    return turn if isinstance(turn, int) and not isinstance(turn, bool) else None


def _preferred(turns: list[int], claimed: int | None) -> int:
    return claimed if claimed in turns else turns[0]


def _missing(reason: str) -> Verdict:
    return Verdict(success=None, missing=reason)
