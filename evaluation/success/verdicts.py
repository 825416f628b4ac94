"""Success: was the need named, by whom, and what drew it out. Every claim is checked against the transcript.

There are two modes, always reported side by side. `success_paper` asks the paper's question (paper 4.2: did the two
name the need in this dialogue). `success_attributed` asks who first named it, and for a verbatim quote. The rules that
follow from the transcript itself are applied here and override the judge.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from cocoon.core.answers import Line, Longest, TypedAnswer, otherwise, worded
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


class NamedAnswer(TypedAnswer):
    """The answer of the paper mode: whether the two named the need in the dialogue, None for 'cannot tell'."""

    reason: Annotated[Line, Longest(400)] = ""
    named: Annotated[bool | None, worded("'named' is neither true nor false")]

    def verdict(self, dialogue: Dialogue) -> Verdict:
        """Return the verdict, in which the judge's word stands as it is."""
        del dialogue
        return _missing(CANNOT_TELL) if self.named is None else Verdict(success=self.named)


class VerdictAnswer(TypedAnswer):
    """The answer of the attributed mode. `turn` is the index where the judge says that the quote stands."""

    named_by: Annotated[
        Literal["supporter", "user", "nobody"] | None, worded("'named_by' is none of supporter, user, nobody")
    ]
    how: Annotated[How | None, otherwise(None)] = None
    turn: Annotated[Annotated[int, Field(ge=0, le=999)] | None, otherwise(None)] = None
    quote: Annotated[str, otherwise(""), Longest(400)] = ""

    def verdict(self, dialogue: Dialogue) -> Verdict:
        """Return the verdict, checked against the dialogue.

        It is a success when the supporter named the need, or the user did after a reflection or a question. What was
        volunteered or leaked is not a success of the supporter, and `how` says so. A failure needs a verbatim quote of
        the nearest words, as a success does, so that missing verdicts are not all on one side.
        """
        if self.named_by is None:
            return _missing(CANNOT_TELL)
        quoted_turns = find_quote(self.quote, dialogue.turns)
        if not quoted_turns:
            return _missing(QUOTE_NOT_FOUND)
        if self.named_by == "nobody":
            turn = _preferred(quoted_turns, self.turn)
            return Verdict(success=False, named_by="nobody", turn=turn, quote=self.quote)
        return _credit(self, self.named_by, quoted_turns, dialogue)


def _credit(answer: VerdictAnswer, named_by: Role, quoted_turns: list[int], dialogue: Dialogue) -> Verdict:
    own_turns = [turn for turn in quoted_turns if dialogue.turns[turn].role == named_by]
    if not own_turns or (answer.turn in quoted_turns and answer.turn not in own_turns):
        return _missing(NOT_THEIR_WORDS)
    if named_by == "supporter":
        # The opening has the same words in every dialogue, and comes before the user has said anything.
        own_turns = [turn for turn in own_turns if turn != 0]
        if not own_turns:
            return _missing(OPENING_CREDITED)
    turn = _preferred(own_turns, answer.turn)
    how = _how(named_by, answer.how, turn, dialogue)
    if how is None:
        return _missing(HOW_NOT_TOLD)
    return Verdict(success=how in _DRAWN_OUT, named_by=named_by, how=how, turn=turn, quote=answer.quote)


def _how(named_by: Role, claimed: How | None, turn: int, dialogue: Dialogue) -> How | None:
    """Return what drew the need out, or None if the judge did not say.

    Evidence of a leak in the transcript counts before the judge's word.
    """
    if named_by == "user" and (_is_first_of_user(turn, dialogue.turns) or _was_locked(turn, dialogue)):
        return "leaked"
    return None if named_by == "supporter" and claimed not in _DRAWN_OUT else claimed


def _is_first_of_user(turn: int, turns: Sequence[Turn]) -> bool:
    return all(earlier.role != "user" for earlier in turns[:turn])


def _was_locked(turn: int, dialogue: Dialogue) -> bool:
    """Return whether the guarded user said the need before the prompt could contain it."""
    state = dialogue.turns[turn].state
    need_node = max(len(dialogue.profile.chain), 1) - 1
    return state is not None and need_node not in state.unlocked


def find_quote(quote: str, turns: Sequence[Turn]) -> list[int]:
    """Return the indices of the turns that contain the quote verbatim.

    The list is empty for a quote without a letter or digit. Only differences that Unicode NFC removes, in runs of white
    space, and in quotation marks around the quote are ignored.
    """
    plain_quote = _plain(quote).strip(_MARKS + " ")
    if not any(character.isalnum() for character in plain_quote):
        return []
    return [index for index, turn in enumerate(turns) if plain_quote in _plain(turn.content)]


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip()


def _preferred(turns: list[int], claimed: int | None) -> int:
    return claimed if claimed in turns else turns[0]


def _missing(reason: str) -> Verdict:
    return Verdict(success=None, missing=reason)
