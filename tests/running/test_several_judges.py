"""Several judges and votes on one run: each rates, votes differ, and the report tells how far they agree."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from cocoon.core.config import JudgeConfig, StudyConfig
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import dump_line
from cocoon.core.records import Rating
from cocoon.evaluation.scales.scoring import load_scale, permuted
from cocoon.models.by_name import Models
from cocoon.models.scripted import ScriptedChat
from cocoon.running.folder import adopt_dialogues, read_run
from cocoon.running.session import assess
from cocoon.running.study import Study
from cocoon.tests.commands import cocoon, endpoint, refused, server
from cocoon.tests.reports.report_cases import dialogue


@pytest.fixture
def dialogues(tmp_path: Path) -> Path:
    """Six dialogues in a plain file."""
    file = tmp_path / "dialogues.jsonl"
    file.write_bytes(b"".join(dump_line(dialogue(f"p{number}")) for number in range(6)))
    return file


def test_two_judges_rate_one_run_over_http(dialogues: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with endpoint() as spec:
        address = spec.partition("#")[0]
        judges = f"{address}#one,{address}#two"
        done = cocoon("judge", str(dialogues), "--judges", judges, "--scales", "basic,success", "--out", str(out))
    assert done.code == 0, done.err
    ratings = list(read_run(out, "ratings.jsonl", Rating))
    assert {rating.judge for rating in ratings} == set(judges.split(","))
    assert len(ratings) == 6 * 3 * 2
    report = cocoon("report", str(out), "--json").json
    counted = [row["measures"]["judges"]["value"] for row in report["tables"]["judges"]["rows"]]
    assert counted and set(counted) == {2}


def test_no_judge_is_a_usage_error(dialogues: Path, tmp_path: Path) -> None:
    done = cocoon("judge", str(dialogues), "--out", str(tmp_path / "run"))
    assert done.code == 2 and "--judge SPEC" in done.err


def order_of(messages: list[BaseMessage], _: dict[str, Any]) -> str:
    """A judge that gives every item its place in the list it was asked in."""
    listed = re.findall(r"^(\d+)\. ", str(messages[-1].content), re.MULTILINE)
    return json.dumps({"items": {item: place for place, item in enumerate(listed, 1)}})


def study(**judge: Any) -> Study:
    models = Models()
    models.wrap("scripted:judge", ScriptedChat(script=order_of))
    return Study(StudyConfig(judge=JudgeConfig(model="scripted:judge", **judge)), models)


def test_permuted_votes_ask_in_another_order_and_read_every_item_under_its_own_key(
    dialogues: Path, tmp_path: Path
) -> None:
    out = adopt_dialogues(dialogues, tmp_path / "run")
    asyncio.run(assess(study(scales=["basic"], votes=3, permute=True), out))
    scale = load_scale("basic")
    for rating in read_run(out, "ratings.jsonl", Rating):
        asked = permuted(scale, rating.vote).item_ids
        assert rating.items == {item: asked.index(item) + 1 for item in scale.item_ids}
        assert rating.prompt_sha.endswith(scale.sha)
    assert len({tuple(permuted(scale, vote).item_ids) for vote in range(3)}) == 3
    assert permuted(scale, 0) is scale


def test_copies_at_temperature_0_are_refused() -> None:
    with pytest.raises(CocoonError, match="permute=true"):
        study(scales=["basic"], votes=2).judges()
    with pytest.raises(CocoonError, match="'success' has no items to permute"):
        study(scales=["basic", "success"], votes=2, permute=True).judges()
    assert len(study(scales=["basic", "success"], votes=2, permute=True, temperature=0.5).judges()) == 3


def test_a_judge_that_fails_does_not_keep_the_next_from_rating(dialogues: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with endpoint() as good, server(lambda _: refused("no such model", 404)) as broken:
        judges = f"{broken},{good}"
        done = cocoon("judge", str(dialogues), "--judges", judges, "--scales", "basic", "--out", str(out))
    ratings = list(read_run(out, "ratings.jsonl", Rating))
    assert (done.code, [rating.judge for rating in ratings]) == (1, [good] * 6), done.err
