"""Questions by function: question, probe, rhetorical, reported, and the two ratios."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from cocoon.benchmarks.evaluation.questions import LABELLED
from cocoon.cli.reports.questions import questions_command
from cocoon.core.records import Language, Turn
from cocoon.evaluation.questions.detection import classify, pooled, question_ratio, questions
from cocoon.evaluation.questions.records import GENUINE
from cocoon.reports.questions import question_report

CASES = [line.split("\t") for line in (LABELLED / "functions.tsv").read_text("utf-8").splitlines()[1:]]
SPOKEN = [
    Turn(role="supporter", content="Hello.", calls=[]),
    Turn(role="user", content="Tell me what to do.", calls=["k1"]),
    Turn(role="supporter", content="Tell me about that night. Was it cold?", calls=["k2"]),
    Turn(role="supporter", content="I'd like to hear about your mother.", calls=["k3"]),
    Turn(role="supporter", content="That hurts.", calls=["k4"]),
]


@pytest.mark.parametrize(("language", "function", "sentence"), CASES, ids=[sentence for *_, sentence in CASES])
def test_a_sentence_has_the_function_that_a_reader_gives_it(language: Language, function: str, sentence: str) -> None:
    kind = classify(sentence, language)
    assert ("question" if kind in GENUINE else kind) == function


def test_a_probe_is_in_the_probing_ratio_and_not_in_the_question_ratio() -> None:
    stats = question_ratio(SPOKEN, "en")
    assert (stats.turns, stats.asking_turns, stats.probing_turns) == (3, 1, 2)
    assert stats.ratio == pytest.approx(1 / 3) and stats.probing_ratio == pytest.approx(2 / 3)
    assert question_ratio(SPOKEN, "en", "user").probing_ratio == 1
    assert question_ratio(SPOKEN[:1], "en", "user").probing_ratio is None
    assert pooled([stats, stats]).probing_turns == 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("How would anyone have coped? I could not say.", ["rhetorical", "none"]),
        ("How would you have coped? I could not say.", ["open", "none"]),
        ("怎么会变成这样？我也说不清。", ["rhetorical", "none"]),
        ("你怎么看？我不知道。", ["open", "none"]),
    ],
)
def test_a_question_that_its_speaker_answers_is_rhetorical(text: str, expected: list[str]) -> None:
    assert [sentence.type for sentence in questions(text)] == expected


def test_the_command_prints_both_ratios(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(json.dumps([{"role": turn.role, "content": turn.content} for turn in SPOKEN]), "utf-8")
    assert question_report(file).to_json()["probing_ratio"] == pytest.approx(1 / 2)
    app = typer.Typer()
    app.command()(questions_command)
    printed = CliRunner().invoke(app, [str(file)]).stdout
    assert "supporter: question ratio 25.0% (1 of 4 turns)" in printed
    assert "probing ratio 50.0% (2 of 4 turns)" in printed
