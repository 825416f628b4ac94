"""Ratings that people gave in other programs become the people of a run, and the report holds judges against them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import dump_line
from cocoon.core.records import Rating
from cocoon.evaluation.scales.scoring import load_scale
from cocoon.human.imported import import_ratings, read_names
from cocoon.reports.runs import build_run_report
from cocoon.running.folder import PEOPLE, read_run
from cocoon.tests.commands import cocoon
from cocoon.tests.reports.report_cases import dialogue, estimate, rows, scored

ITEMS = load_scale("basic").item_ids
GIVEN = {"p0": 3, "p1": 5, "p2": 6, "p3": 9}
"""What the one rater, ada, answers to every item of the basic metrics."""
Written = Callable[[Path], Path]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Six dialogues that a judge rated one point above what people would, of which people rated four."""
    out = tmp_path / "run"
    out.mkdir()
    names = [*GIVEN, "p4", "p5"]
    judged = {name: min(10, value + 1) for name, value in (GIVEN | {"p4": 4, "p5": 5}).items()}
    (out / "dialogues.jsonl").write_bytes(b"".join(dump_line(dialogue(name)) for name in names))
    lines = b"".join(dump_line(scored(name, "basic", value)) for name, value in judged.items())
    (out / "ratings.jsonl").write_bytes(lines)
    return out


def wide_csv(folder: Path) -> Path:
    file = folder / "wide.csv"
    head = ["dialogue", "rater", "remark", *(f"basic:{item}" for item in ITEMS)]
    rows = [[name, "ada", "nice, really", *([str(value)] * 6)] for name, value in GIVEN.items()]
    file.write_text("\n".join(",".join(f'"{cell}"' for cell in row) for row in [head, *rows]), "utf-8")
    return file


def long_csv(folder: Path) -> Path:
    file = folder / "long.csv"
    rows = [f"{name},ada,basic,{item},{value}" for name, value in GIVEN.items() for item in ITEMS]
    file.write_text("\n".join(["dialogue,rater,scale,item,value", *rows]), "utf-8")
    return file


def argilla_by_question(folder: Path) -> Path:
    file = folder / "argilla.json"
    records = [
        {
            "id": f"some-{name}",
            "metadata": {"dialogue": name},
            "responses": {f"basic_{item}": [{"value": value, "user_id": "ada"}] for item in ITEMS},
        }
        for name, value in GIVEN.items()
    ]
    file.write_text(json.dumps(records), "utf-8")
    return file


def argilla_by_user(folder: Path) -> Path:
    file = folder / "argilla.jsonl"
    records = [
        {
            "external_id": name,
            "responses": [
                {
                    "user_id": "ada",
                    "status": "submitted",
                    "values": {f"basic_{item}": {"value": value} for item in ITEMS},
                },
                {"user_id": "bob", "status": "draft", "values": {"basic_1": {"value": 1}}},
            ],
        }
        for name, value in GIVEN.items()
    ]
    file.write_text("\n".join(map(json.dumps, records)), "utf-8")
    return file


def potato_folder(folder: Path) -> Path:
    file = folder / "annotation_output" / "ada" / "user_state.json"
    file.parent.mkdir(parents=True)
    labels = {
        name: [[{"schema": f"basic_{item}", "name": "scale"}, str(value)] for item in ITEMS]
        for name, value in GIVEN.items()
    }
    file.write_text(json.dumps({"user_id": "ada", "instance_id_to_label_to_value": labels}), "utf-8")
    return folder / "annotation_output"


@pytest.mark.parametrize("written", [wide_csv, long_csv, argilla_by_question, argilla_by_user, potato_folder])
def test_every_program_gives_the_same_ratings(run: Path, tmp_path: Path, written: Written) -> None:
    assert import_ratings(run, [written(tmp_path)]) == 4
    ratings = list(read_run(run, PEOPLE, Rating))
    assert {rating.judge for rating in ratings} == {"human:ada"}
    assert {rating.dialogue: rating.items for rating in ratings} == {
        name: dict.fromkeys(ITEMS, value) for name, value in GIVEN.items()
    }
    assert all(rating.dimensions["empathy"] == 10 * GIVEN[rating.dialogue] for rating in ratings)


def test_a_map_names_columns_and_an_empty_answer_is_missing(run: Path, tmp_path: Path) -> None:
    file = tmp_path / "own.csv"
    file.write_text("id,who,q1,q2\np0,ada,4,\n", "utf-8")
    done = cocoon("human", "rated", str(run), str(file), "--map", "dialogue=id,rater=who,basic:3=q1,basic:4=q2")
    assert done.code == 0, done.err
    (rating,) = read_run(run, PEOPLE, Rating)
    assert (rating.dimensions["empathy"], rating.dimensions["information"]) == (40.0, None)
    assert rating.missing["4"] == "not answered" and "3" not in rating.missing


def test_whole_dimensions_can_be_rated(run: Path, tmp_path: Path) -> None:
    file = tmp_path / "dimensions.csv"
    file.write_text("dialogue,rater,basic.empathy\np0,ada,35.5\n", "utf-8")
    import_ratings(run, [file])
    (rating,) = read_run(run, PEOPLE, Rating)
    assert rating.dimensions["empathy"] == 35.5 and rating.items == {} and rating.dimensions["fluency"] is None


def test_the_report_holds_the_judge_against_people_and_corrects_it(run: Path, tmp_path: Path) -> None:
    import_ratings(run, [wide_csv(tmp_path)])
    made = build_run_report(run)
    agreement = rows(made, "judge_people")["gpt-x", "en", "with need", "basic empathy"]
    assert estimate(agreement["Spearman"]).value == pytest.approx(1.0) and estimate(agreement["Spearman"]).n == 4
    assert estimate(agreement["judge - people"]).value == pytest.approx(10.0)
    corrected = rows(made, "corrected")["listen", "gpt-x", "en", "with need", "basic empathy"]
    # The judge says 63.33 over six dialogues, and is 10 too mild where people rated.
    assert estimate(corrected["judge"]).value == pytest.approx(190 / 3)
    assert estimate(corrected["corrected"]).value == pytest.approx(160 / 3) and estimate(corrected["corrected"]).n == 4


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("dialogue,rater,basic:1\nnobody,ada,4\n", "line 2: dialogue 'nobody' is not in the run"),
        ("dialogue,rater,basic:1\np0,ada,11\n", "line 2: 'basic:1' is 11, not a whole number from 1 to 10"),
        ("dialogue,rater,basic:1\np0,ada,4.5\n", "is 4.5, not a whole number"),
        ("dialogue,rater,basic:1\np0,ada,good\n", "is 'good', not a number"),
        ("dialogue,rater,basic:9\np0,ada,4\n", "'basic:9' is no item and no dimension of the scale 'basic'"),
        ("dialogue,rater,basic:1\np0,ada,4\np0,ada,5\n", "line 3: 'ada' answers 'basic:1' twice and differently"),
        ("dialogue,rater,basic.empathy\np0,ada,inf\n", "the dimension goes up to 100"),
        ("dialogue,rater,basic:1\np0,,4\n", "has no rater"),
        ("talk,rater,basic:1\np0,ada,4\n", "has no column 'dialogue'"),
        ("dialogue,rater,remark\np0,ada,4\n", "no question of the files is an item"),
        ("", "it has no lines"),
    ],
)
def test_what_cannot_be_read_takes_nothing(run: Path, tmp_path: Path, text: str, error: str) -> None:
    file = tmp_path / "bad.csv"
    file.write_text(text, "utf-8")
    with pytest.raises(CocoonError) as raised:
        import_ratings(run, [wide_csv(tmp_path), file] if "nobody" in text else [file])
    assert error in str(raised.value)
    assert not (run / PEOPLE).exists()


def test_a_rating_that_is_there_is_not_changed(run: Path, tmp_path: Path) -> None:
    import_ratings(run, [wide_csv(tmp_path)])
    before = (run / PEOPLE).read_bytes()
    assert import_ratings(run, [long_csv(tmp_path)]) == 0
    file = tmp_path / "other.csv"
    file.write_text("dialogue,rater,basic:1\np0,ada,9\n", "utf-8")
    with pytest.raises(CocoonError, match="ada has rated p0 on basic differently before"):
        import_ratings(run, [file])
    assert (run / PEOPLE).read_bytes() == before


@pytest.mark.parametrize("text", ["[1]", "3", '{"responses": 4}', '[{"id": "p0", "responses": [{"values": 1}]}]', "{"])
def test_json_that_is_no_record_is_refused_in_a_line(run: Path, tmp_path: Path, text: str) -> None:
    file = tmp_path / "odd.json"
    file.write_text(text, "utf-8")
    with pytest.raises(CocoonError, match=r"odd\.json"):
        import_ratings(run, [file])


def test_a_map_that_is_none_is_refused() -> None:
    with pytest.raises(CocoonError, match="write NAME=COLUMN"):
        read_names("dialogue")
