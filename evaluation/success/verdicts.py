"""Success: was the need named, by whom, and what drew it out. Every claim is checked against the transcript.

There are two modes, always reported side by side. `success_paper` asks the paper's question (paper 4.2: did the two
name the need in this dialogue). `success_attributed` asks who first named it, and for a verbatim quote. What the
transcript itself shows overrides the judge: an earlier mention, what was still locked, and the form of the words that
led there. The judge's own word is kept beside it.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from cocoon.core.answers import Line, Longest, TypedAnswer, otherwise, worded
from cocoon.core.records import Claim, Dialogue, How, Language, Role, Turn, Verdict
from cocoon.evaluation.questions.detection import questions
from cocoon.evaluation.scales.scoring import CANNOT_TELL
from cocoon.evaluation.success.mentions import carries_meaning, mentions, sentence_with
from cocoon.evaluation.success.uptake import count_guesses, uptake_of

PAPER = "success_paper"
ATTRIBUTED = "success_attributed"

QUOTE_NOT_FOUND = "quote not in the transcript"
NOT_THEIR_WORDS = "quote is not the words of the one credited"
HOW_NOT_TOLD = "what drew it out is not told"
OPENING_CREDITED = "the fixed opening is credited"
EMPTY_QUOTE = "quote does not carry the need's meaning"

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
        the nearest words, as a success does, so that missing verdicts are not all on one side. A quote that has nothing
        to do with the need makes a success missing, and is noted beside a failure.
        """
        if self.named_by is None:
            return _missing(CANNOT_TELL)
        quoted_turns = find_quote(self.quote, dialogue.turns)
        if not quoted_turns:
            return _missing(QUOTE_NOT_FOUND)
        if self.named_by == "nobody":
            turn = _preferred(quoted_turns, self.turn)
            empty = not _is_evidence(self.quote, dialogue)
            return Verdict(success=False, named_by="nobody", turn=turn, quote=self.quote, empty_evidence=empty)
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
    claim = Claim(named_by=named_by, how=answer.how, turn=_preferred(own_turns, answer.turn), quote=answer.quote)
    first = _first_mention(claim, dialogue)
    how = _how(first, claim, dialogue)
    if how is None:
        return _missing(HOW_NOT_TOLD)
    empty, success = not _is_evidence(first.quote, dialogue), how in _DRAWN_OUT
    if empty and success:
        return _missing(EMPTY_QUOTE)
    checked = first.model_copy(update={"how": how})
    return Verdict(
        success=success,
        empty_evidence=empty,
        named_by=first.named_by,
        how=how,
        turn=first.turn,
        quote=first.quote,
        claim=None if checked == claim else claim,
        **_circumstances(first, dialogue),
    )


def _is_evidence(quote: str, dialogue: Dialogue) -> bool:
    need = dialogue.profile.need
    return need is None or carries_meaning(quote, need, dialogue.language)


def _first_mention(claim: Claim, dialogue: Dialogue) -> Claim:
    """Return an earlier passage that repeats the need, or else the judge's own claim."""
    for turn, sentence in mentions(dialogue.turns[: claim.turn], dialogue.profile):
        return Claim(named_by=dialogue.turns[turn].role, how=None, turn=turn, quote=sentence)
    return claim


def _how(first: Claim, claim: Claim, dialogue: Dialogue) -> How | None:
    """Return what drew the need out, or None if nothing says it.

    Evidence of a leak in the transcript counts first, then the form of the words that led there where it is plain,
    then the judge's word.
    """
    turn = first.turn
    if first.named_by == "user" and (_is_first_of_user(turn, dialogue.turns) or _was_locked(turn, dialogue)):
        return "leaked"
    drawn_out = claim.how if claim.how in _DRAWN_OUT else None
    if first is claim and first.named_by == "user" and drawn_out is None:
        return claim.how
    return _form_before(first, dialogue) or drawn_out


def _form_before(first: Claim, dialogue: Dialogue) -> How | None:
    """Return the form of the supporter's words that led to a mention. None where they hold both or are missing."""
    if first.named_by == "supporter":
        words = sentence_with(first.quote, dialogue.turns[first.turn].content, dialogue.language)
    else:
        earlier = [turn.content for turn in dialogue.turns[: first.turn] if turn.role == "supporter"]
        words = earlier[-1] if earlier else ""
    return form_of(words, dialogue.language)


def form_of(text: str, language: Language) -> How | None:
    """Return whether a text only asks or only states. None where it does both or is empty."""
    forms = {sentence.genuine for sentence in questions(text, language)}
    return None if len(forms) != 1 else "after_question" if forms.pop() else "after_reflection"


def _circumstances(first: Claim, dialogue: Dialogue) -> dict[str, Any]:
    """Return uptake and number of guesses of a supporter's mention, and the turn that earned a guarded user's need."""
    turn = dialogue.turns[first.turn]
    facts: dict[str, Any] = {}
    if first.named_by == "supporter":
        facts["uptake"] = uptake_of(dialogue.turns, first.turn, dialogue.profile)
        facts["guesses"] = count_guesses(turn.content, dialogue.language)
    earned = turn.state.earned.get(str(_need_node(dialogue))) if turn.state else None
    if earned is not None and earned < len(dialogue.turns):
        facts |= {"earned": earned, "earned_how": form_of(dialogue.turns[earned].content, dialogue.language)}
    return facts


def _need_node(dialogue: Dialogue) -> int:
    return max(len(dialogue.profile.chain), 1) - 1


def _is_first_of_user(turn: int, turns: Sequence[Turn]) -> bool:
    return all(earlier.role != "user" for earlier in turns[:turn])


def _was_locked(turn: int, dialogue: Dialogue) -> bool:
    """Return whether the guarded user said the need before the prompt could contain it."""
    state = dialogue.turns[turn].state
    return state is not None and _need_node(dialogue) not in state.unlocked


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
