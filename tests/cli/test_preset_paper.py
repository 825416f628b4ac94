"""`--preset paper` takes 200 people, and a dry run says whom it found and what so many can show."""

from pathlib import Path

import pytest

from cocoon.api.simulation import can_show
from cocoon.core.jsonl import read_records
from cocoon.core.outside.profile_files import profile_path
from cocoon.core.records import Profile
from cocoon.evaluation.statistics.power import (
    power_of_mean,
    profiles_for_mean,
    profiles_for_rate,
    smallest_mean_difference,
    smallest_rate_difference,
)
from cocoon.tests.commands import cocoon

KEYED = {"OPENAI_API_KEY": "not-used"}


def dry(tmp_path: Path, *options: str) -> dict[str, object]:
    """What a dry run expects."""
    done = cocoon("simulate", *options, "--out", str(tmp_path / "r"), "--dry-run", "--json", environment=KEYED)
    assert done.code == 0, done.err
    return done.json


def test_the_preset_takes_the_200_people_of_cocoon_open(tmp_path: Path) -> None:
    expected = dry(tmp_path, "--preset", "paper")
    assert (expected["profiles"], expected["profiles_wanted"], expected["dialogues"]) == (200, 200, 200)
    assert "0.20 standard deviations" in str(expected["can_show"]) and "0.14" in str(expected["can_show"])


def test_people_of_ones_own_beat_those_of_the_preset_and_their_number_is_told(tmp_path: Path) -> None:
    expected = dry(tmp_path, "--preset", "paper", "--profiles", "shipped")
    assert (expected["profiles"], expected["profiles_wanted"]) == (20, 200)
    assert "0.66 standard deviations" in str(expected["can_show"])


def test_the_other_language_is_asked_for_by_name(tmp_path: Path) -> None:
    assert dry(tmp_path, "--preset", "paper", "--profiles", "open:en")["profiles"] == 200


def test_no_number_is_wanted_where_none_was_given(tmp_path: Path) -> None:
    assert "profiles_wanted" not in dry(tmp_path, "--profiles", "shipped:en")


def test_the_people_of_the_preset_differ() -> None:
    (file,) = profile_path("open:zh")
    people = list(read_records(file, Profile))
    assert len({profile.id for profile in people}) == len({profile.need for profile in people}) == 200


@pytest.mark.parametrize(
    ("profiles", "told"),
    [(3, "3 profiles are too few for any test"), (10, "no difference in success rates"), (25, "0.58"), (200, "0.20")],
)
def test_what_so_many_people_can_show_is_said(profiles: int, told: str) -> None:
    assert told in can_show(profiles)


@pytest.mark.parametrize("profiles", [20, 25, 60, 200, 309])
def test_the_smallest_difference_needs_about_so_many_profiles(profiles: int) -> None:
    mean, rate = smallest_mean_difference(profiles), smallest_rate_difference(profiles)
    assert mean is not None and rate is not None
    assert profiles_for_mean(mean, 1.0) == pytest.approx(profiles, abs=1)
    assert power_of_mean(profiles, 0.95 * mean, 1.0) < 0.8
    # The power of McNemar's exact test goes up and down with the number of profiles.
    needed = profiles_for_rate(0.5 * (0.5 + rate), 0.5 * (0.5 - rate))
    assert needed == pytest.approx(profiles, rel=0.15)


def test_too_few_profiles_show_nothing() -> None:
    assert smallest_mean_difference(5) is None and smallest_rate_difference(10) is None
