"""Success: every outcome of the attributed mode, with quotes checked against the transcript."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cocoon.core.answers import Missing, read_answer
from cocoon.core.records import ChainStep, Dialogue, Profile, Turn, UserState, Verdict
from cocoon.evaluation.success.verdicts import (
    EMPTY_QUOTE,
    HOW_NOT_TOLD,
    NOT_THEIR_WORDS,
    OPENING_CREDITED,
    QUOTE_NOT_FOUND,
    NamedAnswer,
    VerdictAnswer,
    find_quote,
)

NEED = "I want my work to be seen."


def talk(
    *contents: str, unlocked: list[list[int]] | None = None, first: str = "supporter", need: str = NEED
) -> Dialogue:
    """Alternating turns; `unlocked` gives a guarded user's unlocked nodes per user turn."""
    roles = ["supporter", "user"] if first == "supporter" else ["user", "supporter"]
    turns = [Turn.model_validate({"role": roles[i % 2], "content": text}) for i, text in enumerate(contents)]
    for turn, nodes in zip([t for t in turns if t.role == "user"], unlocked or [], strict=False):
        turn.state = UserState(trust=0, unlocked=nodes, memories=[])
    chain = [ChainStep(need="To do well."), ChainStep(need=need)]
    profile = Profile(id="p", language="en", feeling="Tired of work.", need=need, chain=chain)
    return Dialogue(id="d", profile=profile, supporter="s", language="en", turns=turns)


PLAIN = talk(
    "You look a bit worn.",  # 0
    "It is nothing, only work.",  # 1
    "You give a lot, and it seems that nobody sees it.",  # 2
    "Maybe. I do want to be  seen, \n for once.",  # 3
    "You wish to be seen.",  # 4
    "Yes.",  # 5
)


def answer(named_by: object, how: object, turn: object, quote: object) -> dict[str, Any]:
    return {"named_by": named_by, "how": how, "turn": turn, "quote": quote}


def verdict_of(
    value: object, dialogue: Dialogue = PLAIN, kind: type[NamedAnswer] | type[VerdictAnswer] = VerdictAnswer
) -> Verdict:
    answer = read_answer(value, kind)
    return Verdict(success=None, missing=answer.reason) if isinstance(answer, Missing) else answer.verdict(dialogue)


@pytest.mark.parametrize(
    ("success", "named_by", "how", "turn", "quote"),
    [
        (True, "supporter", "after_reflection", 4, "You wish to be seen."),
        (True, "supporter", "after_reflection", 2, "nobody sees it"),
        (True, "user", "after_reflection", 3, "I do want to be seen"),
        (True, "user", "after_reflection", 3, "“I do want to be seen, for once.”"),
        (False, "user", "volunteered", 3, "to be seen"),
        (False, "user", "leaked", 3, "to be seen"),
        (False, "nobody", None, 1, "only work"),
    ],
)
def test_every_outcome(success: bool, named_by: Any, how: Any, turn: int, quote: str) -> None:
    verdict = verdict_of(answer(named_by, how, turn, quote))
    assert (verdict.success, verdict.named_by, verdict.how) == (success, named_by, how)
    assert (verdict.turn, verdict.quote, verdict.claim, verdict.missing) == (turn, quote, None, None)


@pytest.mark.parametrize(
    ("given_answer", "reason"),
    [
        (answer("user", "after_reflection", 3, "I long to be noticed"), QUOTE_NOT_FOUND),
        (answer("user", "after_reflection", 3, "I"), EMPTY_QUOTE),
        (answer("user", "after_reflection", 3, "Maybe"), EMPTY_QUOTE),
        (answer("supporter", "after_reflection", 2, "it seems that"), EMPTY_QUOTE),
        (answer("user", "after_reflection", 3, ""), QUOTE_NOT_FOUND),
        (answer("user", "after_reflection", 3, "..."), QUOTE_NOT_FOUND),
        (answer("user", "after_reflection", 3, "."), QUOTE_NOT_FOUND),
        (answer("user", "after_reflection", 3, None), QUOTE_NOT_FOUND),
        (answer("user", "after_reflection", 3, "i do want to be seen"), QUOTE_NOT_FOUND),
        (answer("user", "after_reflection", 3, "[3] User: Maybe."), QUOTE_NOT_FOUND),
        (answer("user", "after_reflection", 3, "I do want ... for once"), QUOTE_NOT_FOUND),
        (answer("nobody", None, None, "never said"), QUOTE_NOT_FOUND),
        (answer("nobody", None, None, ""), QUOTE_NOT_FOUND),
        (answer("supporter", "after_reflection", 3, "I do want to be seen"), NOT_THEIR_WORDS),
        (answer("user", "after_reflection", 4, "You wish to be seen."), NOT_THEIR_WORDS),
        (answer("user", "after_reflection", 4, "to be seen"), NOT_THEIR_WORDS),
        (answer("supporter", "after_reflection", 0, "You look a bit worn."), OPENING_CREDITED),
        (answer("user", None, 3, "I do want to be seen"), HOW_NOT_TOLD),
        (answer("user", "by magic", 3, "I do want to be seen"), HOW_NOT_TOLD),
        (answer("user", ["leaked"], 3, "I do want to be seen"), HOW_NOT_TOLD),
        (answer(None, None, None, ""), "cannot tell"),
        (answer("both", "after_question", 3, "to be seen"), "'named_by' is none of supporter, user, nobody"),
        (answer(True, "after_question", 3, "to be seen"), "'named_by' is none of supporter, user, nobody"),
        (
            answer(["user"], "after_question", 3, "to be seen"),
            "'named_by' is none of supporter, user, nobody",
        ),
        ({"quote": "to be seen"}, "no 'named_by' in the answer"),
        ({}, "no 'named_by' in the answer"),
    ],
)
def test_everything_else_is_missing(given_answer: object, reason: str) -> None:
    assert verdict_of(given_answer) == Verdict(success=None, missing=reason)


@pytest.mark.parametrize("how", ["after_reflection", "after_question", "volunteered", None, "nonsense"])
def test_what_the_user_says_in_the_first_reply_is_leaked(how: object) -> None:
    verdict = verdict_of(answer("user", how, 1, "only work"), PLAIN)
    assert (verdict.success, verdict.how, verdict.turn) == (False, "leaked", 1)


def test_the_first_user_turn_is_the_first_also_when_the_user_opens() -> None:
    dialogue = talk("I want to be seen.", "You want to be seen.", "Yes, seen.", first="user")
    assert verdict_of(answer("user", "after_question", 0, "I want to be seen"), dialogue).how == "leaked"
    verdict = verdict_of(answer("supporter", "after_reflection", 1, "You want to be seen"), dialogue)
    assert verdict.success is True


@pytest.mark.parametrize(("unlocked", "how", "success"), [([0], "leaked", False), ([0, 1], "after_question", True)])
def test_a_guarded_user_who_names_a_locked_need_leaked(unlocked: list[int], how: str, success: bool) -> None:
    dialogue = talk("You look worn.", "Well.", "And?", "I want to be seen.", unlocked=[[0], unlocked])
    verdict = verdict_of(answer("user", "after_question", 3, "I want to be seen."), dialogue)
    assert (verdict.how, verdict.success) == (how, success)


def test_the_lock_of_the_user_does_not_bind_the_supporter() -> None:
    dialogue = talk("You look worn.", "Well.", "You want to be seen.", "Hm.", unlocked=[[0], [0]])
    verdict = verdict_of(answer("supporter", "after_reflection", 2, "You want to be seen"), dialogue)
    assert verdict.success is True


ECHO = talk("You look sad: home.", "No.", "It is home.", "Home? It is home.", "It is home.", need="I want a home.")


@pytest.mark.parametrize(
    ("named_by", "claimed", "turn"),
    [
        ("supporter", 2, 2),
        ("supporter", 4, 4),
        ("supporter", 1, 2),
        ("supporter", None, 2),
        ("supporter", "4", 2),
        ("supporter", 99, 2),
        ("supporter", True, 2),
        ("user", 3, 3),
        ("user", None, 3),
        ("user", 1, 3),
    ],
)
def test_the_claimed_turn_decides_among_several(named_by: str, claimed: object, turn: int) -> None:
    assert verdict_of(answer(named_by, "after_question", claimed, "It is home."), ECHO).turn == turn


def test_words_of_the_opening_are_credited_where_they_come_back() -> None:
    dialogue = talk("You look sad.", "No.", "You look sad.", "Yes.", need="I want to be sad in peace.")
    verdict = verdict_of(answer("supporter", "after_reflection", 0, "You look sad"), dialogue)
    assert (verdict.success, verdict.turn) == (True, 2)


def test_chinese_quotes_with_marks_and_composed_characters() -> None:
    turns = [Turn(role="user", content="我只是想让家里人\n看见我。Cafe\u0301")]
    assert find_quote("「想让家里人 看见我」", turns) == [0]
    assert find_quote("Café", turns) == [0]
    assert find_quote("想让家人看见我", turns) == []
    assert find_quote("。", turns) == []


WORDS = st.text("abcXYZ 019 .,!?-\"'", min_size=1, max_size=60)


@settings(deadline=None)
@given(WORDS, st.data())
def test_any_piece_of_a_turn_is_found_in_quotes_and_stretched_space(content: str, data: Any) -> None:
    start = data.draw(st.integers(0, len(content) - 1))
    piece = content[start : data.draw(st.integers(start + 1, len(content)))]
    turns = [Turn(role="user", content="x"), Turn(role="supporter", content=content)]
    found = find_quote('"' + piece.replace(" ", " \n ") + '"', turns)
    assert (1 in found) == any(character.isalnum() for character in piece.strip("\"'` "))


@settings(deadline=None)
@given(WORDS, WORDS)
def test_a_quote_that_is_found_stands_there(content: str, quote: str) -> None:
    if find_quote(quote, [Turn(role="user", content=content)]):
        assert "".join(quote.split()).strip("\"'`") in "".join(content.split())


@pytest.mark.parametrize(
    ("given_answer", "success", "missing"),
    [
        ({"named": True, "reason": "x"}, True, None),
        ({"named": False}, False, None),
        ({"named": None}, None, "cannot tell"),
        ({"named": "true"}, None, "'named' is neither true nor false"),
        ({"named": 1}, None, "'named' is neither true nor false"),
        ({"named": 0}, None, "'named' is neither true nor false"),
        ({"named": "不是"}, None, "'named' is neither true nor false"),
        ({"named": "是"}, None, "'named' is neither true nor false"),
        ({"reason": "named"}, None, "no 'named' in the answer"),
        ({}, None, "no 'named' in the answer"),
    ],
)
def test_the_paper_mode_reads_strictly(given_answer: object, success: bool | None, missing: str | None) -> None:
    assert verdict_of(given_answer, kind=NamedAnswer) == Verdict(success=success, missing=missing)


@pytest.mark.parametrize("kind", [NamedAnswer, VerdictAnswer])
@pytest.mark.parametrize("value", [None, True, "user", ["named"], 1])
def test_what_is_no_object_is_no_verdict(value: object, kind: type[NamedAnswer] | type[VerdictAnswer]) -> None:
    assert isinstance(read_answer(value, kind), Missing)


def test_a_quote_in_other_characters_that_only_look_alike_is_not_found() -> None:
    turns = [Turn(role="user", content="\uff11\uff10 years ago, \u2460 the \ufb01rst")]
    assert find_quote("10 years ago", turns) == []
    assert find_quote("the first", turns) == []
    assert find_quote("\uff11\uff10 years ago", turns) == [0]
