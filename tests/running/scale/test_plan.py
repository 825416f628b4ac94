"""Plans of studies: bounds that no schedule can beat, what more machines bring, and a run that was measured."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import cocoon
from cocoon.core.errors import CocoonError
from cocoon.running.scale.plan import PlanRow
from cocoon.tests.commands import cocoon as command
from cocoon.tests.commands import endpoint

SPEC = "http://127.0.0.1:1/v1#m"
OPTIONS = ["user.kind=prompted", "form_pairs=0"]


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study of prompted users with one judge of six calls: 4 rounds are 8 calls and then 6."""
    file = tmp_path / "study.yaml"
    roles = {"user": {"model": SPEC}, "supporters": [{"model": SPEC}]}
    judge = {"model": SPEC, "scales": ["success", "basic", "comfort", "rac", "aels"]}
    file.write_text(json.dumps({"rounds": 4, "concurrency": 8, "judge": judge, **roles}), "utf-8")
    return file


def planned(study: Path, **settings: Any) -> list[PlanRow]:
    bare = {"seconds": 2.0, "cpu_ms": 0, "machines": [1]}
    return cocoon.plan(study, **{"options": OPTIONS, **bare, **settings})


def test_one_dialogue_takes_its_calls_one_after_the_other_and_its_ratings_side_by_side(study: Path) -> None:
    (row,) = planned(study, people=1)
    assert (row.calls, row.seconds) == (14, 3.0 + 8 * 2.0 + 2.0)
    (few,) = planned(study, people=1, options=[*OPTIONS, "concurrency=2"])
    assert few.seconds == 3.0 + 8 * 2.0 + 3 * 2.0


def test_many_dialogues_keep_every_connection_busy(study: Path) -> None:
    (row,) = planned(study, people=400)
    ideal = 400 * 14 * 2.0 / 8
    assert ideal <= row.seconds - 3.0 <= 1.03 * ideal
    (busy,) = planned(study, people=400, seconds=0.001, cpu_ms=5)
    assert busy.seconds - 3.0 == pytest.approx(400 * 14 * 0.005, rel=0.02)


def test_machines_divide_the_time_until_the_endpoint_is_the_limit(study: Path) -> None:
    rows = planned(study, people=800, machines=[1, 2, 4])
    assert [row.dialogues for row in rows] == [800, 400, 200]
    assert [row.speed_up for row in rows] == pytest.approx([1, 2, 4], rel=0.05)
    bound = planned(study, people=800, machines=[1, 2, 4], endpoint_calls=16)
    assert [row.speed_up for row in bound] == pytest.approx([1, 2, 2], rel=0.05)


def test_what_is_not_simulated_goes_on_as_before(study: Path) -> None:
    some, more = planned(study, people=2000)[0], planned(study, people=100_000)[0]
    assert more.calls == 50 * some.calls and more.seconds == pytest.approx(50 * some.seconds, rel=0.02)


def test_the_appraiser_adds_its_calls_and_is_measured_once_at_the_end(study: Path) -> None:
    (row,) = planned(study, people=10, options=["form_pairs=3", "language=en"])
    assert row.calls == 10 * (14 + 3) + 6


def test_a_plan_like_a_run_has_its_calls_and_its_money(tmp_path: Path) -> None:
    with endpoint() as spec:
        roles: dict[str, Any] = {"supporter": spec, "user": spec, "judge": spec, "user_kind": "prompted"}
        run = cocoon.simulate(profiles="shipped:en", limit=6, rounds=2, out=tmp_path / "r", progress=False, **roles)
        shutil.copy(run.path / "config.yaml", tmp_path / "study.yaml")
        prices = [f"prices={{'{spec}': [1.0, 2.0]}}"]
        (row,) = cocoon.plan(tmp_path / "study.yaml", like=run.path, machines=[1], people=12, options=prices)
        (priced,) = cocoon.plan(tmp_path / "study.yaml", machines=[1], people=12, options=prices)
    summary = run.summary()
    assert row.calls == pytest.approx(2 * summary["calls"], abs=2)
    assert row.cost == pytest.approx(2 * (summary["tokens_in"] + 2 * summary["tokens_out"]) / 1e6, abs=0.011)
    assert priced.cost is not None and priced.seconds > row.seconds


def test_the_command_prints_a_row_for_each_number_of_machines(study: Path) -> None:
    words = ["plan", str(study), "--people", "8", "--machines", "1,2", "-o", "user.kind=prompted", "-o", "form_pairs=0"]
    lines = command(*words).out.splitlines()
    assert lines[0].split()[:3] == ["machines", "dialogues", "each"] and len(lines) == 3
    assert lines[1].split() == ["1", "8", "112", "0:00:31", "3.6", "1.00", "not", "known"]
    assert [row["machines"] for row in command(*words, "--json").json] == [1, 2]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"people": 3, "machines": [4]}, r"machines 4: there are 3 people to share out. Give 1 to 3"),
        ({"people": 3, "options": ["user.model=python:me.py:user"]}, r"python:me.py:user decides itself what it asks"),
        ({"people": 3, "like": Path("nowhere")}, r"nowhere: has no run"),
        ({}, r"no profiles: give --profiles FILE"),
    ],
)
def test_what_cannot_be_planned_is_told_in_one_line(study: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(CocoonError, match=rf"^[^\n]*{message}[^\n]*$"):
        planned(study, **settings)
