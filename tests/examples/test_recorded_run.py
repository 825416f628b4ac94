"""The recorded demonstration that ships: what the real graphs make of the hand-written lines."""

from pathlib import Path
from typing import Any

import pytest

from cocoon.api.demo.recorded import recorded_run
from cocoon.api.demo.recording import LABEL, pack, read_lines_to_record, record_run
from cocoon.api.run import Run
from cocoon.core.errors import CocoonError
from cocoon.core.records import Dialogue, Rating
from cocoon.reports.runs import build_run_report


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return recorded_run(tmp_path_factory.mktemp("shipped"))


def said(dialogue: Dialogue) -> Any:
    """What does not hang on the wording of today's prompts."""
    return dialogue.model_dump(exclude={"turns": {"__all__": {"calls"}}})


def rated(rating: Rating) -> Any:
    return rating.model_dump(exclude={"prompt_sha", "calls"})


def test_the_recording_that_ships_is_what_the_graphs_make_of_the_lines_today(shipped: Run, tmp_path: Path) -> None:
    record_run(tmp_path / "again", read_lines_to_record())
    again = Run(tmp_path / "again")
    assert [said(dialogue) for dialogue in again] == [said(dialogue) for dialogue in shipped]
    assert [rated(rating) for rating in again.ratings] == [rated(rating) for rating in shipped.ratings]


def test_every_hand_written_line_is_spoken_in_its_dialogue(shipped: Run) -> None:
    for written in read_lines_to_record().dialogues:
        words = [turn.content for turn in shipped[f"{written.profile}.{written.supporter}.0"].turns]
        assert words[2::2] == [exchange.supporter for exchange in written.exchanges]
        assert words[3::2] == [exchange.user for exchange in written.exchanges[:-1]]


def test_half_of_the_recorded_dialogues_are_chinese_and_two_supporters_speak(shipped: Run) -> None:
    languages = [dialogue.language for dialogue in shipped]
    assert languages.count("zh") == languages.count("en") == 4
    assert {dialogue.supporter for dialogue in shipped} == {"asks", "reflects"}


def test_the_recording_has_trust_thoughts_quotes_and_missing_values_with_reasons(shipped: Run) -> None:
    states = [turn.state for dialogue in shipped for turn in dialogue.turns if turn.role == "user"]
    assert all(state is not None and state.appraisal is not None for state in states)
    assert {len(state.unlocked) for state in states if state} == {1, 2, 3}
    thoughts = [turn.thought for dialogue in shipped for turn in dialogue.turns[2::2]]
    assert all(thought is not None and thought.analysis and thought.strategy for thought in thoughts)
    reasons = {reason for rating in shipped.ratings for reason in rating.missing.values()}
    assert reasons == {"cannot tell", "outside the range", "quote not in the transcript"}
    for rating in shipped.ratings:
        if rating.verdict and rating.verdict.quote and rating.verdict.turn is not None:
            assert rating.verdict.quote in shipped[rating.dialogue].turns[rating.verdict.turn].content


def test_manifest_and_report_say_first_that_the_run_is_recorded(shipped: Run) -> None:
    assert shipped.manifest is not None and shipped.manifest.recorded == LABEL
    assert build_run_report(shipped.path).warnings[0] == LABEL


def test_the_shipped_archive_names_no_machine(shipped: Run) -> None:
    for file in filter(Path.is_file, shipped.path.rglob("*")):
        assert str(Path.home()).encode() not in file.read_bytes() or str(Path.home()) == "/"
        assert b"/cocoon/" not in file.read_bytes()


def test_an_archive_depends_on_nothing_but_its_files(shipped: Run, tmp_path: Path) -> None:
    for file in shipped.path.rglob("[!.]*"):
        if file.is_file():
            copy = tmp_path / file.relative_to(shipped.path)
            copy.parent.mkdir(exist_ok=True)
            copy.write_bytes(file.read_bytes())
    assert pack(tmp_path) == pack(shipped.path)


def test_a_run_of_agents_is_not_taken_for_the_recording(tmp_path: Path) -> None:
    (tmp_path / "dialogues.jsonl").write_text("", "utf-8")
    with pytest.raises(CocoonError, match="holds a run of your own"):
        recorded_run(tmp_path)
