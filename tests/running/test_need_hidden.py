"""Whether the judge of a scale reads the need: what it is sent, what stays apart, and what the difference is."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from cocoon.core.config import JudgeConfig, StudyConfig
from cocoon.core.jsonl import dump_line
from cocoon.core.records import Rating
from cocoon.models.by_name import Models
from cocoon.models.scripted import ScriptedChat
from cocoon.reports.runs import build_run_report
from cocoon.running.folder import adopt_dialogues, read_run
from cocoon.running.manifest import read_manifest
from cocoon.running.session import assess
from cocoon.running.study import Study
from cocoon.tests.commands import cocoon, endpoint
from cocoon.tests.reports.report_cases import dialogue, estimate, rows

NEED = "to be heard by her sister"
PEOPLE = [f"p{number}" for number in range(5)]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Five dialogues of people with a need, and one of a person without."""
    file = tmp_path / "dialogues.jsonl"
    talks = [*(dialogue(name, need=NEED) for name in PEOPLE), dialogue("q", need=None)]
    for number, talk in enumerate(talks):
        talk.turns[1].content = f"line {number}"
    file.write_bytes(b"".join(map(dump_line, talks)))
    return adopt_dialogues(file, tmp_path / "run")


def judge_run(run: Path, *, show_need: bool) -> list[str]:
    """Have a judge rate that gives 6 where it reads the need, else 4, and return what it was sent."""
    asked: list[str] = []

    def answer(messages: list[BaseMessage], _: dict[str, Any]) -> str:
        asked.append(str(messages[-1].content))
        return json.dumps({"items": {str(number): 6 if NEED in asked[-1] else 4 for number in range(1, 7)}})

    models = Models()
    models.wrap("scripted:judge", ScriptedChat(script=answer))
    judge = JudgeConfig(model="scripted:judge", scales=["basic"], show_need=show_need)
    asyncio.run(assess(Study(StudyConfig(judge=judge), models), run))
    return asked


def test_a_hidden_need_is_in_no_prompt_and_the_rating_says_so(run: Path) -> None:
    asked = judge_run(run, show_need=False)
    assert len(asked) == 6 and not any(NEED in prompt for prompt in asked)
    ratings = {rating.profile: rating.prompt_id for rating in read_run(run, "ratings.jsonl", Rating)}
    assert ratings == {**dict.fromkeys(PEOPLE, "judge/scale_need_hidden"), "q": "judge/scale_no_need@2"}
    manifest = read_manifest(run)
    assert manifest is not None and [facts.settings for facts in manifest.agents["judge"]] == [{"need": "hidden"}]


@pytest.mark.parametrize("first", [True, False])
def test_each_way_asks_only_what_it_lacks_and_the_report_tells_the_difference(run: Path, first: bool) -> None:
    assert len(judge_run(run, show_need=first)) == 6
    # The person without a need is judged in the same words both ways.
    assert len(judge_run(run, show_need=not first)) == 5
    assert judge_run(run, show_need=first) == []
    cells = rows(build_run_report(run), "need")["listen", "scripted:judge", "en", "basic empathy"]
    values = {name: (estimate(cell).value, estimate(cell).n) for name, cell in cells.items()}
    assert values == {"shown": (60.0, 5), "hidden": (40.0, 5), "shown - hidden": (20.0, 5)}


def test_a_run_that_is_judged_one_way_has_no_difference(run: Path) -> None:
    judge_run(run, show_need=False)
    made = build_run_report(run)
    assert "need" not in {table.id for table in made.tables}
    assert {row.labels[3] for table in made.tables if table.id == "main" for row in table.rows} == {
        *("need hidden", "without need")
    }


def test_the_flag_hides_the_need(run: Path) -> None:
    with endpoint() as spec:
        done = cocoon("judge", str(run), "--judge", spec, "--scales", "basic", "--no-show-need")
    assert done.code == 0, done.err
    ids = {rating.prompt_id for rating in read_run(run, "ratings.jsonl", Rating)}
    assert ids == {"judge/scale_need_hidden", "judge/scale_no_need@2"}
