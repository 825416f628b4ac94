"""The user ablation: conditions, pairs in both orders, position bias, resume; scripted, over HTTP and embedded."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from cocoon.agents.users.conditions import pairs_of, read_conditions
from cocoon.core.config import JudgeConfig, StudyConfig
from cocoon.core.errors import CocoonError, StoppedError
from cocoon.core.records import Dialogue
from cocoon.evaluation.scales.comparison_questions import load_questions
from cocoon.models.by_name import Models
from cocoon.models.scripted import ScriptedChat
from cocoon.running.building.generation import Generated
from cocoon.running.folder import read_run
from cocoon.running.study import Study
from cocoon.studies.ablation.compare import Compared, choices_of, compare_conditions
from cocoon.studies.ablation.config import AblationConfig
from cocoon.studies.ablation.run import make_conditions
from cocoon.tests.commands import cocoon, endpoint
from cocoon.tests.conversations import shipped_profiles

PAPER = "full,no-memory,no-memory-need"
PEOPLE = shipped_profiles()[:3]


def speaks(messages: list[BaseMessage], _: dict[str, Any]) -> str:
    """A user that says what it was given: the length of its system prompt tells the conditions apart."""
    return f"I was told {len(str(messages[0].content))} characters."


def talk(out: Path, names: str = PAPER) -> None:
    models = Models()
    models.wrap("scripted:user", ScriptedChat(script=speaks))
    models.wrap("scripted:supporter", ScriptedChat(replies=["I am listening."]))
    config = StudyConfig.model_validate(
        {
            "rounds": 1,
            "form_pairs": 0,
            "supporters": [{"name": "s", "model": "scripted:supporter"}],
            "user": {"kind": "prompted", "model": "scripted:user", "appraiser": "rule"},
        }
    )
    outcomes = asyncio.run(make_conditions(Study(config, models), PEOPLE, read_conditions(names), out))
    assert [outcome.exit_code for outcome in outcomes] == [0] * len(outcomes)


def told(text: str) -> list[int]:
    """The numbers that the users of both conversations said, in the order shown."""
    return [int(part.split(" characters")[0]) for part in text.split("I was told ")[1:]]


def prefers_more(messages: list[BaseMessage], _: dict[str, Any]) -> str:
    first, second = told(str(messages[-1].content))
    return json.dumps({"reason": "it knows more", "better": "first" if first > second else "second"})


def compare(out: Path, judge: ScriptedChat, names: str = PAPER, votes: int = 1) -> Generated:
    models = Models()
    models.wrap("scripted:judge", judge)
    config = AblationConfig(judge=JudgeConfig(model="scripted:judge", scales=[], votes=votes), conditions=names)
    return asyncio.run(compare_conditions(config, models, out))


def test_conditions_take_away_what_they_name(tmp_path: Path) -> None:
    talk(tmp_path)
    made = {
        name: list(read_run(tmp_path / "conditions" / name, "dialogues.jsonl", Dialogue)) for name in PAPER.split(",")
    }
    assert all(one.profile.memory and one.profile.need for one in made["full"])
    assert all(not one.profile.memory and one.profile.need for one in made["no-memory"])
    assert all(one.profile.need is None and not one.profile.chain for one in made["no-memory-need"])
    lengths = [told(some[0].turns[1].content)[0] for some in made.values()]
    assert lengths == sorted(lengths, reverse=True) and len(set(lengths)) == 3


def test_every_pair_is_asked_in_both_orders_on_every_question(tmp_path: Path) -> None:
    talk(tmp_path)
    outcome = compare(tmp_path, ScriptedChat(script=prefers_more))
    questions = len(load_questions().questions)
    assert (outcome.kept, len(choices_of(tmp_path))) == (2 * len(PEOPLE), 2 * len(PEOPLE) * questions * 2)
    assert {choice.winner for choice in choices_of(tmp_path)} == {"full", "no-memory"}
    assert {(choice.first, choice.second) for choice in choices_of(tmp_path)} == {
        ("full", "no-memory"),
        ("no-memory", "full"),
        ("no-memory", "no-memory-need"),
        ("no-memory-need", "no-memory"),
    }


def test_every_pair_can_be_asked_for() -> None:
    conditions = read_conditions(PAPER)
    assert len(pairs_of(conditions, every_pair=False)) == 2 and len(pairs_of(conditions, every_pair=True)) == 3


def test_the_judge_is_told_neither_need_nor_memory(tmp_path: Path) -> None:
    talk(tmp_path)
    judge = ScriptedChat(script=prefers_more)
    compare(tmp_path, judge)
    for messages in judge.seen:
        text = str(messages[-1].content)
        assert not any(person.need and person.need in text for person in PEOPLE)
        assert not any(memory.text in text for person in PEOPLE for memory in person.memory)


def test_an_answer_that_cannot_be_read_is_missing_with_its_reason(tmp_path: Path) -> None:
    talk(tmp_path)
    compare(tmp_path, ScriptedChat(replies=["neither JSON"]))
    made = list(read_run(tmp_path, "comparisons.jsonl", Compared))
    assert all(choice.winner is None for one in made for choice in one.choices)
    assert all(len(one.missing) == len(one.choices) for one in made)


def test_an_ablation_that_was_stopped_goes_on(tmp_path: Path) -> None:
    talk(tmp_path)
    asked: list[int] = []

    def cut(messages: list[BaseMessage], options: dict[str, Any]) -> str:
        asked.append(1)
        if len(asked) == 5:
            raise StoppedError("stopped")
        return prefers_more(messages, options)

    assert compare(tmp_path, ScriptedChat(script=cut)).exit_code == 130
    resumed = compare(tmp_path, ScriptedChat(script=cut))
    assert resumed.kept == 2 * len(PEOPLE)
    talk(tmp_path / "whole")
    compare(tmp_path / "whole", ScriptedChat(script=prefers_more))
    files = [(folder / "comparisons.jsonl").read_bytes() for folder in (tmp_path, tmp_path / "whole")]
    assert files[0] == files[1]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("full", "two different ones or more"),
        ("full,full", "two different ones or more"),
        ("full,half", "'half' is not one of full"),
        ("full,full@gruff", "'gruff' is not one of prompted"),
    ],
)
def test_conditions_that_are_none_are_refused(names: str, said: str) -> None:
    with pytest.raises(CocoonError, match=said):
        read_conditions(names)


def test_copies_of_a_vote_are_refused(tmp_path: Path) -> None:
    talk(tmp_path)
    with pytest.raises(CocoonError, match="copies of one"):
        compare(tmp_path, ScriptedChat(script=prefers_more), votes=2)


def test_copies_of_a_vote_are_refused_before_anything_is_simulated(tmp_path: Path) -> None:
    given = ["--profiles", "shipped:en", "--supporter", "openai:x", "--user", "openai:x", "--votes", "2"]
    done = cocoon("ablate", *given, "--judge", "openai:x", "--out", str(tmp_path / "run"))
    assert done.code == 2 and "copies of one" in done.err and "judge.temperature" in done.err
    assert not (tmp_path / "run").exists()


def always_first(path: Path) -> str:
    path.write_text(json.dumps(json.dumps({"reason": "it stands first", "better": "first"})) + "\n", "utf-8")
    return f"scripted:{path}"


def test_a_judge_that_always_takes_the_first_is_exposed_in_the_report(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with endpoint() as spec:
        given = ["--profiles", "shipped:en", "-n", "4", "--rounds", "1", "--supporter", spec, "--user", spec]
        done = cocoon("ablate", *given, "--user-kind", "prompted", "--judge", always_first(tmp_path / "judge.jsonl"),
                      "--out", str(out), "--json")  # fmt: skip
    assert done.code == 0, done.err
    (row,) = done.json["tables"]["position"]["rows"]
    assert row["measures"]["verdict"]["remark"] == "always takes the first"
    assert all(row["measures"]["share"]["value"] == 0.5 for row in done.json["tables"]["wins"]["rows"])
    assert (out / "ablation.html").exists()


def test_kinds_of_user_are_compared_over_http_and_nothing_is_asked_twice(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with endpoint() as spec:
        models = ["--supporter", spec, "--user", spec, "--judge", spec, "--appraiser", "rule"]
        given = ["ablate", "--profiles", "shipped:zh", "-n", "2", "--rounds", "1", *models]
        given += ["--conditions", "full@prompted,full@guarded-hard", "--out", str(out), "--json"]
        assert cocoon(*given).code == 0
        before = (out / "comparisons.jsonl").read_bytes()
        assert cocoon(*given).code == 0
    assert (out / "comparisons.jsonl").read_bytes() == before
    kinds = [one.user_kind for one in read_run(out / "conditions" / "full@guarded-hard", "dialogues.jsonl", Dialogue)]
    assert kinds == ["guarded", "guarded"]


@pytest.mark.slow
def test_the_embedded_model_goes_through_an_ablation(shallow_model: None, tmp_path: Path) -> None:
    given = ["ablate", "--profiles", "shipped:en", "-n", "1", "--rounds", "1", "--user-kind", "prompted"]
    given += ["--conditions", "full,no-memory", "--judge", "local:smollm2"]
    given += ["-o", "judge.max_tokens=40", "-o", "user.max_tokens=20"]
    given += ["-o", "supporters=[{model: local:smollm2, max_tokens: 20}]"]
    done = cocoon(*given, "--out", str(tmp_path / "run"), "--json")
    assert done.code == 0, done.err
    assert "shows the machinery" in done.json["warnings"][0]
    runs = [str(tmp_path / "run" / "conditions" / name) for name in ("full", "no-memory")]
    told = cocoon("fidelity", *runs, "--json").json
    assert [row["measures"]["dialogues"]["value"] for row in told["tables"]["cooperation"]["rows"]] == [1, 1]
