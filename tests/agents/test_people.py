"""The rules that were fitted to people: the order of moves, the lengths they ask for, and the script of the fit."""

import csv
import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from cocoon.agents.users.guarded import LENGTH
from cocoon.agents.users.people import answer_plan, fitted_people, people_gains
from cocoon.agents.users.trust import FITTED, RULES, TrustGate
from cocoon.benchmarks.evaluation.people_rules import MOVES, Answer, compared, in_order, pooled, read_answers, rules_of
from cocoon.core.config import TrustRules
from cocoon.core.errors import CocoonError
from cocoon.core.records import Appraisal, Language, Move, Profile, UserState
from cocoon.tests.conversations import Scripted, shipped_profiles

MOVED = json.dumps({"accuracy": "none", "pressure": 0, "touched": None, "move": "open_question"})
FIRST = shipped_profiles()[0]
POOLS: Sequence[Sequence[Move]] = [
    ["open_question"],
    ["advice", "closed_question", "other"],
    ["complex_reflection", "simple_reflection"],
]


def after(move: Move, gate: TrustGate, profile: Profile = FIRST, turn: int = 2) -> UserState:
    taken = Appraisal.model_validate({"accuracy": "none", "pressure": 0, "move": move})
    return gate.step(gate.begin(profile), taken, profile, turn, True)


def words(move: Move, rules: TrustRules = "people", turn: int = 10, language: Language = "en") -> list[int]:
    fitted = fitted_people().rules[rules]
    return [answer_plan(fitted, move, f"person {number}", turn, language).words for number in range(400)]


@pytest.mark.parametrize("rules", FITTED)
def test_every_draw_of_the_rules_keeps_the_order_of_the_moves(rules: TrustRules) -> None:
    gains = fitted_people().rules[rules].gains
    for above, below in pairwise(POOLS):
        assert min(gains[move] for move in above) > max(gains[move] for move in below)
        assert min(median(words(move, rules)) for move in above) > max(median(words(move, rules)) for move in below)


def test_reflections_fade_as_people_do_and_are_no_wall() -> None:
    gate, state, trust = TrustGate(rules="people"), TrustGate(rules="people").begin(FIRST), [0.0]
    taken = Appraisal.model_validate({"accuracy": "none", "pressure": 0, "move": "simple_reflection"})
    for number in range(1, 60):
        state = gate.step(state, taken, FIRST, 2 * number)
        trust.append(state.trust)
    assert trust[1] - trust[0] > trust[5] - trust[4] > 0
    assert len(state.unlocked) == len(FIRST.chain)


@pytest.mark.parametrize("turn", [2, 6, 11])
def test_a_plan_is_that_of_the_move_in_its_round(turn: int) -> None:
    plan = after("open_question", TrustGate(rules="people-1"), turn=turn).plan
    assert plan == answer_plan(fitted_people().rules["people-1"], "open_question", FIRST.id, turn // 2, FIRST.language)
    rounds = [after("open_question", TrustGate(rules="people-1"), turn=2 * number).plan for number in range(1, 9)]
    assert len(set(rounds)) > 4


@pytest.mark.parametrize("rules", FITTED)
def test_a_fitted_rule_is_by_the_gains_of_its_fit(rules: TrustRules) -> None:
    for move in ("simple_reflection", "open_question", "advice"):
        taken = Appraisal.model_validate({"accuracy": "none", "pressure": 0, "move": move})
        assert RULES[rules](taken) == people_gains(rules).of(taken)


def test_draws_are_several_users() -> None:
    assert len({fitted_people().rules[rules].gains["open_question"] for rules in FITTED}) == len(FITTED)


def test_lengths_are_those_of_the_clients_of_counsellors() -> None:
    assert 13 <= median(words("open_question")) <= 21
    assert 1 <= median(words("simple_reflection")) <= 5
    assert max(words("open_question")) > 40, "some answers are long"
    assert np.mean(words("open_question", turn=1)) > np.mean(words("open_question", turn=60))
    assert np.mean(words("other", language="zh")) == pytest.approx(1.5 * np.mean(words("other")), rel=0.05)


def test_a_state_says_how_long_the_answer_is_to_be_and_only_under_these_rules() -> None:
    planned = after("open_question", TrustGate(rules="people"))
    assert planned.plan is not None and planned == after("open_question", TrustGate(rules="people"))
    assert after("open_question", TrustGate()).plan is None
    assert "plan" not in after("open_question", TrustGate()).model_dump(mode="json")


def test_a_move_that_nobody_coded_is_answered_like_any_other_and_costs_what_it_costs() -> None:
    gate, attuned = TrustGate(rules="people"), TrustGate()
    assert after("probe", gate).trust == after("probe", attuned).trust < 0
    assert after("probe", gate).plan == after("other", gate).plan


async def test_the_prompt_asks_for_the_length_that_the_rules_gave(tmp_path: Path) -> None:
    asked: dict[TrustRules, str] = {"people": "", "attuned": ""}
    for rules in asked:
        (tmp_path / rules).mkdir()
        cast = Scripted(tmp_path / rules, FIRST, appraisals=[MOVED], gate=TrustGate(rules=rules))
        turns, _ = await cast.run()
        plans = [turn.state.plan for turn in turns if turn.state is not None]
        asked[rules] = cast.prompts("user")[-1].split("<note>")[-1]
        assert all((plan is not None) == (rules == "people") for plan in plans)
        if plans[-1] is not None:
            assert str(plans[-1][0]) in asked[rules]
        assert (LENGTH in {name.partition(".")[0] for name in cast.guarded().facts().prompts}) == (rules == "people")


def planted(move_words: dict[Move, float], transcripts: int = 40) -> list[Answer]:
    draw = np.random.default_rng(4)
    return [
        Answer(number, move, turn, int(draw.poisson(move_words[move])), int(draw.poisson(move_words[move] / 4)), False)
        for number in range(transcripts)
        for turn, move in enumerate(list(MOVES) * 3)
    ]


def test_moves_that_differ_are_kept_apart_and_moves_that_do_not_are_pooled() -> None:
    answers = planted(
        {
            **{"open_question": 20, "closed_question": 10, "advice": 10, "other": 10},
            **{"complex_reflection": 4, "simple_reflection": 4},
        }
    )
    pools = pooled(answers, "words")
    assert [set(pool) for pool in pools] == [set(pool) for pool in POOLS]
    assert in_order(answers, "words", pools)
    rules = rules_of(answers, {"words": pools, "new": pools})
    assert all(row.inside for row in compared([(rules, answer) for answer in answers], "new"))


def test_a_file_in_annomis_layout_is_read_once_for_several_annotators(tmp_path: Path) -> None:
    columns = [
        *("transcript_id", "utterance_id", "interlocutor", "utterance_text", "main_therapist_behaviour"),
        *("question_subtype", "reflection_subtype", "therapist_input_subtype"),
    ]
    file = tmp_path / "talks.csv"
    with file.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(columns)
        for _ in range(2):
            writer.writerow(["2", "0", "therapist", "What brings you here?", "question", "open", "n/a", "n/a"])
            writer.writerow(["2", "1", "client", "My job wears me out. And you?", "n/a", "n/a", "n/a", "n/a"])
    (answer,) = read_answers(file)
    assert (answer.transcript, answer.move, answer.turn, answer.words, answer.asks) == (2, "open_question", 0, 7, True)
    assert answer.new > 0
    (tmp_path / "other.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(CocoonError, match="layout is not AnnoMI's"):
        read_answers(tmp_path / "other.csv")
