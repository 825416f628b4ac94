"""The rules that see moves: what earns, what saturates, what breaks and is repaired, and when a layer opens."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from cocoon.agents.users.attuned import (
    ATTUNED,
    FASTEST,
    MOST_CREDIT,
    READY,
    REPAIR,
    RUPTURE,
    SLOWEST,
    Gains,
    Ladder,
    advance,
    attuned,
    pace_of,
)
from cocoon.agents.users.trust import PRESETS, RULES, Difficulty, TrustGate
from cocoon.core.records import Appraisal, Move, Profile, UserState
from cocoon.evaluation.text.moves import is_answered, move_by_rule
from cocoon.tests.conversations import Scripted, shipped_profiles
from cocoon.tests.graphs.test_conversation import leaks, states

PROFILES = shipped_profiles()
GATE = TrustGate("normal", "attuned")
FIRST = PROFILES[0]


def moved(move: Move, accuracy: str = "none", touched: int | None = None, pressure: int = 0) -> Appraisal:
    return Appraisal.model_validate({"accuracy": accuracy, "pressure": pressure, "touched": touched, "move": move})


def after(*turns: Appraisal, profile: Profile = FIRST, answered: bool = True, gate: TrustGate = GATE) -> UserState:
    """The state after some supporter turns, at indices 2, 4, 6 of the talk."""
    state = gate.begin(profile)
    for number, taken in enumerate(turns, 1):
        state = gate.step(state, taken, profile, 2 * number, answered)
    return state


REFLECTS, ASKS, ADVISES = moved("simple_reflection"), moved("open_question"), moved("advice")
LADDER = Ladder([0.5, 1.5, 3.0], 0.0, 3.0)


def test_attuned_rules_are_the_default() -> None:
    assert TrustGate().rules == "attuned" and TrustGate().sees_moves and not TrustGate(rules="naming").sees_moves


@pytest.mark.parametrize(
    ("taken", "change"),
    [
        (moved("simple_reflection"), 0.7),
        (moved("complex_reflection"), 1.0),
        (moved("open_question"), 0.7),
        (moved("self_disclosure"), 0.3),
        (moved("probe"), -0.5),
        (moved("closed_question"), 0.0),
        (moved("naming", "near", 0), 1.0),
        (moved("naming", "accurate", 0), 1.6),
        (moved("naming", "wrong", 0), -1.0),
        (moved("simple_reflection", pressure=2), -2.0),
    ],
)
def test_what_the_first_turn_of_a_talk_changes(taken: Appraisal, change: float) -> None:
    assert ATTUNED.of(taken) == change


def test_what_is_left_of_a_gain_falls_by_a_share_or_by_a_power() -> None:
    assert [Gains({}, {}, 0.5).left(moves) for moves in range(3)] == [1.0, 0.5, 0.25]
    assert [Gains({}, {}, 0.5, slope=-1.0).left(moves) for moves in range(3)] == [1.0, 1 / 2, 1 / 3]


def test_an_answer_earns_nothing_under_rules_that_list_no_question() -> None:
    ladder = Ladder([2.0, 4.0], 1.0, 4.0, gains=Gains({}, {}, 0.7))
    before = UserState(trust=1.5, unlocked=[], newly=[], memories=[], question=3)
    assert advance(before, None, ladder, 6, answered=True).trust == 1.5


def test_reflections_earn_and_each_further_one_less() -> None:
    earned = [after(*[REFLECTS] * number).trust for number in range(4)]
    gains = [later - earlier for earlier, later in pairwise(earned)]
    assert gains[0] > gains[1] > gains[2] > 0


def test_an_open_question_earns_what_a_reflection_earns_once_it_is_answered() -> None:
    asked = after(ASKS)
    assert (asked.trust, asked.question) == (0, 2)
    answered, evaded = (after(ASKS, ADVISES, answered=said) for said in (True, False))
    assert answered.trust == after(REFLECTS).trust > evaded.trust == 0
    assert answered.question is None


def test_a_layer_opens_by_reflections_and_the_turn_that_earned_it_is_recorded() -> None:
    state, turns = GATE.begin(FIRST), 0
    while not state.newly:
        turns += 1
        state = GATE.step(state, REFLECTS, FIRST, 2 * turns)
    assert (state.unlocked, state.earned, state.attuned) == ([0, 1], {"1": 2 * turns}, 0)


def test_a_layer_that_an_answer_opened_was_earned_by_its_question() -> None:
    state, turns = GATE.begin(FIRST), 0
    while not state.newly:
        turns += 1
        state = GATE.step(state, ASKS, FIRST, 2 * turns, answered=True)
    assert state.earned == {"1": 2 * (turns - 1)}


def test_naming_the_next_layer_earns_more_and_opens_it() -> None:
    named = after(REFLECTS, moved("naming", "accurate", 1))
    assert named.unlocked == [0, 1] and named.ruptured is None
    assert named.trust > after(REFLECTS, moved("complex_reflection")).trust
    assert after(*[moved("naming", "accurate", 0)] * 5).trust <= MOST_CREDIT


def test_too_deep_too_soon_is_a_rupture_that_attuned_moves_repair() -> None:
    broken = after(REFLECTS, moved("naming", "accurate", 2))
    assert (broken.ruptured, broken.rupture, broken.touched_locked) == ("too_deep", RUPTURE, True)
    assert broken.trust == pytest.approx(after(REFLECTS).trust - RUPTURE)
    state = broken
    for number in range(round(RUPTURE / REPAIR)):
        assert state.rupture > 0 and state.unlocked == [0]
        state = GATE.step(state, REFLECTS, FIRST, 6 + 2 * number)
    assert (state.rupture, state.ruptured, state.trust) == (0, None, after(REFLECTS).trust)


def test_the_need_named_right_after_the_layer_above_it_is_too_soon() -> None:
    blunt = after(moved("naming", "accurate", 1), moved("naming", "accurate", 2))
    assert blunt.ruptured in ("too_deep", "too_soon") and 2 not in blunt.unlocked


@pytest.mark.parametrize(
    ("layer", "opened", "trust", "broken"),
    [
        (0, 1, 0.0, None),
        (0, 0, 0.0, None),
        (1, 0, 0.0, "too_deep"),
        (1, 0, 1.5, None),
        (1, 1, 0.6, None),
        (2, 1, 2.9, "too_deep"),
        (2, 2, 3 * READY - 0.01, "too_soon"),
        (2, 2, 3 * READY, None),
        (2, 2, 3.0, None),
    ],
)
def test_naming_a_layer_breaks_what_is_not_near_it(layer: int, opened: int, trust: float, broken: str | None) -> None:
    assert LADDER.breaks(layer, opened, trust) == broken


def test_what_earns_nothing_repairs_nothing_and_counts_as_no_attuned_move() -> None:
    broken = UserState(trust=0.25, unlocked=[], newly=[], memories=[], rupture=1.0, attuned=1)
    advised = advance(broken, ADVISES, LADDER, 4, answered=True)
    assert (advised.trust, advised.rupture, advised.attuned) == (0.25, 1.0, 1)
    reflected = advance(broken, REFLECTS, LADDER, 4, answered=True)
    assert (reflected.trust, reflected.rupture, reflected.attuned) == (0.25 + REPAIR, 1.0 - REPAIR, 1)


def test_naming_repairs_what_is_broken_as_a_reflection_does() -> None:
    broken = UserState(trust=0.25, unlocked=[], newly=[], memories=[], rupture=1.0)
    named = advance(broken, moved("naming", "near", 0), LADDER, 4, answered=True)
    assert (named.trust, named.rupture, named.credit) == (0.25 + REPAIR, 1.0 - REPAIR, {})


def test_attuned_moves_are_counted_on_a_layer_until_it_opens() -> None:
    begun = UserState(trust=0.0, unlocked=[], newly=[], memories=[])
    slow = replace(LADDER, pace=1 / 3)
    first = advance(begun, REFLECTS, slow, 2, answered=True)
    assert (first.trust, first.attuned, first.newly, first.earned) == (0.233, 1, [], {})
    second = advance(first, REFLECTS, slow, 4, answered=True)
    assert (second.trust, second.attuned, second.newly) == (0.396, 2, [])
    third = advance(second, REFLECTS, slow, 6, answered=True)
    assert (third.trust, third.attuned, third.newly, third.earned) == (0.51, 0, [0], {"0": 6})


def test_pressing_costs_and_the_user_leaves() -> None:
    state = after(moved("pressure", pressure=2), moved("pressure", pressure=2))
    assert state.pressed and GATE.leaves(state)


@pytest.mark.parametrize("move", ["advice", "closed_question", "other", None])
def test_what_is_not_attuned_earns_nothing(move: Move | None) -> None:
    assert attuned(Appraisal(accuracy="none", pressure=0, move=move)) == 0


def test_an_appraisal_that_could_not_be_read_changes_nothing_but_lets_the_answer_count() -> None:
    state = GATE.step(after(ASKS), None, FIRST, 4, answered=True)
    assert (state.appraisal, state.trust, state.question) == (None, after(REFLECTS).trust, None)
    assert GATE.step(after(REFLECTS), None, FIRST, 4).trust == after(REFLECTS).trust


def test_people_have_a_pace_of_their_own_that_stays() -> None:
    paces = [pace_of(profile.id) for profile in PROFILES]
    assert len(set(paces)) == len(PROFILES) and all(SLOWEST <= pace <= FASTEST for pace in paces)
    assert paces == [pace_of(profile.id) for profile in PROFILES]


def test_states_of_other_rules_are_written_as_they_were() -> None:
    gate = TrustGate("normal", "naming")
    written = gate.step(gate.begin(FIRST), Appraisal(accuracy="near", pressure=0), FIRST, 2).model_dump()
    assert not {"attuned", "question", "ruptured", "rupture"} & set(written) and "move" not in written["appraisal"]
    assert RULES["neutral"] is RULES["naming"]


@pytest.mark.parametrize("difficulty", PRESETS)
@pytest.mark.parametrize("profile", PROFILES[::5], ids=lambda profile: profile.id)
async def test_no_prompt_holds_what_is_locked_under_attuned_rules(
    tmp_path: Path, profile: Profile, difficulty: Difficulty
) -> None:
    deepest = len(profile.chain) - 1
    turns = [moved("naming", "accurate", deepest), *[REFLECTS] * 6, moved("naming", "accurate", 1), *[ASKS] * 4]
    replies = [json.dumps(taken.model_dump()) for taken in turns]
    gate = TrustGate(difficulty, "attuned")
    scripted = Scripted(tmp_path, profile, appraisals=replies, user=["It was loud."], gate=gate, rounds=12)
    spoken, _ = await scripted.run()
    assert len(states(spoken)) == len(scripted.prompts("user")) > 2
    for prompt, state in zip(scripted.prompts("user"), states(spoken), strict=True):
        assert leaks(profile, state, prompt) == set()
    assert states(spoken)[1].ruptured is not None
    assert "complex_reflection" in scripted.prompts("appraiser")[0]


@pytest.mark.parametrize(
    ("last", "said", "move"),
    [
        ("He hung up on you.", "He hung up on me.", "simple_reflection"),
        ("He hung up, and the words stay with you.", "He hung up on me last night.", "complex_reflection"),
        ("Did he hang up on you?", "He hung up on me.", "simple_reflection"),
        ("What was that like?", "He hung up on me.", "open_question"),
        ("Tell me what that was like.", "He hung up on me.", "open_question"),
        ("Have you eaten today?", "He hung up on me.", "closed_question"),
        ("You should try to get more sleep.", "He hung up on me.", "advice"),
        ("I have been there.", "He hung up on me.", "self_disclosure"),
        ("Good morning.", "He hung up on me.", "other"),
        ("他直接就挂了电话。", "他直接挂了电话。", "simple_reflection"),
        ("那时候你是什么样的感受？", "他直接挂了电话。", "open_question"),
        ("说说那天晚上吧。", "他直接挂了电话。", "open_question"),
        ("你应该多休息。", "他直接挂了电话。", "advice"),
        ("早上好。", "他直接挂了电话。", "other"),
    ],
)
def test_the_rule_knows_moves_by_their_content(last: str, said: str, move: Move) -> None:
    assert move_by_rule(last, said) == move


@pytest.mark.parametrize(
    "words",
    ["", "...", "Hm.", "I don't know.", "It's nothing much.", "I'd rather not talk about it.", "没什么。", "还好吧。"],
)
def test_a_way_out_is_no_answer(words: str) -> None:
    assert not is_answered(words)
    assert is_answered(f"{words} He hung up on me and I sat there.")
