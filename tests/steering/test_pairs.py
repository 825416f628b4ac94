"""Contrastive pairs: what is kept and why not, sets kept apart, and the graph that writes them."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import BaseMessage

from cocoon.core.errors import CocoonError
from cocoon.core.records import Dropped, Language
from cocoon.models.by_name import Models
from cocoon.models.scripted import ScriptedChat
from cocoon.running.building.config import PairsConfig
from cocoon.running.building.generation import Generated, generate
from cocoon.running.building.pairs import PairsGenerator, SituationPairs, all_pairs
from cocoon.running.folder import read_run
from cocoon.steering.calibration.behaviour import asks_by_form
from cocoon.steering.pairs.pairs import Pair, PairRules, duplicates, pair_problem, read_pairs
from cocoon.steering.pairs.situations import Situation, check_apart, marks, read_situations, spread_situations
from cocoon.tests.commands import cocoon, said, server

PROFILES = Path(__file__).resolve().parent.parent.parent / "examples" / "profiles"


def pair(question: str, statement: str, name: str = "p", situation: str = "s", language: Language = "en") -> Pair:
    return Pair(
        id=name, situation=situation, language=language, said="I am tired.", question=question, statement=statement
    )


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_shipped_pairs_keep_their_own_rules(language: str) -> None:
    pairs = read_pairs(f"shipped:{language}")
    assert len(pairs) == 120 and len({one.situation for one in pairs}) == 20
    assert not [(one.id, problem) for one in pairs if (problem := pair_problem(one))]
    assert not duplicates(pairs)
    assert {one.licence for one in pairs} == {"CC0-1.0"}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_shipped_sets_share_no_situation(language: str) -> None:
    sets = {name: marks(read_situations(f"shipped:{language}:{name}")) for name in ("choose", "calibrate", "report")}
    sets["pairs"] = [(one.situation, one.said) for one in read_pairs(f"shipped:{language}")]
    sets["profiles"] = marks(read_situations(str(PROFILES / f"{language}.jsonl")))
    assert check_apart(sets) == []
    assert [len(sets[name]) for name in ("choose", "calibrate", "report")] == [12, 32, 32]


@pytest.mark.parametrize(
    ("question", "statement", "reason"),
    [
        ("You must be tired.", "You must be tired.", "mixed_types"),
        ("How was it?", "How was it for you?", "mixed_types"),
        ("How was it? You look tired.", "It was hard.", "mixed_types"),
        ("How was it?", "It was something that you would rather not talk about today.", "length_gap"),
        ("What do you miss the most?", "The bus leaves before dawn.", "meaning"),
    ],
)
def test_pairs_that_differ_in_more_than_asking_are_refused(question: str, statement: str, reason: str) -> None:
    found = pair_problem(pair(question, statement))
    assert found is not None and found[0] == reason


def test_a_pair_that_says_what_an_earlier_one_of_its_situation_says_is_a_duplicate() -> None:
    one = pair("What do you miss the most?", "You miss something the most.", "a")
    other = pair("What do you miss the most??", "Something is missed the most.", "b")
    elsewhere = pair("What do you miss the most?", "You miss something the most.", "c", "t")
    assert duplicates([one, other, elsewhere]).keys() == {"b"}


def test_a_statement_with_a_mark_stuck_on_is_no_question_by_form() -> None:
    asked = ["How do you mean?", "Can you tell me more?", "你还好吗？", "What else?"]
    pasted = ["I'm sorry for your loss?", "You want to talk about it?", "我很抱歉？", "Dude, just what we need?"]
    assert [asks_by_form(one, "zh" if ord(one[0]) > 255 else "en") for one in asked] == [True] * 4
    assert [asks_by_form(one, "zh" if ord(one[0]) > 255 else "en") for one in pasted] == [False] * 4


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_texts_are_judged_without_an_error(one: str, other: str) -> None:
    for language in ("en", "zh"):
        made = Pair.model_construct(
            id="p", situation="s", language=language, said="x", question=one or "?", statement=other or "."
        )
        assert pair_problem(made, PairRules()) is None or pair_problem(made)


def test_overlapping_sets_are_refused_or_told() -> None:
    one = [("a", "I was let go this morning, by email.")]
    near = [("b", "I was let go this morning by e-mail")]
    with pytest.raises(CocoonError, match=r"stand in two sets.*--allow-overlap"):
        check_apart({"pairs": one, "report": near})
    ((first, second, overlap),) = check_apart({"pairs": one, "report": near}, allowed=True)
    assert (first, second) == ("pairs", "report") and overlap.likeness > 85


def test_situations_come_from_dialogues_and_profiles(tmp_path: Path) -> None:
    turns = [{"role": "supporter", "content": "You look sad."}]
    for number in range(8):
        turns += [
            {"role": "user", "content": f"I have said {number} things about my work and my family."},
            {"role": "supporter", "content": "I see."},
        ]
    profile = {"id": "p1", "language": "en", "feeling": "I am worn out by my work."}
    dialogue = {"id": "d", "profile": profile, "supporter": "s", "language": "en", "turns": turns}
    file = tmp_path / "mixed.jsonl"
    file.write_text(json.dumps(dialogue) + "\n" + json.dumps(profile | {"id": "p2"}) + "\n", "utf-8")
    found = read_situations(str(file))
    assert len(found) == 9 and found[-1].text == "I am worn out by my work."
    assert all(one.talk[-1].role == "user" for one in found)
    chosen = spread_situations(found, 10)
    assert sorted(one.source for one in chosen) == ["p1", "p2"], "one a source"
    assert spread_situations(found[6:8], 10)[0].replies >= 7, "a source with late turns alone"
    assert [one.replies for one in found[:8]] == list(range(1, 9))


def writes(messages: list[BaseMessage], _: dict[str, Any]) -> str:
    text = " ".join(str(message.content) for message in messages)
    if "unreadable" in text:
        return "no"
    if "all bad" in text:
        return json.dumps({"pairs": [{"question": "Fine.", "statement": "Fine."}]})
    good = {"question": "What do you miss the most?", "statement": "You miss something the most."}
    bad = {"question": "That is sad.", "statement": "That is sad."}
    return json.dumps({"pairs": [good, bad, good]})


def wrote(out: Path, words: list[str]) -> Generated:
    models = Models()
    models.wrap("scripted:writer", ScriptedChat(script=writes))
    config = PairsConfig.model_validate({"writer": {"model": "scripted:writer"}})
    situations = [
        Situation.model_validate({"id": f"s{n}", "language": "en", "talk": [{"role": "user", "content": text}]})
        for n, text in enumerate(words)
    ]
    generator = PairsGenerator(config, models, situations)
    return asyncio.run(generate(generator, generator.items(), config, models, out))


def test_every_edge_of_the_graph_and_every_refusal_has_its_reason(tmp_path: Path) -> None:
    words = ["I miss my sister.", "This is unreadable.", "This is all bad here.", "I miss my sister!"]
    outcome = wrote(tmp_path, words)
    kept = list(read_run(tmp_path, "situations.jsonl", SituationPairs))
    assert [one.id for one in kept] == ["s0"]
    assert [one.question for one in all_pairs(kept)] == ["What do you miss the most?"]
    assert [one["reason"] for one in kept[0].refused] == ["mixed_types", "duplicate"]
    dropped = {one.id: (one.node, one.reason) for one in read_run(tmp_path, "dropped.jsonl", Dropped)}
    assert dropped == {"s1": ("write", "unreadable"), "s2": ("sieve", "mixed_types"), "s3": ("sieve", "near_duplicate")}
    assert outcome.exit_code == 0


def test_the_command_writes_pairs_over_http(tmp_path: Path) -> None:
    good = {"question": "What do you miss the most?", "statement": "You miss something the most."}
    out = tmp_path / "run"
    with server(lambda _: said(json.dumps({"pairs": [good]}))) as spec:
        done = cocoon("steer", "pairs", "shipped:en:choose", "-n", "2", "--out", str(out), "--model", spec)
    assert done.code == 0, done.err
    pairs = read_pairs(str(out / "pairs.jsonl"))
    assert len(pairs) == 2 and pairs[0].question == good["question"]
    assert "2 pairs of 2 situations, 0 refused" in done.err
