"""Profiles read for sense: levels, what they drop, the figures of the judge, and faults that were planted."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from cocoon.core.records import Dropped, Profile
from cocoon.models.by_name import Models
from cocoon.running.building.config import ProfileJudgeConfig, ReaderConfig
from cocoon.running.building.generation import Generated, generate
from cocoon.running.building.sense import FAULTS, ProfileReader, fault_of, with_fault
from cocoon.running.folder import read_run
from cocoon.tests.commands import cocoon
from cocoon.tests.conversations import shipped_profiles
from cocoon.tests.graphs.generation_cases import Says, chat, only
from cocoon.tests.graphs.test_profile_graph import build
from cocoon.tests.graphs.test_profile_graph import rater as rating

PEOPLE = [profile for profile in shipped_profiles() if profile.language == "en"][:4]


def levels(plausible: int | None, *steps: int | None) -> Says:
    """A judge with the same levels for everybody, its steps those that are asked for."""

    def says(text: str) -> Any:
        count = int(re.findall(r"each of the (\d+) steps", text)[0])
        return {"reason": "it fits", "plausible": plausible, "steps": list(steps[:count])}

    return says


def with_sense(says: Says) -> Says:
    """The rater of a build, with its levels of sense from `says`."""
    return lambda text: says(text) if "makes sense" in text else rating(2, 4)(text)


def read(out: Path, says: Says, people: list[Profile] = PEOPLE, **changes: Any) -> Generated:
    config = ProfileJudgeConfig(judge=ReaderConfig(model="scripted:judge"), **changes)
    models = Models()
    models.wrap("scripted:judge", chat(says))
    reader = ProfileReader(config, models, people)
    return asyncio.run(generate(reader, reader.items(), config, models, out))


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        (levels(2, 4, 4), "implausible"),
        (levels(4, 4, 2), "irrelevant_step"),
        (levels(None, 4, 4), "sense_not_rated"),
        (levels(4, None, 4), "sense_not_rated"),
        (levels(4, 4), "unreadable"),
        (levels(7, 4, 4), "unreadable"),
    ],
)
def test_a_build_drops_a_profile_without_sense(tmp_path: Path, says: Says, reason: str) -> None:
    assert build(tmp_path, rates=with_sense(says)).kept == 0
    assert only(tmp_path).reason == reason and only(tmp_path).detail


def test_a_build_keeps_the_levels_in_the_profile_and_tells_the_figures(tmp_path: Path) -> None:
    outcome = build(tmp_path, rates=with_sense(levels(5, 4, 3)))
    (profile,) = read_run(tmp_path, "profiles.jsonl", Profile)
    assert (profile.plausible, [step.relevance for step in profile.chain]) == (5, [None, 4, 3])
    assert outcome.notes == [
        "Plausibility by scripted:rater, 1 to 5: 5.00, n = 1 profiles",
        "Relevance of a step by scripted:rater, 1 to 5: 3.50, n = 2 steps",
    ]


def test_another_threshold_decides_anew_without_a_call(tmp_path: Path) -> None:
    says = with_sense(levels(3, 4, 3))
    assert build(tmp_path, rates=says).kept == 1
    strict = build(tmp_path, rates=says, least_plausible=4)
    assert (strict.kept, strict.progress.calls, only(tmp_path).reason) == (0, 0, "implausible")
    assert build(tmp_path, rates=says).kept == 1


def test_a_build_without_sense_asks_for_no_reading(tmp_path: Path) -> None:
    def says(text: str) -> Any:
        assert "makes sense" not in text
        return rating(2, 4)(text)

    assert build(tmp_path, rates=says, sense=False).kept == 1
    (profile,) = read_run(tmp_path, "profiles.jsonl", Profile)
    assert "plausible" not in profile.model_dump() and "relevance" not in profile.chain[1].model_dump()


def knowing(text: str) -> Any:
    """A judge that knows the four people: a wish or a memory of somebody else makes no sense to it."""
    first = re.findall(r"^1\. (.+)$", text, re.MULTILINE)[0]
    person = next(profile for profile in PEOPLE if profile.chain[0].need == first)
    own = sum(memory.text in text for memory in person.memory) == len(person.memory)
    steps = [5 if step.need in text else 1 for step in person.chain[1:]]
    return {"reason": "it fits", "plausible": 5 if own else 2, "steps": steps}


def test_a_judge_is_measured_on_planted_faults(tmp_path: Path) -> None:
    outcome = read(tmp_path, knowing, planted=True)
    assert (outcome.kept, outcome.reasons) == (4, {"sieve: planted": 8})
    assert "Found of planted wish of another person: 1.00 [0.51, 1.00], n = 4 copies" in outcome.notes
    assert "Found of planted memories of another person: 1.00 [0.51, 1.00], n = 4 copies" in outcome.notes
    assert "Dropped of the profiles as they are: 0.00 [0.00, 0.49], n = 4 profiles" in outcome.notes
    kept = [profile.id for profile in read_run(tmp_path, "profiles.jsonl", Profile)]
    assert kept == [profile.id for profile in PEOPLE]


def test_a_judge_that_finds_nothing_is_told(tmp_path: Path) -> None:
    outcome = read(tmp_path, levels(5, 5, 5, 5), planted=True)
    assert "Found of planted wish of another person: 0.00 [0.00, 0.49], n = 4 copies" in outcome.notes
    assert all("not found" in dropped.detail for dropped in read_run(tmp_path, "dropped.jsonl", Dropped))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_copy_differs_in_its_fault_alone(fault: Any) -> None:
    first, second = PEOPLE[:2]
    copy = with_fault(first, second, fault)
    assert fault_of(copy) == fault and fault_of(first) is None
    assert (copy.chain == first.chain, copy.memory[-1] == first.memory[-1]) == (fault == "memories", fault == "wish")
    assert copy.memory[0].text.startswith(copy.need or "")
    assert copy.feeling == first.feeling and copy.chain[0] == first.chain[0]


def test_planting_needs_a_second_person(tmp_path: Path) -> None:
    given = ("profiles", "judge", "shipped:en", "-n", "1", "--judge", "openai:x", "--planted")
    done = cocoon(*given, "--out", str(tmp_path / "r"), "--dry-run")
    assert done.code == 2 and "leave out --planted" in done.err


def test_a_dry_run_tells_the_readings(tmp_path: Path) -> None:
    given = ("profiles", "judge", "open:zh", "--judge", "openai:x", "--planted", "--out", str(tmp_path / "r"))
    done = cocoon(*given, "--dry-run", "--json")
    assert done.json["readings"] == 600 and not (tmp_path / "r").exists()
