"""A corpus as the reference of a run: read once, kept as figures, and told beside every score."""

from pathlib import Path

import pytest

import cocoon
from cocoon.benchmarks.evaluation.planted_users import PLANTED, people_of_chance, verbose
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import dump_line
from cocoon.core.records import Dialogue, Rating, Verdict
from cocoon.evaluation.success.verdicts import PAPER
from cocoon.reports.narrative.likeness import MEASURE_WORDS
from cocoon.reports.narrative.translation import translated
from cocoon.reports.reference import hold_against, measure_people
from cocoon.reports.runs import build_run_report
from cocoon.tests.commands import cocoon as command

SUPPORTERS = {"plain": None, "long": verbose}


def write_lines(file: Path, dialogues: list[Dialogue]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"".join(map(dump_line, dialogues)))
    return file


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Talks of people, in a file of our own records."""
    return write_lines(tmp_path / "people.jsonl", people_of_chance(80, seed=3))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of two supporters: one met users like the people, one met users who say three times as much."""
    folder = tmp_path / "run"
    talks = people_of_chance(25, seed=4)
    dialogues = [
        talk.model_copy(update={"id": f"{name}.{talk.id}", "supporter": name})
        for name, planted in SUPPORTERS.items()
        for talk in (planted(talks) if planted else talks)
    ]
    write_lines(folder / "dialogues.jsonl", dialogues)
    ratings = [
        Rating(**one.head, scale=PAPER, judge="j", prompt_id="judge/success_paper", prompt_sha="a",
               verdict=Verdict(success=True))
        for one in dialogues
    ]  # fmt: skip
    (folder / "ratings.jsonl").write_bytes(b"".join(map(dump_line, ratings)))
    return folder


def test_the_command_says_in_words_where_users_are_unlike_people(run: Path, corpus: Path) -> None:
    report = command("fidelity", str(run), "--against", "jsonl", str(corpus), "--json").json
    like, unlike = sorted(report["findings"], key=lambda line: "unlike" in line)
    assert "plain" in like and "talk like the people of people.jsonl" in like
    assert "long" in unlike and "say more" in unlike and "times the yardstick" in unlike
    rows = report["tables"]["likeness"]["rows"]
    assert {row["Supporter"] for row in rows} == set(SUPPORTERS)


def test_what_was_given_once_stands_beside_the_scores_of_every_report(run: Path, corpus: Path) -> None:
    before = command("report", str(run), "--no-trace", "--json").json
    assert "likeness" not in before["tables"] and "Unlike" not in str(before["tables"]["main"])
    cocoon.fidelity(run, against=("jsonl", corpus))
    report = command("report", str(run), "--no-trace", "--json").json
    beside = {row["Supporter"]: row["measures"]["Unlike"]["remark"] for row in report["tables"]["main"]["rows"]}
    assert beside["plain"].startswith("0 of") and not beside["long"].startswith("0 of")
    assert any("users whom long met (en) are unlike" in finding for finding in report["findings"])
    assert "Unlike" in command("report", str(run), "--no-trace").out
    chinese = command("report", str(run), "--no-trace", "--language", "zh", "--json").json
    assert any("long 所遇的用户" in finding for finding in chinese["findings"])


def test_no_word_of_a_corpus_is_kept_in_the_run(run: Path, corpus: Path) -> None:
    cocoon.fidelity(run, against=("jsonl", corpus))
    kept = (run / "reference.json").read_text("utf-8")
    spoken = {word for talk in people_of_chance(80, seed=3) for turn in talk.turns for word in turn.content.split()}
    assert not [word for word in spoken if len(word) > 4 and word.strip(".?") in kept]


def test_a_report_that_is_older_than_its_reference_is_told(run: Path, corpus: Path) -> None:
    command("report", str(run), "--no-trace")
    cocoon.fidelity(run, against=("jsonl", corpus))
    assert "reference.json" in command("verify", str(run)).out


def test_users_of_a_language_without_people_are_held_against_nobody(run: Path, tmp_path: Path) -> None:
    chinese = [talk.model_copy(update={"language": "zh"}) for talk in people_of_chance(30)]
    file = write_lines(tmp_path / "zh.jsonl", chinese)
    report = command("fidelity", str(run), "--against", "jsonl", str(file), "--json").json
    assert any("users who speak en are held against nobody" in warning for warning in report["warnings"])
    assert "likeness" not in report["tables"] and not report["findings"]


@pytest.mark.parametrize(
    ("name", "text", "refusal"),
    [
        ("esconvv", "", "Did you mean 'esconv'?"),
        ("jsonl", dump_line(people_of_chance(1)[0].model_copy(update={"turns": []})).decode(), "nobody to be held"),
        ("esconv", None, "does not exist"),
    ],
)
def test_a_corpus_without_people_is_refused_in_one_line(
    run: Path, tmp_path: Path, name: str, text: str | None, refusal: str
) -> None:
    file = tmp_path / "none.jsonl"
    if text is not None:
        file.write_text(text, "utf-8")
    done = command("fidelity", str(run), "--against", name, str(file))
    assert done.code == 2 and refusal in done.err and len(done.err.splitlines()) == 1
    assert not (run / "reference.json").exists()


def test_a_broken_reference_is_one_line_with_its_file(run: Path) -> None:
    for text in ("", "{", '{"corpus": 3}'):
        (run / "reference.json").write_text(text, "utf-8")
        done = command("report", str(run), "--no-trace")
        assert done.code == 2 and "reference.json" in done.err and "Traceback" not in done.err


def test_of_a_large_corpus_some_talks_are_drawn_and_all_are_counted(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cocoon.reports.reference.MOST_TALKS", 30)
    figures = measure_people("jsonl", corpus).figures["en"]
    assert figures.talks == 80 and {len(column) for column in figures.values.values()} == {30}
    assert measure_people("jsonl", corpus).figures["en"] == figures


def test_a_run_of_too_few_profiles_is_told_so_and_gets_no_figure(run: Path, corpus: Path) -> None:
    write_lines(run / "dialogues.jsonl", people_of_chance(4))
    report = command("fidelity", str(run), "--against", "jsonl", str(corpus), "--json").json
    assert "could not be held against the people of people.jsonl" in report["findings"][0]
    assert "likeness" not in report["tables"]
    assert "Unlike" not in str(command("report", str(run), "--no-trace", "--json").json["tables"]["main"])


def test_a_measure_that_few_talks_have_is_told_and_gets_no_figure(run: Path, corpus: Path) -> None:
    rows = command("fidelity", str(run), "--against", "jsonl", str(corpus), "--json").json["tables"]["likeness"]["rows"]
    cells = next(row["measures"] for row in rows if row["How they talk"] == "length after self disclosure")
    assert cells["in words"]["remark"] == "too few talks" and cells["distance"]["value"] is None


def test_the_report_says_whom_the_users_were_held_against(run: Path, corpus: Path) -> None:
    cocoon.fidelity(run, against=("jsonl", corpus))
    told = command("report", str(run), "--no-trace", "--json").json["facts"]["Users held against"]
    assert told.startswith("people.jsonl (people.jsonl): 80 talks in en") and "80 dialogues kept" in told


def test_the_words_of_the_table_are_there_in_chinese(run: Path, corpus: Path) -> None:
    cocoon.fidelity(run, against=("jsonl", corpus))
    table = next(table for table in build_run_report(run).tables if table.id == "likeness")
    words = [table.title, table.note, *table.keys, *table.measures, "inside", "too few talks", "3 of 21"]
    assert [text for text in words if translated(text, "zh") == text] == []


def test_every_planted_user_is_named_in_words(run: Path, corpus: Path) -> None:
    talks = people_of_chance(50, seed=5)
    for name, planted in PLANTED.items():
        write_lines(run / "dialogues.jsonl", planted(talks))
        held = hold_against(run, measure_people("jsonl", corpus))
        assert held.likenesses[0].outside, name


def test_every_measure_has_a_name_in_both_languages() -> None:
    assert [words for words in MEASURE_WORDS.values() if translated(words, "zh") == words] == []


def test_a_run_that_is_not_there_is_refused_before_a_corpus_is_read(tmp_path: Path, corpus: Path) -> None:
    with pytest.raises(CocoonError, match="has no run"):
        cocoon.fidelity(tmp_path, against=("jsonl", corpus))
