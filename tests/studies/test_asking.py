"""The study of asking: the same content asked or said at turns drawn from talks, under every rule set."""

import json
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage

import cocoon
from cocoon.api.studies import prepare_asking
from cocoon.core.errors import CocoonError
from cocoon.core.records import Dialogue
from cocoon.core.verb_settings import Given
from cocoon.evaluation.statistics.power import WithinTalks, people_within_talks, power_of_mean, power_within_talks
from cocoon.models.scripted import ScriptedChat
from cocoon.running.folder import read_config, read_run
from cocoon.studies.asking.config import ASKING
from cocoon.studies.asking.effects import AskingEffect, asking_effects
from cocoon.studies.asking.report import asking_conclusions
from cocoon.studies.branches.credit import Future
from cocoon.studies.sweep.plan import ladder, read_plan
from cocoon.studies.sweep.records import observations, of_arms
from cocoon.studies.sweep.trend import trend
from cocoon.tests.commands import cocoon as cocoon_command
from cocoon.tests.conversations import PLAIN
from cocoon.tests.studies.test_moves import PEOPLE, ROUNDS, WRITTEN, agents, parents, writer
from cocoon.tests.studies.test_sweep import sweep

__all__ = ["parents"]
RULES = ("attuned", "naming", "listening")


def asking(run: Any, out: Path, **changes: Any) -> Any:
    return cocoon.asking(run, out=out, progress=False, **{"writer": writer(), **agents(), "samples": 2, **changes})


def futures_of_rules(out: Path) -> dict[str, list[Dialogue]]:
    return {rules: list(read_run(out / "rules" / rules, "dialogues.jsonl", Dialogue)) for rules in RULES}


def first_words(future: Dialogue) -> tuple[str | None, int | None, str | None, str]:
    return future.parent, future.branched_at, future.move, future.turns[future.branched_at or 0].content


def test_every_rule_set_goes_on_from_the_same_words_in_both_forms(tmp_path: Path, parents: Any) -> None:
    chat = writer()
    result = asking(parents, tmp_path / "b", writer=chat, turns=2)
    assert result.exit_code == 0
    made = futures_of_rules(tmp_path / "b")
    begun = [
        {(one.parent, one.branched_at, one.move, one.turns[one.branched_at or 0].content) for one in of}
        for of in made.values()
    ]
    assert begun[0] == begun[1] == begun[2] and len(begun[0]) == len(PEOPLE) * 2 * 2
    assert {future.rules for future in made["listening"]} == {"listening"}
    # Written once for all rule sets and futures.
    assert len(chat.seen) == len(PEOPLE) * 2 * 2
    assert all((future.branched_at or 0) + 1 < len(future.turns) for futures in made.values() for future in futures)


def test_turns_and_talks_are_drawn_by_the_seed(tmp_path: Path, parents: Any) -> None:
    def drawn(**asked: Any) -> list[tuple[str, int]]:
        seed = asked.pop("seed", 0)
        study = prepare_asking(parents, tmp_path / "b", Given(ASKING, {"seed": seed, **agents()}), asked)
        return [(fork.parent.id, fork.round) for fork in study.branchings["naming"].forks]

    assert drawn(turns=1) == drawn(turns=1) != drawn(turns=1, seed=3)
    assert len({talk for talk, _ in drawn(talks=2, turns=1)}) == 2
    assert len(drawn(turns=99)) == len(PEOPLE) * (ROUNDS - 1) * 2


@pytest.mark.parametrize("form_pairs", [0, 3])
def test_the_dry_run_of_asking_counts_its_calls_exactly(tmp_path: Path, form_pairs: int) -> None:
    def user(messages: list[BaseMessage], _: dict[str, Any]) -> str:
        plain, prompt = json.loads(PLAIN), str(messages)
        if "accuracy" in prompt:
            return json.dumps(plain | {"move": "other"} if '"move"' in prompt else plain)
        return f"It was a long day, {len(prompt)}."

    chats = {**agents(), "user": ScriptedChat(script=user)}
    run = cocoon.simulate(
        **{"profiles": PEOPLE, **chats, "rounds": ROUNDS, "out": tmp_path / "a", "progress": False},
        options={"form_pairs": form_pairs},
    )
    given, forms = Given(ASKING, {"samples": 2, **chats}), writer()
    expected = prepare_asking(run, tmp_path / "b", given, {"turns": 2}).estimate()
    asking(run, tmp_path / "b", writer=forms, turns=2, **chats)
    made = [future for futures in futures_of_rules(tmp_path / "b").values() for future in futures]
    assert expected["dialogues"] == len(made)
    spoken = sum(len(turn.calls) for future in made for turn in future.turns)
    assert expected["calls"] == spoken + len(forms.seen) + 2 * form_pairs


def test_the_report_gives_next_turn_and_end_under_every_rule_set_beside_the_paper(tmp_path: Path, parents: Any) -> None:
    result = asking(parents, tmp_path / "b", turns=3)
    tables = {table.id: table for table in result.report.tables}
    labels = {tuple(row.labels) for row in tables["effects"].rows}
    assert {(rules, "next turn", "Next trust") for rules in RULES} <= labels
    assert {(rules, "end", "Disclosed") for rules in RULES} <= labels
    trust = {row.labels[0]: row.cells["Difference"] for row in tables["effects"].rows if row.labels[2] == "Next trust"}
    # The rule `listening` takes half a point for the form of a question, and `naming` does not see it.
    assert (trust["naming"].value, trust["listening"].value) == (0.0, -0.5)
    assert tables["beside"].rows[-1].labels[0] == "paper, Figure 4"
    assert any(
        "Next trust: asking in place of saying the same" in line or "no difference" in line
        for line in result.report.findings
    )
    assert (tmp_path / "b" / "asking.html").stat().st_size > 100


def test_a_turn_at_which_one_form_cannot_be_written_is_left_out_with_both(tmp_path: Path, parents: Any) -> None:
    chat = writer(lambda _: WRITTEN["a statement"])
    result = asking(parents, tmp_path / "b", writer=chat, turns=1, rules="naming")
    assert result.exit_code == 1 and not list(
        read_run(tmp_path / "b" / "rules" / "naming", "dialogues.jsonl", Dialogue)
    )
    assert dict(result.report.facts)["Turns at which a form could not be written"] == str(len(PEOPLE))


def test_a_finished_sweep_stands_beside_as_its_slope_for_one_reply(tmp_path: Path, parents: Any) -> None:
    sweep(tmp_path / "sweep")
    result = asking(parents, tmp_path / "b", turns=1, rules="naming", sweep=str(tmp_path / "sweep"))
    rows = {
        tuple(row.labels): row.cells for table in result.report.tables if table.id == "beside" for row in table.rows
    }
    plan = read_plan(tmp_path / "sweep")
    arms = of_arms(observations(tmp_path / "sweep", plan), "guarded", ladder(plan, "instruction"))
    slope = trend(arms, lambda row: row.ratio, lambda row: row.affective, 1.0).change
    config = read_config(tmp_path / "sweep" / "users" / "guarded")
    assert config is not None and slope.value is not None
    beside: Any = rows["sweep, instruction", "guarded user", "slope a reply"]["Aff"]
    assert beside.value == pytest.approx(slope.value / config.rounds) and beside.value < 0
    with pytest.raises(CocoonError, match="holds no sweep"):
        asking(parents, tmp_path / "b", turns=1, rules="naming", sweep=str(tmp_path / "none"))


def test_the_command_line_counts_branches_of_moves_and_the_study_of_asking(tmp_path: Path, parents: Any) -> None:
    file = tmp_path / "words.jsonl"
    file.write_text('"It was a long day."\n', encoding="utf-8")
    words = ("--supporter", f"scripted:{file}", "--user", f"scripted:{file}", "--dry-run", "--json")
    move = ("--turn", "2", "--move", "silence", "--move", "question", "--meaning", "model")
    branches = cocoon_command("branch", str(parents.path), *move, *words, "--out", str(tmp_path / "b"))
    # Each of three talks: the rewriting with its check, and for both moves 2 replies and 2 answers by the rule.
    assert branches.json["calls"] == len(PEOPLE) * (2 + 2 * 4)
    assert branches.json["hosts"] == []
    elsewhere = cocoon_command(
        *("branch", str(parents.path), *move, *words, "--writer", "http://models.example/v1#m"),
        *("--out", str(tmp_path / "b")),
    )
    assert elsewhere.json["hosts"] == ["models.example"]
    rules = ("--turns", "1", "--rules", "naming,listening")
    studied = cocoon_command("asking", str(parents.path), *rules, *words, "--out", str(tmp_path / "c"))
    assert studied.json["dialogues"] == len(PEOPLE) * 2 * 2


def future(person: str, move: str, value: float, sample: int) -> Future:
    return Future(f"{person}.s.0", person, 2, "s", {"Aff": value}, move, sample)


def test_an_effect_is_the_mean_over_people_of_differences_within_forks() -> None:
    futures = [
        future(f"p{number}", move, base + shift + sample, sample)
        for number, base in enumerate([1.0, 3.0, 5.0, 2.0, 4.0, 3.0])
        for move, shift in (("question", -0.5), ("statement", 0.0))
        for sample in (0, 1)
    ]
    (effect,) = asking_effects(futures)
    assert effect.difference.value == -0.5 and effect.people == 6 and effect.sign == -1
    assert effect.design == WithinTalks(-0.5, 0.0, 0.5**0.5, 1, 2)


def effect(outcome: str, value: float, p: float) -> AskingEffect:
    (known,) = asking_effects([future("p", "question", 0.0, 0)])
    shown = known.difference.model_copy(update={"value": value})
    return AskingEffect(outcome, shown, known.mean_asked, known.mean_said, 9, p, None, p)


def test_a_conclusion_names_the_rule_sets_that_it_holds_under() -> None:
    lines = asking_conclusions({"attuned": [effect("Aff", 0.4, 0.2)], "naming": [effect("Aff", -0.4, 0.01)]})
    assert lines == [
        "Aff: asking in place of saying the same lowers it under the rules naming, and no difference is shown under "
        "the rules attuned."
    ]


def test_power_within_talks_is_that_of_the_paired_test_and_grows_with_futures() -> None:
    design = WithinTalks(0.5, 0.6, 0.8, turns=2, futures=2)
    spread = (0.6**2 + 2 * 0.8**2 / 4) ** 0.5
    for people in (10, 20, 40):
        assert power_within_talks(people, design) == pytest.approx(power_of_mean(people, 0.5, spread), abs=0.04)
    needed = people_within_talks(design)
    assert needed is not None and 0.76 <= power_within_talks(needed, design) <= 0.88
    assert needed > (people_within_talks(WithinTalks(0.5, 0.6, 0.8, turns=2, futures=8)) or 0)
    assert people_within_talks(WithinTalks(0.001, 1.0, 1.0)) is None
    (row,) = cocoon.power(difference=0.5, spread=0.6, noise=0.8, turns=2, futures=2)
    assert row["profiles"] == needed
    with pytest.raises(CocoonError, match="give --difference too"):
        cocoon.power(noise=0.8)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"rules": "kind"}, "--rules kind: choose attuned, people, people-1"),
        ({"turns": 0}, "--turns 0"),
        ({"talks": 0}, "--talks 0"),
    ],
)
def test_a_study_of_asking_that_cannot_be_is_one_line(tmp_path: Path, parents: Any, settings: Any, said: str) -> None:
    with pytest.raises(CocoonError, match=said):
        asking(parents, tmp_path / "b", **settings)
