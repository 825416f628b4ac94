"""The steering study: arms, resume after a kill, the report's panels, trends, and what may be said of them."""

import asyncio
import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from cocoon.core.config import BudgetConfig, StudyConfig
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import read_lines
from cocoon.models.by_name import Models
from cocoon.models.journal.store import Journal
from cocoon.models.scripted import ScriptedChat
from cocoon.reports.formats.html_page import render_html
from cocoon.running.manifest import Session, read_manifest
from cocoon.studies.sweep.plan import Placebo, SteerFile, SweepArm, SweepPlan, plan_arms, read_plan, write_plan
from cocoon.studies.sweep.records import NATS, measure_nats, observations
from cocoon.studies.sweep.report import sweep_report, write_sweep_report
from cocoon.studies.sweep.run import run_sweep
from cocoon.tests.commands import cocoon
from cocoon.tests.conversations import shipped_profiles
from cocoon.tests.steering.steered import direction_for, tiny_family
from cocoon.tests.steering.test_extract import weights_of

PEOPLE = [one for one in shipped_profiles() if one.language == "en"][:4]
DOSES = (0.02, 0.04)
FILES = [SteerFile("instruction", Path("/d/i.safetensors")), SteerFile("reply", Path("/d/r.safetensors"))]


def plan(users: Sequence[Any] = ("guarded", "prompted")) -> SweepPlan:
    placebos = {"instruction": Placebo([Path("/d/random.safetensors")], 0.1)}
    arms = plan_arms("local:tiny", FILES[:1], DOSES, placebos, (Path("/d/repeng.safetensors"), 4.0))
    return SweepPlan(base="local:tiny", arms=arms, users=list(users))


def test_the_arms_are_all_that_the_study_compares() -> None:
    placebos = {
        "instruction": Placebo([Path("/d/n.safetensors")], 0.1),
        "reply": Placebo([Path("/d/m.safetensors")], None),
    }
    arms = plan_arms("local:b", FILES, [0.04, 0.0, 0.02], placebos, None, "replies")
    assert [(arm.kind, arm.direction, arm.coefficient) for arm in arms] == [
        ("plain", "", 0.0),
        ("steered", "instruction", 0.02),
        ("steered", "instruction", 0.04),
        ("history", "instruction", 0.04),
        ("random", "instruction", 0.04),
        ("random_nats", "instruction", 0.1),
        ("steered", "reply", 0.02),
        ("steered", "reply", 0.04),
        ("history", "reply", 0.04),
        ("random", "reply", 0.04),
        ("prompt", "", 0.0),
        ("prompt", "", 0.0),
    ]
    assert arms[3].name.endswith("history unsteered") and "tokens" not in arms[3].model
    assert arms[1].model == "local:b+steer=/d/i.safetensors:0.02+tokens=replies"
    assert [arm.prompt for arm in arms[-2:]] == ["fewer-questions", "more-questions"]
    assert len({arm.name for arm in arms}) == len(arms)
    with pytest.raises(CocoonError, match="other than 0"):
        plan_arms("local:b", FILES, [0.0])


def supporter(arm: SweepArm) -> ScriptedChat:
    """Asks in a share of its replies that rises with the coefficient."""
    often = {0.0: 0, 0.02: 1, 0.04: 2}.get(arm.coefficient, 0) if arm.kind == "steered" else 0

    def reply(messages: list[BaseMessage], _: dict[str, Any]) -> str:
        number = sum(message.type == "ai" for message in messages)
        return "What happened then?" if number % 2 < often and often > (number - 1) % 2 else "I hear you."

    return ScriptedChat(script=reply)


def judged(messages: list[BaseMessage], options: dict[str, Any]) -> str:
    """Comfort falls with the number of questions; success by the profile's first letters."""
    text = str(messages[-1].content)
    asked = text.count("What happened then?")
    items = _items(options)
    if items:
        return json.dumps({"items": {name: max(1, 5 - asked) for name in items}})
    found = "thesis" in text
    return json.dumps(
        {
            "reason": "r",
            "named": found,
            "named_by": "user" if found else "nobody",
            "how": "after_reflection" if found else None,
            "turn": 1,
            "quote": "I do not know.",
        }
    )


def _items(options: dict[str, Any]) -> list[str]:
    schema = options.get("response_format", {}).get("json_schema", {}).get("schema", {})
    return list(schema.get("properties", {}).get("items", {}).get("properties", {}))


def models_for(made: SweepPlan, calls: int | None = None) -> Models:
    models = Models() if calls is None else Models(ledger=_budget(calls))
    for arm in made.arms:
        models.wrap(arm.model, supporter(arm))
    models.wrap("scripted:user", ScriptedChat(script=lambda messages, _: f"I do not know. {len(messages)}"))
    models.wrap("scripted:judge", ScriptedChat(script=judged))
    return models


def _budget(calls: int) -> Any:
    from cocoon.models.ledger import Ledger

    return Ledger(BudgetConfig(calls=calls))


def settings() -> StudyConfig:
    return StudyConfig.model_validate(
        {
            "rounds": 2,
            "form_pairs": 0,
            "user": {"model": "scripted:user", "appraiser": "rule"},
            "judge": {"model": "scripted:judge", "scales": ["success", "comfort"]},
        }
    )


def sweep(out: Path, made: SweepPlan | None = None, calls: int | None = None) -> list[Any]:
    chosen = made or plan()
    return asyncio.run(run_sweep(settings(), chosen, models_for(chosen, calls), PEOPLE, out))


def test_a_sweep_that_is_stopped_goes_on_and_asks_nothing_twice(tmp_path: Path) -> None:
    stopped = sweep(tmp_path / "a", calls=60)
    assert stopped[-1].stopped_by is not None
    sweep(tmp_path / "a")
    sweep(tmp_path / "b")
    for user in ("guarded", "prompted"):
        runs = [tmp_path / name / "users" / user for name in "ab"]
        told = [[line["turns"] for _, line in read_lines(run / "dialogues.jsonl")] for run in runs]
        assert [[turn["content"] for turn in one] for one in told[0]] == [
            [turn["content"] for turn in one] for one in told[1]
        ]
        # Of two equal calls at temperature 0 one may be answered for both, which depends on when they come.
        assert _places(runs[0]) == _places(runs[1])
        assert all(session.paid_again == 0 for run in runs for session in _sessions(run))
    with pytest.raises(CocoonError, match="holds another sweep"):
        sweep(tmp_path / "a", plan(["prompted"]))


def _places(run: Path) -> list[str]:
    """Where every answered call of a run stands."""
    journal = Journal(run / "journal.sqlite")
    try:
        return sorted(f"{entry.place.dialogue}/{entry.place.key}" for entry in journal.entries())
    finally:
        journal.close()


def _sessions(run: Path) -> list[Session]:
    manifest = read_manifest(run)
    assert manifest is not None
    return manifest.sessions


def test_every_panel_is_filled_when_successes_are_mixed(tmp_path: Path) -> None:
    sweep(tmp_path)
    weights = weights_of(tiny_family("Llama"))
    for user in ("guarded", "prompted"):
        measure_nats(weights, tmp_path / "users" / user)
        assert len((tmp_path / "users" / user / NATS).read_text("utf-8").splitlines()) == 4 * len(plan().arms)
    found = observations(tmp_path, read_plan(tmp_path))
    assert len(found) == 4 * len(plan().arms) * 2 and all(one.nats is not None for one in found)
    assert {one.success for one in found} == {True, False}
    report = write_sweep_report(tmp_path)
    for figure in report.figures:
        panels: Any = figure.chart.panels  # pyright: ignore[reportAttributeAccessIssue]
        assert all(mark.y is not None for panel in panels for one in panel.series for mark in one.marks[:3])
    tables = {table.id: table for table in report.tables}
    trends = {tuple(row.labels): row.cells for row in tables["trends"].rows}
    ratio: Any = trends["guarded", "instruction", "Genuine"]["Change"]
    comfort: Any = trends["guarded", "instruction", "Aff"]["Change"]
    assert ratio.value > 0.5 and comfort.value < 0
    views = [row.labels[-1] for row in tables["sensitivity"].rows]
    assert any(view.startswith("success only") and view.endswith("of 12") for view in views)
    for table in (tables["outcomes"], tables["success_only"]):
        rows: Any = [row.cells for row in table.rows if row.cells.get("Neg") is not None]
        assert rows and all(row["Neg"].value + row["7 - Neg"].value == pytest.approx(7) for row in rows)
    panels = report.figures[0].chart.panels  # pyright: ignore[reportAttributeAccessIssue]
    assert [panel.y_axis for panel in panels] == ["Aff", "Neg", "7 - Neg"]
    for name in ("sweep.md", "sweep.html", "tables/sweep_trends.csv", "figures/figure_four_all.svg"):
        assert (tmp_path / name).stat().st_size > 100
    assert "<script" not in render_html(report)


def test_a_sentence_that_the_limit_of_tokens_cut_off_has_not_asked(tmp_path: Path) -> None:
    made = plan(["guarded"])
    models = models_for(made)
    for arm in made.arms:
        models.wrap(arm.model, ScriptedChat(script=lambda *_: "I see. How can you bear it"))
    asyncio.run(run_sweep(settings(), made, models, PEOPLE, tmp_path))
    assert {one.ratio for one in observations(tmp_path, made)} == {1.0}
    journal = sqlite3.connect(tmp_path / "users" / "guarded" / "journal.sqlite")
    with journal:
        journal.execute("update calls set reply = json_set(reply, '$.finish', 'length') where node = 'supporter'")
    journal.close()
    cut = observations(tmp_path, made)
    assert {one.ratio for one in cut} == {0.0}
    assert {asked for one in cut for asked in one.by_turn} == {False}


def test_without_a_success_the_panel_says_0_of_n(tmp_path: Path) -> None:
    made = plan(["prompted"])
    write_plan(tmp_path, made)
    models = models_for(made)
    models.wrap(
        "scripted:judge", ScriptedChat(script=lambda m, o: judged([m[-1].model_copy(update={"content": "x"})], o))
    )
    asyncio.run(run_sweep(settings(), made, models, PEOPLE, tmp_path))
    report = sweep_report(tmp_path)
    total = 4 * len(made.arms)
    assert any(f"0 of {total} dialogues found the need" in one for one in report.warnings)
    assert report.figures[1].chart.empty == f"0 of {total} dialogues"
    assert any("one kind of user alone" in note for note in report.notes)


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (["--coefficient", "0.03"], "--coefficient"),
        (["--users", "guarded"], "--users"),
        (["--tokens", "replies"], "--tokens"),
        (["--at", "every"], "--at"),
        (["--no-placebo"], "--placebo"),
        (["--random", "3"], "--random"),
        (["--repeng", "0"], "--repeng"),
        (["--repeng", "0.7"], "--repeng"),
    ],
)
def test_a_folder_goes_on_with_its_own_sweep_alone(tmp_path: Path, other: list[str], named: str) -> None:
    out = tmp_path / "s"
    (out / "directions").mkdir(parents=True)
    direction_for(tiny_family("Llama")).save(out / "directions" / "instruction.safetensors")
    write_plan(out, plan())
    file = f"instruction={out / 'directions' / 'instruction.safetensors'}"
    given = [
        "--profiles",
        "shipped:en",
        "--model",
        "local:tiny",
        "--direction",
        file,
        "--coefficient",
        "0.02",
        "--out",
        str(out),
        "--random",
        "1",
    ]
    done = cocoon("steer", "sweep", *given, "--coefficient", "0.04", *other)
    assert done.code == 2 and f"holds another sweep ({named})" in done.err


def test_a_dry_run_counts_all_arms_and_writes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "i.safetensors"
    direction_for(tiny_family("Llama")).save(file)
    people = ["--profiles", "shipped:en", "-n", "3", "--rounds", "2", "--user", "http://127.0.0.1:9/v1#m"]
    judge = ["--judge", "http://127.0.0.1:9/v1#m", "--scales", "success,comfort"]
    doses = ["--coefficient", "0.02", "--coefficient", "0.04"]
    given = [*people, *judge, *doses, "--direction", str(file), "--out", str(tmp_path / "s"), "--dry-run", "--json"]
    told = json.loads(cocoon("steer", "sweep", *given, "--appraiser", "rule").out)
    # Plain, two coefficients, history, 20 random directions and one of equal surprise, two prompts, repeng; 3 users.
    assert (told["arms"], told["dialogues"], told["calls"]) == (28, 3 * 3 * 28, 3 * 3 * 28 * (2 * 2 + 3))
    bare = json.loads(cocoon("steer", "sweep", *given, "--no-placebo", "--repeng", "0", "--users", "guarded").out)
    assert (bare["arms"], bare["dialogues"]) == (6, 3 * 6)
    # The rules attuned and people have one prompt of appraisal, naming another, so that naming and people need two.
    measured = {}
    for rules in ("attuned", "naming"):
        with_forms, without = (
            json.loads(cocoon("steer", "sweep", *given, "--rules", rules, "-o", f"form_pairs={pairs}").out)["calls"]
            for pairs in (3, 0)
        )
        measured[rules] = with_forms - without
    assert measured["naming"] == 2 * measured["attuned"] > 0
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("wrong", [["--tokens", "some"], ["--users", "nobody"], ["--users", ","], ["--at", "middle"]])
@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_an_option_that_does_not_exist_is_one_line(tmp_path: Path, wrong: list[str], dry: list[str]) -> None:
    given = ["--direction", "none.safetensors", "--coefficient", "0.1", "--out", str(tmp_path / "s")]
    done = cocoon("steer", "sweep", *given, *wrong, *dry)
    assert done.code == 2 and wrong[0] in done.err and "Traceback" not in done.err
    assert "choose" in done.err or "is not one of" in done.err


def test_where_directions_are_added_stands_in_specs_and_report(tmp_path: Path) -> None:
    arms = plan_arms("local:b", FILES[:1], [0.02], {"instruction": Placebo([Path("/d/r")], 0.1)}, at="starts")
    steered = [arm.model for arm in arms if "+steer=" in arm.model]
    assert len(steered) == 4 and all(model.endswith("+at=starts") for model in steered)
    made = SweepPlan(base="local:b", arms=arms, users=["guarded"])
    for at, told in ((None, "every token"), ("starts", "where sentences begin")):
        out = tmp_path / str(at)
        (out / "directions").mkdir(parents=True)
        direction_for(tiny_family("Llama")).save(out / "directions" / "instruction.safetensors")
        write_plan(out, made.model_copy(update={"at": at}))
        assert dict(sweep_report(out).facts)["Directions"] == f"instruction ({told})"
