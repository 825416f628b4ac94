"""What leaves a study with people and comes back: CSV, chats as dialogues, Potato, the report."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from cocoon.core.errors import CocoonError
from cocoon.human.desk import Desk
from cocoon.human.items import Material, PairItem
from cocoon.human.potato.answers import from_potato
from cocoon.human.potato.configuration import potato_id, write_potato
from cocoon.human.report import human_report
from cocoon.human.results import from_csv, people_choices, ratings_of, to_csv, write_chats
from cocoon.human.store import HumanStore
from cocoon.reports.charts.records import StackChart
from cocoon.tests.commands import cocoon
from cocoon.tests.human.human_study_cases import agree, as_yaml, desk, prefer, rate, study


def test_the_report_has_the_forms_of_tables_5_and_10_and_figure_5(tmp_path: Path) -> None:
    made = desk(tmp_path, study(tmp_path, parts="likert pairs", raters=3))
    values = {"d0": 3, "d1": 6, "d2": 9}
    for number, rater in enumerate(made.material.study.names):
        agree(made, rater)
        for name, value in values.items():
            rate(made, rater, f"likert:{name}", value + number % 2)
        for item in [item for item in made.material.items if item.startswith("pair")]:
            prefer(made, rater, item, "full" if number else "tie")
    own = ratings_of(made.material, made.store.every_answer())
    judged = [one.model_copy(update={"judge": "gpt-x"}) for one in own if one.judge == "human:r1"]
    tables = {table.id: table for table in human_report(made.material, made.store, judged).tables}
    assert {"raters_progress", "people", "raters", "judge_match", "kappa_basic", "wins", "position"} <= set(tables)
    assert [row.labels for row in tables["judge_match"].rows] == [["ours", "gpt-x"], ["paper", "gpt-4o"]]
    wins = {tuple(row.labels): row.cells for row in tables["wins"].rows}
    found = wins["people", "role_consistency", "full", "no-memory"]
    assert (found["wins"], found["ties"], found["losses"]) == (4, 2, 0)
    (figure,) = human_report(made.material, made.store, judged).figures
    assert isinstance(figure.chart, StackChart)
    assert [row.values for row in figure.chart.rows] == [[4 / 6, 2 / 6, 0.0]] * 3
    assert (figure.chart.title, figure.chart.rows[0].name) == ("full against no-memory: people", "role consistency")


def test_answers_go_out_as_csv_and_come_back(tmp_path: Path) -> None:
    made = desk(tmp_path, study(tmp_path, parts="likert"))
    agree(made, "r1")
    rate(made, "r1", "likert:d0", 4)
    text = to_csv(made.store.every_answer())
    again = HumanStore(tmp_path / "again.sqlite", "sha")
    again.enrol(made.material.study.names)
    assert from_csv(text, "a.csv", again, made.material) == 7
    assert list(again.every_answer()) == list(made.store.every_answer())
    assert from_csv(text, "a.csv", again, made.material) == 7
    for wrong, told in (
        (text.replace("r1", "zz", 1), "line 2: rater 'zz'"),
        ("a,b\n1,2\n", "is missing rater"),
        (text.replace(",4,0,", ",99,0,", 1), "line 2: '99' is not an answer to 'basic:1'"),
        (text.replace("basic:6", "basic:60"), "line 7: '4' is not an answer to 'basic:60'"),
        (text.replace("likert:d0", "likert:d9", 1), "line 2: item 'likert:d9' is not in the study"),
        (text.replace(",4,0,", ",5,0,", 1), "line 2: another answer to 'basic:1'"),
        (text + "r1\n", "line 9: item '' is not in the study"),
    ):
        with pytest.raises(CocoonError, match=told):
            from_csv(wrong, "a.csv", again, made.material)
    assert list(again.every_answer()) == list(made.store.every_answer())
    again.withdraw("r1")
    with pytest.raises(CocoonError, match="rater 'r1' has withdrawn"):
        from_csv(text, "a.csv", again, made.material)


def test_the_commands_report_and_export(tmp_path: Path) -> None:
    file, out = tmp_path / "study.yaml", tmp_path / "out"
    file.write_text(as_yaml(study(tmp_path, parts="likert pairs")), "utf-8")
    early = cocoon("human", "report", str(file), "--out", str(out))
    assert early.code == 2 and "has no study yet" in early.err and not out.exists()
    done = cocoon("human", "export", str(file), "--out", str(out), "--csv", str(tmp_path / "a.csv"),
                  "--potato", str(tmp_path / "potato"))  # fmt: skip
    assert done.code == 0, done.err
    config = yaml.safe_load((tmp_path / "potato" / "likert" / "config.yaml").read_text("utf-8"))
    assert config["host"] == "127.0.0.1" and len(config["annotation_schemes"]) == 1 + 6
    assert cocoon("human", "export", str(file), "--out", str(out)).code == 2
    told = cocoon("human", "report", str(file), "--out", str(out), "--json")
    assert told.code == 0 and "raters_progress" in told.json["tables"]


def test_potato_is_told_no_condition_and_its_answers_come_back(tmp_path: Path) -> None:
    made = desk(tmp_path, study(tmp_path, parts="likert pairs"))
    out, secret = tmp_path / "potato", made.store.secret
    assert {path.relative_to(out).as_posix() for path in write_potato(made.material, secret, out)} == {
        *(f"{task}/{name}" for task in ("likert", "pairs_1", "pairs_2") for name in ("config.yaml", "items.jsonl")),
        "key.csv",
    }
    tasks = {name: (out / name / "items.jsonl").read_text("utf-8").splitlines() for name in ("pairs_1", "pairs_2")}
    for one, other in zip(*tasks.values(), strict=True):
        first, second = json.loads(one), json.loads(other)
        assert not {"full", "no-memory"} & {word for row in (first, second) for word in str(row["id"]).split(":")}
        # Mirrored: what stands first for one half of the raters stands second for the other.
        assert (first["first"], first["second"]) == (second["second"], second["first"])
    pair = next(name for name in made.material.items if name.startswith("pair"))
    chosen = {"role_consistency": "A", "human_likeness": "B", "psychological_complexity": "tie"}
    _annotated(
        out / "pairs_2",
        "r1",
        potato_id(secret, pair),
        [[{"schema": "comparison", "name": k}, v] for k, v in chosen.items()],
    )
    _annotated(out / "likert", "r1", potato_id(secret, "likert:d0"), [[{"schema": "basic_3", "name": "4"}, "4"]])
    assert from_potato(out, made.store, made.material) == 6
    (rating,) = ratings_of(made.material, made.store.every_answer())
    assert rating.items["3"] == 4 and rating.missing["1"] == "not answered"
    shown = {row["id"]: row for row in map(json.loads, tasks["pairs_2"])}[potato_id(secret, pair)]
    winners = {one.question: one.winner for one in people_choices(made.material, made.store.every_answer())}
    said = {
        key: shown[place][1]["text"] for key, place in (("role_consistency", "first"), ("human_likeness", "second"))
    }
    assert (
        said == {key: f"I am the {winners[key]} one." for key in said} and winners["psychological_complexity"] == "tie"
    )


def _annotated(task: Path, user: str, item: str, labels: list[Any]) -> None:
    """What Potato 2.12 leaves behind."""
    folder = task / "annotations" / user
    folder.mkdir(parents=True)
    state = {"user_id": user, "instance_id_to_label_to_value": {item: labels}}
    (folder / "user_state.json").write_text(json.dumps(state), "utf-8")


@pytest.mark.parametrize(
    ("user", "labels", "told"),
    [
        ("eve", [[{"schema": "basic_3", "name": "4"}, "4"]], "user 'eve' is not a rater"),
        ("r1", [[{"schema": "basic_3", "name": "4"}, "40"]], "cannot be read for 'likert:d0'"),
        ("r1", [[{"schema": "other", "name": "4"}, "4"]], "cannot be read for 'likert:d0'"),
        ("r1", "none", "cannot be read for 'likert:d0'"),
    ],
)
def test_answers_of_potato_that_cannot_be_are_refused(tmp_path: Path, user: str, labels: Any, told: str) -> None:
    made = desk(tmp_path, study(tmp_path, parts="likert"))
    _annotated(tmp_path / "potato" / "likert", user, potato_id(made.store.secret, "likert:d0"), labels)
    with pytest.raises(CocoonError, match=told):
        from_potato(tmp_path / "potato", made.store, made.material)
    assert list(made.store.every_answer()) == []


async def _talk_about_everything(made: Desk) -> None:
    for rater in made.material.study.names:
        agree(made, rater)
        for shown in made.material.assigned(rater):
            for which in (0, 1):
                await made.chat(rater, shown.item, which, f"{shown.item} {which}")
    await made.close()


def test_chats_are_kept_as_dialogues_and_compared_by_others_and_by_a_judge(tmp_path: Path) -> None:
    three = {"rounds": 1, "conditions": "full,no-memory,no-memory-need", "per_rater": 2}
    given = study(tmp_path, parts="chats", chats={"profiles": str(tmp_path / "profiles.jsonl"), **three})
    asyncio.run(_talk_about_everything(desk(tmp_path, given)))
    folder = tmp_path / "chats"
    assert len(write_chats(HumanStore(tmp_path / "study" / "human.sqlite"), folder)) == 3
    again = study(tmp_path, parts="", pairs={"run": str(folder), "conditions": "full,no-memory,no-memory-need"})
    items = [item for item in Material.of(again).items.values() if isinstance(item, PairItem)]
    assert len(items) == 2 * 2
    for item in items:
        talks = [one.turns[2].content for one in item.dialogues]
        assert len({talk.rsplit(" ", 1)[0] for talk in talks}) == 1 and talks[0] != talks[1]
        assert {one.supporter for one in item.dialogues} < {"r1", "r2"}
    judge = tmp_path / "judge.jsonl"
    judge.write_text(json.dumps(json.dumps({"reason": "", "better": "first"})) + "\n", "utf-8")
    done = cocoon("ablate", "--compare-only", "--judge", f"scripted:{judge}", "--out", str(folder), "--json")
    assert done.code == 0, done.err
    (row,) = done.json["tables"]["position"]["rows"]
    assert row["measures"]["verdict"]["remark"] == "always takes the first"
