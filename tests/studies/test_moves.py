"""Moves: at the branched turn the supporter says the content of the real reply in another form, written once."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from langchain_core.messages import BaseMessage

import cocoon
from cocoon.agents.protocols import SupporterView
from cocoon.api.studies import prepare_branches
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import read_objects
from cocoon.core.records import Dialogue, Failure, Language, Move
from cocoon.core.verb_settings import BRANCH, Given
from cocoon.evaluation.text.move_forms import MoveForm, content_problem, form_problem
from cocoon.models.scripted import ScriptedChat
from cocoon.running.folder import read_run
from cocoon.studies.branches.credit import Future, FutureArm, arm_contrast, move_curve
from cocoon.studies.branches.report import contrast_over_people
from cocoon.studies.branches.run import read_futures
from cocoon.tests.conversations import shipped_profiles

PEOPLE = [profile for profile in shipped_profiles() if profile.language == "en"][:3]
ROUNDS = 4
REPLY = "It sounds as if the long day at work left you empty."
WRITTEN = {
    "a question": "Did the long day at work leave you empty?",
    "a statement": "The long day at work left you empty.",
    "a reflection": "You feel that the long day at work left you empty.",
    "advice": "You could try to rest after the long day at work that left you empty.",
}


def form_asked(prompt: str) -> str:
    return next(form for form in WRITTEN if f"\n- {form}:" in prompt)


def writer(answer: Callable[[str], str] = lambda form: WRITTEN[form], *, same: bool = True) -> ScriptedChat:
    """A model that writes each form, unless `answer` says otherwise, and says whether two replies are the same."""

    def script(messages: list[BaseMessage], _: dict[str, Any]) -> str:
        prompt = str(messages[0].content)
        return json.dumps({"same": same} if "<first>" in prompt else {"reply": answer(form_asked(prompt))})

    return ScriptedChat(script=script)


def agents() -> dict[str, Any]:
    """A supporter and a user whose words follow from the words before, so that no order of calls changes them."""

    def supporter(messages: list[BaseMessage], _: dict[str, Any]) -> str:
        return f"{REPLY} I listen, {len(str(messages))}."

    def user(messages: list[BaseMessage], _: dict[str, Any]) -> str:
        return f"Hm. It was a long day, {len(str(messages))}."

    return {"supporter": {"plain": ScriptedChat(script=supporter)}, "user": ScriptedChat(script=user)}


@pytest.fixture
def parents(tmp_path: Path) -> Any:
    return cocoon.simulate(
        **{"profiles": PEOPLE, **agents(), "progress": False, "appraiser": "rule", "rounds": ROUNDS},
        **{"out": tmp_path / "a", "options": {"form_pairs": 0}},
    )


def branches(run: Any, out: Path, **changes: Any) -> Any:
    settings = {"turn": 2, "move": "question", "writer": writer(), **agents(), **changes}
    return cocoon.branch(run, out=out, progress=False, **settings)


def made(out: Path) -> list[Dialogue]:
    return list(read_run(out, "dialogues.jsonl", Dialogue))


def test_a_branch_begins_with_the_move_and_says_parent_turn_and_move(tmp_path: Path, parents: Any) -> None:
    result = branches(parents, tmp_path / "b", move=["question", "silence", "own"], samples=2)
    assert result.exit_code == 0
    by_id = {dialogue.id: dialogue for dialogue in parents.dialogues}
    assert len(made(tmp_path / "b")) == len(PEOPLE) * 3 * 2
    for branch in made(tmp_path / "b"):
        parent = by_id[branch.parent or ""]
        assert branch.branched_at == 4 and len(branch.turns) == len(parent.turns)
        assert [turn.content for turn in branch.turns[:4]] == [turn.content for turn in parent.turns[:4]]
        assert branch.turns[4].role == "supporter" and branch.stop_reason == "rounds"
        first = {"question": WRITTEN["a question"], "silence": "...", None: REPLY}[branch.move]
        assert branch.turns[4].content.startswith(first)
        assert bool(branch.turns[4].calls) == (branch.move is None)
    lines = [line for _, line in read_objects(tmp_path / "b" / "dialogues.jsonl", "id")]
    assert {line.get("move", "unwritten") for line in lines} == {"question", "silence", "unwritten"}
    assert "move.question" not in json.dumps(lines)


@pytest.mark.parametrize(
    ("moves", "meaning", "asked"),
    [(["question", "advice", "silence"], "vectors", 2), (["statement", "own"], "model", 2), (["own"], "none", 0)],
)
def test_the_dry_run_counts_the_calls_of_moves_exactly(
    tmp_path: Path, parents: Any, moves: list[str], meaning: str, asked: int
) -> None:
    chat = writer()
    given, settings = Given(BRANCH, {"samples": 3, **agents()}, None, None, ()), {"move": moves, "meaning": meaning}
    expected = prepare_branches(parents, tmp_path / "b", given, ["2", "4"], settings).estimate()
    result = branches(parents, tmp_path / "b", turn=[2, 4], samples=3, writer=chat, **settings)
    spoken = sum(len(turn.calls) for dialogue in made(tmp_path / "b") for turn in dialogue.turns)
    assert result.exit_code == 0
    assert expected["dialogues"] == len(made(tmp_path / "b")) == len(PEOPLE) * 2 * len(moves) * 3
    assert len(chat.seen) == asked * len(PEOPLE) * 2
    assert expected["calls"] == spoken + len(chat.seen)


def test_killed_branches_of_moves_go_on_and_come_out_equal(tmp_path: Path, parents: Any) -> None:
    moves, first, second = ["question", "reflection", "own"], writer(), writer()
    branches(parents, tmp_path / "whole", move=moves, writer=first)
    stopped = branches(parents, tmp_path / "b", move=moves, writer=second, budget_calls=7)
    assert stopped.exit_code == 3 and len(made(tmp_path / "b")) < len(made(tmp_path / "whole"))
    asked = len(second.seen)
    assert branches(parents, tmp_path / "b", move=moves, writer=second).exit_code == 0
    assert len(second.seen) == len(first.seen) >= asked
    assert [branch.model_dump() for branch in made(tmp_path / "b")] == [
        branch.model_dump() for branch in made(tmp_path / "whole")
    ]
    with pytest.raises(CocoonError, match="or other moves"):
        branches(parents, tmp_path / "b", move=["question"], writer=second)


@pytest.mark.parametrize(
    ("answer", "meaning", "reason"),
    [
        ("You had a long day at work.", "vectors", "this asks no question"),
        ("What is your favourite colour of paint?", "vectors", "something else than the reply"),
        (WRITTEN["a question"], "model", "has not the content"),
    ],
)
def test_a_move_that_fails_its_check_is_missing_with_its_reason(
    tmp_path: Path, parents: Any, answer: str, meaning: str, reason: str
) -> None:
    chat = writer(lambda _: answer, same=False)
    result = branches(parents, tmp_path / "b", move=["question", "own"], meaning=meaning, writer=chat)
    assert result.exit_code == 1
    assert {branch.move for branch in made(tmp_path / "b")} == {None}
    failures = list(read_run(tmp_path / "b", "failures.jsonl", Failure))
    assert len(failures) == len(PEOPLE)
    assert all(failure.reason == "move" and reason in failure.message for failure in failures)
    assert dict(result.report.facts)["Branches whose move could not be written"] == str(len(PEOPLE))
    asked = len(chat.seen)
    branches(parents, tmp_path / "b", move=["question", "own"], meaning=meaning, writer=chat)
    assert len(chat.seen) == asked


def test_a_function_of_ones_own_is_a_move_and_is_run_once_for_all_futures(tmp_path: Path, parents: Any) -> None:
    words: list[str] = []

    def softer(view: SupporterView, reply: str) -> str:
        words.append(reply)
        return f"{reply} I am with you{'' if view.last else ', stranger'}."

    branches(parents, tmp_path / "b", move={"softer": softer}, samples=2)
    assert len(made(tmp_path / "b")) == 2 * len(PEOPLE) and len(words) == len(PEOPLE)
    for branch in made(tmp_path / "b"):
        assert branch.move == "softer" and branch.turns[4].content in {f"{reply} I am with you." for reply in words}


def test_a_move_can_be_named_by_the_file_of_its_function(tmp_path: Path, parents: Any) -> None:
    file = tmp_path / "my_move.py"
    file.write_text("async def thanks(view, words):\n    return 'Thank you for telling me.'\n", encoding="utf-8")
    branches(parents, tmp_path / "b", move=f"python:{file}:thanks")
    assert {(branch.move, branch.turns[4].content) for branch in made(tmp_path / "b")} == {
        ("thanks", "Thank you for telling me.")
    }


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"move": "joke"}, "--move joke: choose question"),
        ({"move": ["question", "question"]}, "two moves are named 'question'"),
        ({"move": "own=python:x.py:f"}, "cannot be the name of a move of your own"),
        ({"outcome": "Luck"}, "--outcome Luck: choose Disclosed"),
        ({"enough": -1}, "--enough -1"),
    ],
)
def test_a_move_that_does_not_exist_is_one_line(
    tmp_path: Path, parents: Any, settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(CocoonError, match=said):
        branches(parents, tmp_path / "b", **settings)


@pytest.mark.parametrize("form", get_args(MoveForm))
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_form_is_told_from_the_others_by_its_words(form: MoveForm, language: Language) -> None:
    spoken = {
        "en": dict(zip(get_args(MoveForm), WRITTEN.values(), strict=True)),
        "zh": {
            **{"question": "忙了一天，你是不是觉得很空？", "statement": "忙了一天，心里空空的。"},
            **{"reflection": "忙了一天，你觉得心里很空。", "advice": "忙了一天心里空空的，你可以试着早点休息。"},
        },
    }[language]
    assert form_problem(spoken[form], form, language) is None
    for other in set(get_args(MoveForm)) - {form}:
        if {form, other} != {"statement", "reflection"}:
            assert form_problem(spoken[other], form, language) is not None
    assert content_problem(spoken[form], spoken["statement"], language) is None
    assert content_problem("What is your favourite colour?", spoken["statement"], "en") is not None


def test_the_credit_of_a_move_is_counted_against_the_supporters_own_reply() -> None:
    def future(move: str | None, value: float) -> Future:
        return Future("d", "p", 2, "s", {"Aff": value}, move)

    futures = [future(None, 2.0), future(None, 4.0), future("question", 6.0), future("question", 8.0)]
    assert move_curve(futures, "d", FutureArm("s", "question"), "Aff")[2].value == 4.0
    assert arm_contrast(futures, "d", 2, (FutureArm("s", "question"), FutureArm("s")), "Aff").value == 4.0
    assert move_curve(futures[2:], "d", FutureArm("s", "question"), "Aff") == {}


def test_a_talk_that_is_not_left_at_a_round_is_not_missing_there() -> None:
    futures = [
        Future(f"{person}.s.0", person, number, "s", {"Aff": value}, move)
        for person, number in (("p", 1), ("q", 2))
        for move, value in (("question", 3.0), ("statement", 2.0))
    ]
    pair = FutureArm("s", "question"), FutureArm("s", "statement")
    difference = contrast_over_people(futures, pair, "Aff")
    assert (difference.value, difference.n, difference.missing) == (1.0, 2, 0)


def test_the_report_compares_moves_within_the_prefix_and_gives_their_credit(tmp_path: Path, parents: Any) -> None:
    moves = ["question", "statement", "own"]
    result = branches(parents, tmp_path / "b", turn="every", move=moves, samples=2)
    tables = {table.id: table for table in result.report.tables}
    differences = {row.labels[1] for row in tables["contrasts"].rows}
    assert "plain, statement less plain, question" in differences and "plain, question less plain" in differences
    assert {row.labels[0] for row in tables["contrasts"].rows} == {*map(str, range(1, ROUNDS + 1)), "all"}
    assert {row.labels[2] for row in tables["credit"].rows} == {"as given", "question", "statement"}
    assert {row.labels[1] for row in tables["credit_by_move"].rows} <= set(get_args(Move))
    futures, _ = read_futures(tmp_path / "b", tmp_path / "a")
    assert all(future.outcomes["Next length"] for future in futures if future.round < ROUNDS and future.supporter)
    assert all(future.outcomes["Next length"] is None for future in futures if future.round == ROUNDS)
