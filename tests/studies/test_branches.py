"""Branches: futures of a talk share its words and its user's memory, and only the rest is asked and paid for."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langchain_core.messages import BaseMessage

import cocoon
from cocoon.agents.protocols import SupporterView, Utterance
from cocoon.api.studies import prepare_branches
from cocoon.core.errors import CocoonError
from cocoon.core.records import AgentFacts, Dialogue
from cocoon.core.verb_settings import BRANCH, Given
from cocoon.evaluation.facts import disclosed
from cocoon.graphs.forks import Fork
from cocoon.models.client import JournaledClient
from cocoon.models.scripted import ScriptedChat
from cocoon.running.folder import read_run
from cocoon.running.manifest import read_manifest
from cocoon.studies.branches.credit import Future, FutureArm, arm_contrast, credit_curve, mean_contrast
from cocoon.studies.branches.run import read_futures
from cocoon.tests.conversations import PLAIN, shipped_profiles

PEOPLE = [profile for profile in shipped_profiles() if profile.language == "en"][:4]
NEEDS = {profile.emotion: profile.need or "" for profile in PEOPLE}
ROUNDS = 6


class Speaker:
    """Says that it listens, and in one round the user's need, which it knows from the emotion."""

    def __init__(self, name: str = "plain", names_at: int | None = None) -> None:
        self.name, self.names_at = name, names_at

    async def speak(self, client: JournaledClient, view: SupporterView) -> Utterance:
        del client
        if view.round == self.names_at:
            return Utterance(content=f"I hear it: {NEEDS[view.emotion]}")
        return Utterance(content=f"I am listening, {view.round}.")

    def facts(self) -> AgentFacts:
        return AgentFacts(name=self.name, kind="speaker", settings={"names_at": str(self.names_at)})


@pytest.fixture
def user(tmp_path: Path) -> str:
    (tmp_path / "user.jsonl").write_text('"Hm. It was a long day."\n"I do not know."\n', encoding="utf-8")
    return f"scripted:{tmp_path / 'user.jsonl'}"


def parents(out: Path, user: str, supporter: Any = None) -> "cocoon.Run":
    return cocoon.simulate(
        **{"profiles": PEOPLE, "supporter": {"plain": supporter or Speaker()}, "user": user, "appraiser": "rule"},
        **{"difficulty": "easy", "rounds": ROUNDS, "out": out, "progress": False, "rules": "naming"},
        options={"form_pairs": 0},
    )


def branches(run: Any, out: Path, **changes: Any) -> Any:
    return cocoon.branch(run, out=out, progress=False, **{"turn": 3, "supporter": {"plain": Speaker()}, **changes})


def test_a_branch_shares_words_and_memory_and_asks_for_the_rest_alone(tmp_path: Path, user: str) -> None:
    run = parents(tmp_path / "a", user)
    result = branches(run, tmp_path / "b", supporter={"plain": Speaker(), "naming": Speaker("naming", 3)}, samples=2)
    assert result.exit_code == 0
    before = {dialogue.id: dialogue for dialogue in run.dialogues}
    made = list(read_run(tmp_path / "b", "dialogues.jsonl", Dialogue))
    assert len(made) == len(PEOPLE) * 2 * 2
    for branch in made:
        parent = before[branch.parent or ""]
        assert branch.branched_at == 6 and len(branch.turns) == len(parent.turns)
        shared = [(turn.role, turn.content, turn.state) for turn in branch.turns[:6]]
        assert shared == [(turn.role, turn.content, turn.state) for turn in parent.turns[:6]]
        assert not any(turn.calls for turn in branch.turns[:6])
        # The user answers in rounds 4 to 6. Supporters of Python and the appraiser by rule ask no model.
        assert [len(turn.calls) for turn in branch.turns[6:]] == [0, 1, 0, 1, 0, 1, 0]
    opened = {name: [disclosed(branch) for branch in made if branch.supporter == name] for name in ("naming", "plain")}
    assert all((one or 0) > (other or 0) for one, other in zip(opened["naming"], opened["plain"], strict=True))


def test_a_talk_goes_on_with_its_own_supporter_unless_others_are_named(tmp_path: Path, user: str) -> None:
    script = tmp_path / "supporter.jsonl"
    script.write_text('"I am listening."\n', encoding="utf-8")
    run = cocoon.simulate(
        **{"profiles": PEOPLE[:2], "supporter": {"a": f"scripted:{script}", "b": f"scripted:{script}"}, "user": user},
        **{"appraiser": "rule", "rounds": 3, "out": tmp_path / "a", "progress": False, "options": {"form_pairs": 0}},
    )
    cocoon.branch(run, turn="every", out=tmp_path / "b", progress=False)
    made = list(read_run(tmp_path / "b", "dialogues.jsonl", Dialogue))
    assert len(made) == 2 * 2 * 3 and all((branch.parent or "").split(".")[1] == branch.supporter for branch in made)


def test_a_planted_reply_has_the_greatest_credit(tmp_path: Path, user: str) -> None:
    planted = 3
    parents(tmp_path / "a", user, Speaker("plain", planted))
    result = branches(tmp_path / "a", tmp_path / "b", turn="every", supporter={"other": Speaker("other")})
    futures, _ = read_futures(tmp_path / "b", tmp_path / "a")
    for parent in {future.parent for future in futures}:
        curve = credit_curve(futures, parent, "other", "Disclosed")
        assert max(curve, key=lambda number: curve[number].value or 0) == planted and len(curve) == ROUNDS
    tables = {table.id: table for table in result.report.tables}
    assert {row.labels[1] for row in tables["credit"].rows} == {str(number) for number in range(1, ROUNDS + 1)}
    for name in ("branches.md", "branches.html", "figures/credit_disclosed.svg"):
        assert (tmp_path / "b" / name).stat().st_size > 100


def test_branches_that_are_there_are_not_made_again_and_others_are_refused(tmp_path: Path, user: str) -> None:
    run = parents(tmp_path / "a", user)
    branches(run, tmp_path / "b")
    first = (tmp_path / "b" / "dialogues.jsonl").read_bytes()
    branches(run, tmp_path / "b")
    assert (tmp_path / "b" / "dialogues.jsonl").read_bytes() == first
    with pytest.raises(CocoonError, match="holds branches of other talks or rounds"):
        branches(run, tmp_path / "b", turn=4)


@pytest.mark.parametrize(
    ("turn", "said"),
    [
        (0, "counted from 1"),
        ("third", "give rounds such as --turn 5, or --turn every"),
        (9, "no dialogue has a supporter's reply in round 9"),
        ([], "give rounds"),
    ],
)
def test_a_turn_that_cannot_be_is_one_line(tmp_path: Path, user: str, turn: Any, said: str) -> None:
    run = parents(tmp_path / "a", user)
    with pytest.raises(CocoonError, match=said):
        branches(run, tmp_path / "b", turn=turn)
    with pytest.raises(CocoonError, match="a folder of their own"):
        branches(run, tmp_path / "a")


def test_a_branch_is_no_parent(tmp_path: Path, user: str) -> None:
    branches(parents(tmp_path / "a", user), tmp_path / "b")
    with pytest.raises(CocoonError, match="is a branch of"):
        branches(tmp_path / "b", tmp_path / "c")


def test_a_fork_lies_before_a_reply_and_the_opening_is_none(tmp_path: Path, user: str) -> None:
    dialogue = next(iter(parents(tmp_path / "a", user).dialogues))
    assert [Fork(dialogue, number).length for number in (1, 2, ROUNDS, ROUNDS + 1)] == [2, 4, 2 * ROUNDS, None]
    no_opening = dialogue.model_copy(update={"turns": dialogue.turns[1:]})
    assert [Fork(no_opening, number).length for number in (1, 2)] == [1, 3]


def future(number: int, value: float, supporter: str | None = "s") -> Future:
    return Future("d", "p", number, supporter, {"Aff": value})


def test_a_credit_is_the_value_after_a_reply_less_that_before_it() -> None:
    futures = [future(1, 2.0), future(1, 4.0), future(2, 5.0), future(2, 7.0), future(3, 6.0, None)]
    curve = credit_curve(futures, "d", "s", "Aff")
    assert {number: estimate.value for number, estimate in curve.items()} == {1: 3.0, 2: 0.0}
    # Welch on (5, 7) and (2, 4): standard error 1.414, two degrees of freedom, t 4.303.
    assert curve[1].low == pytest.approx(3 - 4.3027 * 2**0.5, abs=1e-3)
    others = [*futures, replace(futures[0], supporter="t", outcomes={"Aff": 1.0})]
    assert arm_contrast(others, "d", 1, (FutureArm("s"), FutureArm("t")), "Aff").value == 2.0
    assert credit_curve([future(1, 2.0), future(3, 2.0)], "d", "s", "Aff") == {}


def test_intervals_of_a_credit_cover_the_true_difference() -> None:
    """2,000 draws of 4 and 6 futures with other spreads; the draw is fixed."""
    rng, held = np.random.default_rng(3), 0
    for _ in range(2_000):
        found = mean_contrast(rng.normal(1.0, 1.0, 4).tolist(), rng.normal(0.4, 2.0, 6).tolist())
        assert found.low is not None and found.high is not None
        held += found.low <= 0.6 <= found.high
    assert 0.93 <= held / 2_000 <= 0.97


@pytest.mark.parametrize("names", [["a"], ["a", "b"], ["a", "b", "c"]])
def test_a_dry_run_counts_the_calls_that_are_made(tmp_path: Path, user: str, names: list[str]) -> None:
    script = tmp_path / "supporter.jsonl"
    script.write_text('"I am listening."\n', encoding="utf-8")
    run = parents(tmp_path / "a", user)
    supporters = dict.fromkeys(names, f"scripted:{script}")
    given = Given(BRANCH, {"supporter": supporters}, None, None, ())
    branching = prepare_branches(run, tmp_path / "b", given, ["3"])
    expected = branching.estimate()
    branches(run, tmp_path / "b", supporter=supporters)
    made = list(read_run(tmp_path / "b", "dialogues.jsonl", Dialogue))
    assert expected["dialogues"] == len(made) == len(PEOPLE) * len(names)
    assert expected["calls"] == sum(len(turn.calls) for dialogue in made for turn in dialogue.turns)


def test_a_branch_takes_over_the_appraisals_that_its_parent_measured(tmp_path: Path) -> None:
    def speak(messages: list[BaseMessage], _: dict[str, Any]) -> str:
        return PLAIN if "accuracy" in str(messages) else "Hm."

    parent, later = ScriptedChat(script=speak), ScriptedChat(script=speak)
    run = cocoon.simulate(
        **{"profiles": PEOPLE[:1], "supporter": {"plain": Speaker()}, "user": parent, "rounds": 3, "rules": "naming"},
        **{"out": tmp_path / "a", "progress": False, "options": {"form_pairs": 4}},
    )
    branches(run, tmp_path / "b", user=later)
    manifests = [read_manifest(tmp_path / name) for name in "ab"]
    measured = [manifest.form_invariance for manifest in manifests if manifest is not None]
    assert measured[0] == measured[1] is not None
    # Four contents in two forms, and three answers, of which the first needs no appraisal.
    assert len(parent.seen) == 8 + 3 + 2 and not later.seen
