"""Attribution: what a transcript shows overrides what a judge says of it, and the judge's word is kept beside it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cocoon.agents.users.trust import TrustGate
from cocoon.core.answers import Missing, read_answer
from cocoon.core.records import (
    MOST_GUESSES,
    Appraisal,
    ChainStep,
    Dialogue,
    Language,
    Profile,
    Turn,
    UserState,
    Verdict,
)
from cocoon.evaluation.success.labelled_cases import ADVERSARIAL_TAGS, all_cases
from cocoon.evaluation.success.mentions import carries_meaning
from cocoon.evaluation.success.uptake import count_guesses, uptake_of
from cocoon.evaluation.success.verdicts import EMPTY_QUOTE, VerdictAnswer

HERE = Path(__file__).parent
SHARED = HERE.parents[3] / "shared" / "cases" / "verdicts.jsonl"
NEED = "I want somebody to notice when I am gone"
ALL, NONE = [0, 1, 2], [0]


def dialogue_of(turns: Sequence[Sequence[Any]], need: str, language: Language = "en") -> Dialogue:
    """Turns of role, words and, for a guarded user, its open nodes; the chain has three nodes."""
    chain = [ChainStep(need="a"), ChainStep(need="b"), ChainStep(need=need)]
    profile = Profile(id="p", language=language, feeling="f", need=need, chain=chain)
    spoken = [
        Turn(role=role, content=words, state=UserState(trust=0, memories=[], **state[0]) if state else None)
        for role, words, *state in turns
    ]
    return Dialogue(id="d", profile=profile, supporter="s", language=language, turns=spoken)


def verdict_of(answer: dict[str, Any], dialogue: Dialogue) -> Verdict:
    read = read_answer(answer, VerdictAnswer)
    return Verdict(success=None, missing=read.reason) if isinstance(read, Missing) else read.verdict(dialogue)


def talk(reply: str, said: str, unlocked: list[int], *later: str) -> Dialogue:
    turns: list[list[Any]] = [
        ["supporter", "You seem a little flat today."],
        ["user", "It is the office, that is all.", {"unlocked": NONE}],
        ["supporter", reply],
        ["user", said, {"unlocked": unlocked}],
    ]
    turns += [[("supporter", "user")[index % 2], words] for index, words in enumerate(later)]
    return dialogue_of(turns, NEED)


def claims(named_by: str, how: str | None, turn: int, quote: str) -> dict[str, Any]:
    return {"named_by": named_by, "how": how, "turn": turn, "quote": quote}


SAID = "I just want somebody to notice when I'm gone."


@pytest.mark.parametrize("quote", ["I", "just", "want", "I just want", "to", "somebody"])
def test_a_quote_without_the_need_in_it_is_no_evidence(quote: str) -> None:
    verdict = verdict_of(claims("user", "after_reflection", 3, quote), talk("Okay.", SAID, ALL))
    assert (verdict.success, verdict.missing) == (None, EMPTY_QUOTE)


@pytest.mark.parametrize(
    ("reply", "claimed", "how"),
    [
        ("An empty desk that nobody looks at.", "after_question", "after_reflection"),
        ("What would you like them to see?", "after_reflection", "after_question"),
        ("What would you like them to see", "after_reflection", "after_question"),
        # Both forms stand there, so that only the judge can say which was taken up.
        ("An empty desk. What would you like them to see?", "after_reflection", "after_reflection"),
        ("An empty desk. What would you like them to see?", "after_question", "after_question"),
    ],
)
def test_the_form_of_the_turn_before_decides_how(reply: str, claimed: str, how: str) -> None:
    verdict = verdict_of(claims("user", claimed, 3, SAID), talk(reply, SAID, ALL))
    assert (verdict.success, verdict.how) == (True, how)
    assert (verdict.claim is not None and verdict.claim.how) == (claimed if claimed != how else False)


@pytest.mark.parametrize("echoes", [1, 3])
def test_what_was_said_while_locked_stays_a_leak_however_often_it_is_echoed(echoes: int) -> None:
    echo = ("You want somebody to notice when you are gone.", "Yes.") * echoes
    dialogue = talk("It is a long day there.", SAID, NONE, *echo)
    verdict = verdict_of(claims("supporter", "after_reflection", len(dialogue.turns) - 2, echo[0]), dialogue)
    assert (verdict.success, verdict.named_by, verdict.how, verdict.turn) == (False, "user", "leaked", 3)
    assert verdict.claim is not None and verdict.claim.named_by == "supporter"


def test_an_earlier_mention_is_found_with_its_own_speaker_and_form() -> None:
    dialogue = talk("Do you want somebody to notice when you are gone?", "Hm.", ALL, "A long day.", SAID)
    verdict = verdict_of(claims("user", "after_reflection", 5, SAID), dialogue)
    assert (verdict.success, verdict.named_by, verdict.how, verdict.turn) == (True, "supporter", "after_question", 2)


def test_what_others_want_and_what_is_denied_is_no_mention() -> None:
    earlier = "My sister wants somebody to notice when she is gone. I don't want anybody to notice when I am gone."
    dialogue = talk("An empty desk.", earlier, ALL, "And yet.", SAID)
    verdict = verdict_of(claims("user", "after_reflection", 5, SAID), dialogue)
    assert (verdict.turn, verdict.claim) == (5, None)


def test_a_failure_with_empty_evidence_stands_and_is_marked() -> None:
    dialogue = talk("Okay.", "I am tired.", NONE)
    verdict = verdict_of(claims("nobody", None, 0, "You"), dialogue)
    assert (verdict.success, verdict.empty_evidence) == (False, True)


GUESS = "Perhaps you want somebody to notice when you are gone."


@pytest.mark.parametrize(
    ("words", "uptake"),
    [
        ("No, that is not it at all.", "denied"),
        ("Not really. They're fine.", "denied"),
        ("I don't want that. I want quiet.", "denied"),
        ("Yes. I do.", "taken_up"),
        ("Maybe. I had not put it like that.", "taken_up"),
        ("Nobody ever notices when I go.", "taken_up"),
        ("No one has ever said that to me. Yes.", "taken_up"),
        ("The printer is broken again.", "ignored"),
    ],
)
def test_how_a_guess_was_taken(words: str, uptake: str) -> None:
    verdict = verdict_of(claims("supporter", "after_reflection", 2, GUESS), talk(GUESS, words, NONE))
    assert (verdict.success, verdict.uptake, verdict.guesses) == (True, uptake, 1)


@pytest.mark.parametrize(
    ("words", "uptake"),
    [
        ("不是，跟这个没关系。", "denied"),
        ("你想多了。", "denied"),
        ("我才不需要谁来记着。", "denied"),
        ("嗯……是吧。", "taken_up"),
        ("被你说中了。", "taken_up"),
        ("也许吧，我没这么想过。", "taken_up"),
        ("打印机又坏了。", "ignored"),
    ],
)
def test_how_a_chinese_guess_was_taken(words: str, uptake: str) -> None:
    turns = [
        ["supporter", "你今天有些低落。"],
        ["user", "没什么。"],
        ["supporter", "你希望有人记着你。"],
        ["user", words],
    ]
    dialogue = dialogue_of(turns, "我希望我不在的时候有人记着我", "zh")
    assert uptake_of(dialogue.turns, 2, dialogue.profile) == uptake


def test_a_guess_at_the_end_of_a_talk_has_no_uptake() -> None:
    dialogue = dialogue_of([["user", "Well."], ["supporter", GUESS]], NEED)
    assert uptake_of(dialogue.turns, 1, dialogue.profile) is None


@pytest.mark.parametrize(
    ("turn", "language", "guesses"),
    [
        (
            "You want rest, praise, money, a friend, a home, a way out, and somebody to notice when you are gone.",
            "en",
            7,
        ),
        ("Maybe you wish to leave. Or you hope that he stays.", "en", 2),
        ("It was a long day.", "en", 0),
        ("你想要休息、夸奖、朋友、一个家，还是有人记着你。", "zh", 5),
        ("今天真长。", "zh", 0),
    ],
)
def test_guesses_are_counted_in_a_turn(turn: str, language: Language, guesses: int) -> None:
    assert count_guesses(turn, language) == guesses


@pytest.mark.parametrize(
    ("quote", "need", "language"),
    [
        ("a wish that somebody would take care of you for a change", "I want someone to look after me for once", "en"),
        ("you want to be believed", "I want to be believed", "en"),
        ("这是我的地方，这儿的人也拿我当自己人", "我希望在这座城市有归属感", "zh"),
    ],
)
def test_other_words_of_the_same_meaning_are_evidence(quote: str, need: str, language: Language) -> None:
    assert carries_meaning(quote, need, language)


def test_the_user_keeps_the_turn_that_earned_its_need_and_the_verdict_shows_it() -> None:
    gate, profile = TrustGate("easy", "naming"), dialogue_of([], NEED).profile
    naming = Appraisal(accuracy="accurate", pressure=0, touched=2)
    idle = Appraisal(accuracy="none", pressure=0)
    state = gate.begin(profile)
    for turn, appraisal in ((2, naming), (4, idle), (6, idle)):
        state = gate.step(state, appraisal, profile, turn=turn)
        if 2 in state.unlocked:
            break
    assert (turn, state.earned["2"]) == (4, 2)
    dialogue = dialogue_of([], NEED)
    words = [
        "You seem flat.",
        "Hm.",
        GUESS.replace("Perhaps ", "A sense that "),
        "The printer.",
        "What about it?",
        SAID,
    ]
    dialogue.turns = [Turn(role=("supporter", "user")[i % 2], content=text) for i, text in enumerate(words)]
    dialogue.turns[2].content = "Something is missing at that desk."
    dialogue.turns[5].state = state
    verdict = verdict_of(claims("user", "after_question", 5, SAID), dialogue)
    assert (verdict.how, verdict.earned, verdict.earned_how) == ("after_question", 2, "after_reflection")


def test_trust_that_falls_again_loses_what_had_not_opened_yet() -> None:
    gate, profile = TrustGate("easy", "naming"), dialogue_of([], NEED).profile
    state = gate.step(gate.begin(profile), Appraisal(accuracy="accurate", pressure=0), profile, turn=2)
    assert state.earned == {"0": 2, "1": 2, "2": 2} or "2" in state.earned
    pressed = gate.step(state, Appraisal(accuracy="wrong", pressure=2), profile, turn=4)
    assert "2" not in pressed.earned


@pytest.mark.skipif(not SHARED.exists(), reason="the shared cases are not here")
def test_the_shared_cases() -> None:
    for line in SHARED.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        verdict = verdict_of(case["answer"], dialogue_of(case["turns"], case["need"]))
        expected = case["expect"]
        assert (verdict.success is None) == expected.get("missing", False), case["id"]
        for field in ("success", "how", "uptake"):
            assert field not in expected or getattr(verdict, field) == expected[field], case["id"]


ADVERSARIAL = [case for case in all_cases() if case.case in ADVERSARIAL_TAGS]


def test_adversarial_talks_give_no_wrong_success_and_hardly_a_wrong_miss() -> None:
    missing = []
    for case in ADVERSARIAL:
        label, dialogue = case.label, case.dialogue()
        verdict = verdict_of(claims(label.named_by, label.how, label.turn or 0, label.quote), dialogue)
        missing += [case.id] if verdict.success is None else []
        assert verdict.success in (None, label.success), case.id
        for quote in ("I", "Okay", "the", "我", "嗯", "的"):
            assert not verdict_of(claims(label.named_by, label.how, label.turn or 0, quote), dialogue).success, case.id
    assert len(ADVERSARIAL) == 100 and len(missing) <= 5, missing


def test_adversarial_talks_are_read_in_their_kinds() -> None:
    for case in ADVERSARIAL:
        label, dialogue = case.label, case.dialogue()
        verdict = verdict_of(claims(label.named_by, label.how, label.turn or 0, label.quote), dialogue)
        if case.case == "echo_of_leak":
            echo = verdict_of(claims("supporter", "after_reflection", 4, case.turns[4].content), dialogue)
            assert (echo.success, echo.named_by, echo.turn) == (False, "user", 3), case.id
        elif case.case == "denied_need":
            assert (verdict.success, verdict.uptake, verdict.taken_up) == (True, "denied", False), case.id
        elif case.case == "list_of_guesses":
            assert verdict.guesses is not None and verdict.guesses > MOST_GUESSES and not verdict.taken_up, case.id
        elif case.case == "late_unlocking":
            assert (verdict.earned, verdict.earned_how, verdict.how) == (2, "after_reflection", "after_question"), (
                case.id
            )
