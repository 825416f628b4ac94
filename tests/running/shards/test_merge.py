"""Shards of a run, merged: the folder that one process would have made, and what is refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cocoon
from cocoon.benchmarks.orchestration.run_compare import differences
from cocoon.core.jsonl import dump_line
from cocoon.core.records import Dropped
from cocoon.running.folder import read_run
from cocoon.running.manifest import read_manifest
from cocoon.tests.commands import cocoon as command
from cocoon.tests.commands import endpoint, server
from cocoon.tests.conversations import shipped_profiles
from cocoon.tests.graphs.script_cases import TALK, person, rater, writer
from cocoon.tests.graphs.test_script_command import answering


@pytest.fixture(scope="module")
def spec() -> Iterator[str]:
    with endpoint() as url:
        yield url


def simulating(spec: str, people: int = 5) -> list[str]:
    roles = ["--supporter", spec, "--user", spec, "--judge", spec, "--scales", "success,comfort"]
    return ["simulate", "--profiles", "shipped", "-n", str(people), "--rounds", "2", *roles, "-o", "form_pairs=2"]


def sharded(words: list[str], place: Path, count: int) -> list[Path]:
    """Make every shard of a command's run, and return their folders."""
    folders = [place / f"s{index}" for index in range(1, count + 1)]
    for index, folder in enumerate(folders, 1):
        done = command(*words, "--shard", f"{index}/{count}", "--out", str(folder))
        assert done.code == 0, done.err
    return folders


@pytest.fixture(scope="module")
def runs(spec: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run in one process (`single`), and the same in shards `s1` to `s3`."""
    place = tmp_path_factory.mktemp("runs")
    assert command(*simulating(spec), "--out", str(place / "single")).code == 0
    sharded(simulating(spec), place, 3)
    return place


def shards_of(place: Path) -> list[Path]:
    return sorted(place.glob("s[0-9]"))


def test_merged_shards_are_the_run_of_one_process_but_for_times(runs: Path, tmp_path: Path) -> None:
    merged = cocoon.merge(*reversed(shards_of(runs)), out=tmp_path / "m")
    assert (merged.items, merged.kept, merged.failures) == (5, 5, 0)
    assert differences(runs / "single", tmp_path / "m") == []
    manifest = read_manifest(tmp_path / "m")
    assert manifest is not None and manifest.form_invariance is not None and len(manifest.sessions) == 3


def test_a_merged_run_is_verified_resumed_and_reported_like_any_other(runs: Path, spec: str, tmp_path: Path) -> None:
    out = str(tmp_path / "m")
    assert command("merge", *map(str, shards_of(runs)), "--out", out).out == (
        f"3 shards merged into {out}: 5 of 5 kept, 0 dropped, 0 failed\n"
    )
    assert cocoon.verify(out).ok and not cocoon.verify(out).unchecked
    again = command(*simulating(spec), "--out", out, "--json")
    assert (again.code, again.json["calls"], again.json["dialogues"]) == (0, 0, 5)
    assert command(*simulating(spec, people=6), "--out", out, "--json").json["dialogues"] == 6
    assert command("report", out).code == 0 and (tmp_path / "m" / "trace" / "view.html").exists()
    assert cocoon.verify(out).ok


def test_the_shards_share_the_people_and_the_budget(runs: Path, spec: str, tmp_path: Path) -> None:
    people = [[dialogue.profile.id for dialogue in cocoon.Run(path)] for path in shards_of(runs)]
    order = [dialogue.profile.id for dialogue in cocoon.Run(runs / "single")]
    assert people == [order[0::3], order[1::3], order[2::3]]
    words = [*simulating(spec), "--budget-calls", "20", "--json"]
    spent = [command(*words, "--shard", f"{part}/3", "--out", str(tmp_path / part)) for part in ("1", "2", "3")]
    assert [done.code for done in spent] == [3, 3, 3] and [done.json["calls"] for done in spent] == [7, 7, 6]


def test_profiles_from_python_stand_in_the_merged_folder(spec: str, tmp_path: Path) -> None:
    people = [profile for profile in shipped_profiles() if profile.language == "en"][:2]
    settings = {"profiles": people, "supporter": spec, "user": spec, "rounds": 1, "progress": False}
    roles = {"options": {"form_pairs": 0}, "user_kind": "prompted"}
    for part in ("1/2", "2/2"):
        cocoon.simulate(**settings, **roles, out=tmp_path / part[0], shard=part)
    cocoon.merge(tmp_path / "1", tmp_path / "2", out=tmp_path / "m")
    again = cocoon.simulate(**settings, **roles, out=tmp_path / "m")
    assert len(again) == 2 and again.summary()["calls"] == 0 and cocoon.verify(again).ok


def test_judging_in_shards_rates_what_one_process_would(runs: Path, spec: str, tmp_path: Path) -> None:
    words = ["judge", str(runs / "single" / "dialogues.jsonl"), "--judge", spec, "--scales", "basic"]
    assert command(*words, "--out", str(tmp_path / "single")).code == 0
    shards = sharded(words, tmp_path, 2)
    cocoon.merge(*shards, out=tmp_path / "m")
    assert differences(tmp_path / "single", tmp_path / "m") == []
    assert cocoon.verify(tmp_path / "m").ok
    with_sample = [*words, "--sample", "3", "--seed", "1"]
    assert command(*with_sample, "--out", str(tmp_path / "few")).code == 0
    cocoon.merge(*sharded(with_sample, tmp_path / "sampled", 2), out=tmp_path / "few-m")
    assert differences(tmp_path / "few", tmp_path / "few-m") == []


def test_like_profiles_of_several_shards_are_dropped_when_they_are_merged(spec: str, tmp_path: Path) -> None:
    words = [
        "profiles",
        "build",
        "-n",
        "8",
        "--language",
        "en",
        "-o",
        "near_duplicate=40",
        "-o",
        "sense=false",
        "--writer",
        spec,
    ]
    expect_decided(words, "near_duplicate", tmp_path)


def test_the_lowest_share_of_scripts_is_that_of_all_shards(tmp_path: Path) -> None:
    things = ("rain", "noise", "dust", "traffic", "paper", "letters")
    people = [person(thing).model_copy(update={"feeling": f"I am weary of {thing}"}) for thing in things]
    (tmp_path / "p.jsonl").write_bytes(b"".join(map(dump_line, people)))

    def write(text: str) -> Any:
        """Write what the good writer does, with the thing that the person is weary of in the second exchange."""
        thing, piece = next((thing for thing in things if f"weary of {thing}" in text), ""), writer(text)
        exchanges = piece.get("exchanges", []) if "closing" not in piece else []
        said = [{**each, "user": each["user"] + f" And {thing}." * (each["user"] == TALK[1][1])} for each in exchanges]
        return {**piece, "exchanges": said} if said else piece

    def rate(text: str) -> Any:
        """Rate as the good rater does, and each person's script by its number."""
        marks = [number for number, thing in enumerate(things, 1) if f"And {thing}." in text]
        rated = rater(text)
        return {"items": dict.fromkeys(rated["items"], marks[0])} if "items" in rated and marks else rated

    with server(answering(write, rate)) as url:
        words = ["script", "--profiles", str(tmp_path / "p.jsonl"), "-o", "aels_share=0.4", "--writer", url]
        expect_decided(words, "low_aels", tmp_path)


def expect_decided(words: list[str], reason: str, place: Path) -> None:
    """Expect that merged shards drop for a reason just what one process drops."""
    # At temperature 0 two equal calls of one process are asked once, and which of them depends on the time.
    words = [*words, "-o", "rater.temperature=0.1"]
    single = command(*words, "--out", str(place / "single"), "--json").json
    shards = sharded(words, place, 2)
    merged = cocoon.merge(*shards, out=place / "m")
    assert differences(place / "single", place / "m") == []
    assert (merged.kept, merged.dropped) == (single["kept"], sum(single["dropped"].values()))
    late = [record.reason for record in read_run(place / "m", "dropped.jsonl", Dropped) if record.node == "sieve"]
    assert set(late) == {reason} and merged.kept > 0
    assert not any(record.node == "sieve" for shard in shards for record in read_run(shard, "dropped.jsonl", Dropped))
    assert merged.notes == single["notes"] and cocoon.verify(place / "m").ok
