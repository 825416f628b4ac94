"""The paper's tables beside ours, the optional scales, and a new scale that is a file and no code."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cocoon.core.jsonl import dump_line, read_records
from cocoon.core.records import Dialogue, Rating
from cocoon.evaluation.measures import MEASURES
from cocoon.evaluation.scales.scoring import load_scale
from cocoon.reports.paper.tables import load_paper_table, paper_tables
from cocoon.tests.commands import cocoon, said, server
from cocoon.tests.evaluation.comparison.comparison_cases import comforted, head, judged, person, talk, write_run
from cocoon.tests.reports.report_cases import scored

ROOT = Path(__file__).resolve().parent.parent.parent
ALLIANCE = ROOT / "examples" / "scales" / "alliance.yaml"
RATED = ["table2", "table3", "table4", "table6", "table7", "table9"]


def test_tables_1_to_10_are_there() -> None:
    assert paper_tables() == [f"table{number}" for number in range(1, 11)]


def test_figures_as_printed() -> None:
    """Spot checks against the paper, one in every table."""

    def figure(table: str, row: list[str], column: str) -> float | str | None:
        paper = load_paper_table(table)
        place = [one.label for one in paper.columns].index(column)
        return next(one.values[place] for one in paper.rows if one.labels == row)

    assert figure("table1", ["SMILE"], "Avg turns") == 5.70
    assert figure("table1", ["COCOON"], "Dialogues") == 3500
    assert figure("table2", ["GPT-4o", "COCOON"], "Emp") == 95.7
    assert figure("table2", ["Human", "ESC"], "Man") == 5.57
    assert [figure("table3", ["GPT-4o", one], "SR") for one in ("COCOON", "w/o thoughts", "SoulChat")] == [
        0.72,
        0.64,
        0.08,
    ]
    assert figure("table4", ["COCOON"], "Man") == 5.60
    assert figure("table5", ["SMILE"], "Hum") == 83.0
    assert figure("table6", ["ESC-Rank", "ExTES"], "Skil") == 74.8
    assert figure("table7", ["ESC-RANK", "COCOON"], "Inf") == 68.5
    assert figure("table8", ["ESConv"], "Shannon entropy") == 8.24
    assert figure("table9", ["ESCoT"], "Div") == 57.2
    assert figure("table10", ["Inf"], "Spearman") == 0.8345


@pytest.mark.parametrize("row", ["ESC", "ESCoT", "ExTES", "SoulChat", "SMILE", "COCOON"])
def test_the_basic_average_of_table_4_is_the_mean_of_table_9(row: str) -> None:
    """Two tables that must agree: a slip in typing one of them would show."""
    average = next(one.values[0] for one in load_paper_table("table4").rows if one.labels == [row])
    name = "ESConv" if row == "ESC" else row
    six = next(one.values for one in load_paper_table("table9").rows if one.labels == [name])
    known = [one for one in six if isinstance(one, float)]
    assert isinstance(average, float) and len(known) == 6 and abs(sum(known) / 6 - average) < 0.05


def test_what_the_notes_say_of_multiples_is_so() -> None:
    """GRIM: with n = 25 a mean of whole points times 10 is a multiple of 0.4, and a rate one of 0.04."""

    def odd(values: Sequence[float | str | None], step: float) -> int:
        return sum(abs(one / step - round(one / step)) > 1e-6 for one in values if isinstance(one, float))

    assert [odd(row.values, 0.4) for row in load_paper_table("table9").rows] == [0] * 7
    table3 = load_paper_table("table3").rows
    assert [odd(row.values[:1], 0.04) for row in table3] == [0] * 7
    assert sum(odd(row.values[1:7], 0.4) for row in table3 if row.labels[1] != "COCOON") == 1
    assert sum(odd(row.values[:6], 1.0) for row in load_paper_table("table5").rows) == 0


@pytest.mark.parametrize("name", RATED)
def test_every_column_is_one_that_a_run_can_have(name: str) -> None:
    known = {"SR", "Basic Avg", *(one.label for one in MEASURES)}
    known |= {f"{scale}.{one.id}" for scale in ("esc_rank",) for one in load_scale(scale).dimensions}
    assert {one.measure for one in load_paper_table(name).columns} <= known


# `cocoon report RUN --like TABLE`.


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Four people: named in three of four, comfort 1 to 4, basic 6 and one item of the last one missing."""
    dialogues = [talk(person(name), "mine") for name in "abcd"]
    ratings: list[Rating] = [judged(one, one.profile.id != "d") for one in dialogues]
    ratings += [comforted(one, value) for value, one in enumerate(dialogues, 1)]
    for one in dialogues:
        base = scored(one.id, "basic", 6)
        ratings.append(base.model_copy(update=head(one, "basic", prompt_id="judge/scale")))
    ratings[-1].dimensions = {**ratings[-1].dimensions, "empathy": None}
    return write_run(tmp_path / "run", dialogues, ratings)


def like(run: Path, table: str) -> list[dict[str, Any]]:
    done = cocoon("report", str(run), "--like", table, "--json")
    assert done.code == 0, done.err
    return done.json["tables"]["like_paper"]["rows"]


def test_table_3_has_our_figures_and_the_papers_beside_them(run: Path) -> None:
    ours, *theirs = like(run, "table3")
    assert [ours[key] for key in ("Source", "Evaluator", "Supporter", "Language")] == ["ours", "gpt-x", "mine", "en"]
    assert (ours["measures"]["SR"]["value"], ours["measures"]["SR"]["n"]) == (0.75, 4)
    assert (ours["measures"]["Aff"]["value"], ours["measures"]["Emp"]["missing"]) == (2.5, 1)
    assert ours["measures"]["Sup"]["value"] is None
    assert [row["Source"] for row in theirs] == ["paper"] * 7
    best = next(row for row in theirs if row["Supporter"] == "COCOON")
    assert (best["measures"]["SR"]["value"], best["measures"]["SR"]["n"], best["Evaluator"]) == (0.72, None, "GPT-4o")


def test_the_printed_table_says_whose_figures_they_are_and_what_was_not_judged(run: Path) -> None:
    done = cocoon("report", str(run), "--like", "table3")
    assert "| paper | GPT-4o | COCOON | – | – | 0.72 | 91.4 |" in done.out
    assert "Not judged in this run: Sup, Man." in done.out and "every SR is a multiple of 0.04" in done.out
    assert "no test between the two is possible" in done.out
    assert "paper,GPT-4o,COCOON" in (run / "tables" / "table3_like_paper.csv").read_text("utf-8")
    assert "COCOON" in (run / "tables" / "table3_like_paper.tex").read_text("utf-8")


def test_the_basic_average_leaves_out_a_dialogue_that_lacks_one_metric(run: Path) -> None:
    average = like(run, "table4")[0]["measures"]["Basic Avg"]
    assert (average["value"], average["n"], average["missing"]) == (60.0, 3, 1)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("table5", "table5 (Supporters rated by people) needs ratings by people of the dialogues of this run"),
        ("table6", "needs ratings on esc_rank; this run has basic, comfort, success_paper; judge it with"),
        ("table7", "needs ratings on esc_rank"),
        ("table1", "needs a corpus, not a run: `cocoon corpus stats NAME FILE --like table1`"),
        ("table8", "needs profiles, not a run: `cocoon profiles stats FILE --like table8`"),
        ("table10", "needs ratings by people of the dialogues that the judge rated"),
        ("table11", "The paper's table 'table11' is not available. Choose one of: table1, table2"),
    ],
)
def test_a_table_without_data_says_in_one_line_what_is_missing(run: Path, table: str, told: str) -> None:
    done = cocoon("report", str(run), "--like", table)
    assert (done.code, done.out) == (2, "") and told in done.err and done.err.count("\n") == 1


# Scales that are files: a judge that answers in JSON stands in for a model.


@pytest.fixture
def judge(tmp_path: Path) -> Any:
    """A judge that gives each item the next of some values, in every dialogue; its spec."""

    def spec(*values: int | None) -> str:
        answer = {"items": {str(number): value for number, value in enumerate(values, 1)}}
        file = tmp_path / "judge.jsonl"
        file.write_bytes(dump_line(json.dumps(answer)))
        return f"scripted:{file}"

    return spec


def test_a_new_scale_needs_under_30_lines_and_no_code(run: Path, judge: Any) -> None:
    assert len(ALLIANCE.read_text("utf-8").splitlines()) < 30
    given = ("--scales", "alliance", "--scale-file", str(ALLIANCE))
    assert cocoon("judge", str(run), "--judge", judge(5, 4, 3, 2), *given).code == 0
    made = [one for one in read_records(run / "ratings.jsonl", Rating) if one.scale == "alliance"]
    # Item 4 is reversed: 1 + 5 - 2 = 4.
    assert len(made) == 4 and {tuple(one.dimensions.items()) for one in made} == {(("bond", 4.5), ("direction", 3.5))}
    rows = cocoon("report", str(run), "--scale-file", str(ALLIANCE), "--json").json["tables"]["other_scales"]["rows"]
    means = {row["Dimension"]: row["measures"]["Mean"]["value"] for row in rows if row["Scale"] == "alliance"}
    assert means == {"bond": 4.5, "direction": 3.5}


def test_a_scale_that_was_judged_once_needs_its_file_no_more(tmp_path: Path, judge: Any) -> None:
    run = write_run(tmp_path / "pair", [talk(person(name), side) for side in ("mine", "yours") for name in "ab"], [])
    file = tmp_path / "mine.yaml"
    file.write_bytes(ALLIANCE.read_bytes())
    cocoon("judge", str(run), "--judge", judge(5, 4, 3, 2), "--scales", "alliance", "--scale-file", str(file))
    file.unlink()
    tables = cocoon("report", str(run), "--json").json["tables"]
    assert {row["Scale"] for row in tables["other_scales"]["rows"]} == {"alliance"}
    shown = [row["Dimension"] for row in tables["consistency"]["rows"]]
    assert shown == ["alliance bond", "alliance direction"]
    assert len(cocoon("compare", str(run), "--json").json["comparisons"]) == 1
    again = cocoon("judge", str(run), "--judge", judge(5, 4, 3, 2), "--scales", "alliance", "--json")
    assert again.code == 0 and again.json["calls"] == 0, again.err
    assert (run / "scales" / "alliance.yaml").read_bytes() == ALLIANCE.read_bytes()


def test_the_new_scale_is_compared_like_any_other(tmp_path: Path, judge: Any) -> None:
    dialogues: list[Dialogue] = [talk(person(name), side) for side in ("mine", "yours") for name in "ab"]
    run = write_run(tmp_path / "pair", dialogues, [])
    cocoon("judge", str(run), "--judge", judge(5, 4, None, 2), "--scales", "alliance", "--scale-file", str(ALLIANCE))
    (made,) = cocoon("compare", str(run), "--scale-file", str(ALLIANCE), "--json").json["comparisons"]
    told = {one["column"]["label"]: one["difference"] for one in made["effects"]}
    assert (told["alliance bond"]["value"], told["alliance bond"]["n"]) == (0.0, 2)
    assert (told["alliance direction"]["value"], told["alliance direction"]["missing"]) == (None, 2)


def test_esc_rank_is_scored_times_25_and_fills_table_7(run: Path) -> None:
    metrics = ("Fluency", "Diversity", "Empathy", "Information", "Humanoid", "Skillful")

    def answer(request: dict[str, Any]) -> tuple[int, Any]:
        asked = next(place for place, one in enumerate(metrics) if f"{one}: " in request["messages"][0]["content"])
        return said("342013"[asked])

    with server(answer) as spec:
        assert cocoon("judge", str(run), "--judge", spec, "--scales", "esc_rank").code == 0
    ours = next(row for row in like(run, "table7") if row["Source"] == "ours" and row["Evaluator"] != "gpt-x")
    values = [ours["measures"][one]["value"] for one in ("Flu", "Div", "Emp", "Inf", "Hum", "Skil")]
    assert values == [75, 100, 50, 0, 25, 75]
