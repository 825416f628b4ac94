"""Run folders of the first release (0.1.0) open, report and resume: every call comes from their journals.

They were made with the prompts of that release, whose texts lie beside them.
"""

import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from cocoon.core.jsonl import read_lines
from cocoon.models.journal.store import Entry, Journal
from cocoon.tests.commands import cocoon

ARCHIVE = Path(__file__).parent.parent / "data" / "first_release.tar.gz"
ADDRESS = "http://127.0.0.1:18555/v1#bench"
"""Nobody listens there any more, so a call that the journal does not hold would fail."""
TALK = ["simulate", "--profiles", "people.jsonl", "--user", ADDRESS, "--judge", ADDRESS, "--concurrency", "4"]
OWN_PROMPTS = ["-o", "prompts=prompts"]
RUNS = {
    "guarded": [
        *TALK,
        *("--rounds", "3", "--supporter", ADDRESS, "--scales", "success,basic,comfort,rac,aels", "-o", "form_pairs=2"),
    ],
    "prompted": [
        *TALK,
        *("-n", "1", "--rounds", "2", "--supporter", f"a={ADDRESS}", "--supporter", f"b={ADDRESS}"),
        *("--supporter-prompt", "brief", "--user-kind", "prompted", "--scales", "success,comfort"),
    ],
    "profiles": ["profiles", "build", "-n", "4", "--language", "both", "--writer", ADDRESS, "--rater", ADDRESS],
    "script": ["script", "--profiles", "people.jsonl", "-n", "2", "--writer", ADDRESS, "--rater", ADDRESS],
}
RECORDS = ("dialogues.jsonl", "ratings.jsonl", "profiles.jsonl", "dropped.jsonl")
# Keys that records have had only since.
NEW_KEYS = {"memory", "finish", "foreign", "reasoning", "parent", "branched_at"}
# What the rules of attribution add to a verdict, and the trust rule to a state. They had no place in the first release.
ADDED = {"empty_evidence", "claim", "uptake", "guesses", "earned", "earned_how"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COCOON_API_KEY", "none")
    return tmp_path


def records(run: Path) -> dict[str, list[Any]]:
    """The records of a run by file, without the keys that are new since."""
    files = [run / name for name in RECORDS if (run / name).exists()]
    return {file.name: [without_new(line) for _, line in read_lines(file)] for file in files}


def calls(run: Path) -> dict[str, Entry]:
    """The journalled calls of a run by their place."""
    journal = Journal(run / "journal.sqlite")
    try:
        return {f"{entry.place.dialogue}/{entry.place.key}": entry for entry in journal.entries()}
    finally:
        journal.close()


def without_new(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: child for key, child in value.items() if key not in ADDED}
        return {key: without_new(child) for key, child in kept.items() if key not in NEW_KEYS or child is not None}
    return [without_new(child) for child in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", RUNS)
def test_a_run_is_made_again_from_its_journal_alone(folder: Path, name: str) -> None:
    run = folder / name
    before, journal = records(run), calls(run)
    assert any(place.endswith("/1") for place in journal), "no repair is among the calls"
    for file in [*RECORDS, "trace.jsonl"]:
        (run / file).unlink(missing_ok=True)
    done = cocoon(*RUNS[name], *OWN_PROMPTS, "--out", name, "--json")
    assert done.out, done.err
    assert done.json["calls"] == done.json["replayed"] > 0
    assert records(run) == before
    assert calls(run) == journal


@pytest.mark.parametrize("name", ["guarded", "prompted"])
def test_a_finished_run_is_found_finished(folder: Path, name: str) -> None:
    done = cocoon(*RUNS[name], *OWN_PROMPTS, "--out", name, "--json")
    assert done.code == 0, done.err
    assert (done.json["calls"], done.json["failed"]) == (0, 0)


def test_a_run_goes_on_with_no_other_texts_than_its_own(folder: Path) -> None:
    refused = cocoon(*RUNS["guarded"], "--out", "guarded")
    assert refused.code == 2 and "another text of prompt" in refused.err and "-o prompts=FOLDER" in refused.err


@pytest.mark.parametrize("name", ["guarded", "prompted"])
def test_a_run_reports_and_is_viewed(folder: Path, name: str) -> None:
    assert cocoon("report", name).code == 0
    assert cocoon("graph", name, "-o", "drawn").code == 0
    assert cocoon("view", name, "--export", "page").code == 0
    shutil.rmtree(folder / "page")
