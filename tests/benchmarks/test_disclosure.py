"""The disclosure table under attuned rules: what six scripted supporters get out of the shipped profiles."""

import math

import pytest

from cocoon.agents.users.trust import TrustGate
from cocoon.benchmarks.disclosure import Disclosure, disclosure, shipped_profiles
from cocoon.core.records import Profile

GATE = TrustGate("normal", "attuned")


def share_opened(found: Disclosure) -> float:
    return sum(map(math.isfinite, found.needs)) / len(found.needs)


@pytest.fixture(scope="module")
def profiles() -> list[Profile]:
    return shipped_profiles()


async def test_reflecting_and_asking_openly_both_open_the_need_of_some_people_and_stepwise_naming_is_faster(
    profiles: list[Profile],
) -> None:
    names = ("reflects exactly", "asks open questions", "names step by step")
    reflects, asks, names_steps = [await disclosure(name, GATE, profiles) for name in names]
    assert len(profiles) == 20
    assert all(0.4 <= share_opened(found) <= 0.8 for found in (reflects, asks))
    assert abs(share_opened(reflects) - share_opened(asks)) <= 0.1
    pairs = list(zip(names_steps.needs, reflects.needs, strict=True))
    assert sum(named <= reflected for named, reflected in pairs) >= 0.9 * len(pairs)
    assert sorted(names_steps.needs)[10] < sorted(reflects.needs)[10]


@pytest.mark.parametrize("name", ["names the need at once", "presses", "advises"])
async def test_naming_at_once_breaks_pressing_drives_away_and_advice_opens_nothing(
    name: str, profiles: list[Profile]
) -> None:
    found = await disclosure(name, GATE, profiles[::4])
    assert share_opened(found) == 0
    assert all(found.ruptured) is (name == "names the need at once")
    assert all(found.left) is (name != "advises")


async def test_under_naming_rules_ten_exact_reflections_open_nothing(profiles: list[Profile]) -> None:
    assert share_opened(await disclosure("reflects exactly", TrustGate("normal", "naming"), profiles[::7])) == 0
