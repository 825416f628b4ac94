"""COCOON-Open: 200 people in both languages keep the rules that their datasheet gives."""

from collections import Counter
from itertools import combinations

import pytest

from cocoon.agents.writers.profile_checks import profile_problem, text_likeness
from cocoon.api.loading import load_profiles
from cocoon.core.errors import CocoonError
from cocoon.core.outside.profile_files import profile_path
from cocoon.core.records import Language, Profile

PEOPLE: dict[Language, list[Profile]] = {"zh": load_profiles("open:zh"), "en": load_profiles("open:en")}
BOTH = [*PEOPLE["zh"], *PEOPLE["en"]]
CRISIS = {"zh": "（附近有危机）", "en": "(a crisis nearby)"}


def number(profile: Profile) -> str:
    return profile.id.rpartition("-")[2]


def test_both_languages_have_the_same_200_people() -> None:
    assert [number(person) for person in PEOPLE["zh"]] == [number(person) for person in PEOPLE["en"]]
    assert len(PEOPLE["zh"]) == 200 and len({person.id for person in BOTH}) == 400
    for chinese, english in zip(PEOPLE["zh"], PEOPLE["en"], strict=True):
        assert [memory.chain_node for memory in chinese.memory] == [memory.chain_node for memory in english.memory]
        assert len(chinese.chain) == len(english.chain)
        assert {chinese.translation_of, english.translation_of} in ({None, chinese.id}, {None, english.id})


@pytest.mark.parametrize("person", BOTH, ids=lambda person: person.id)
def test_every_person_keeps_the_rules(person: Profile) -> None:
    assert profile_problem(person) is None
    assert person.need == person.chain[-1].need and person.licence == "CC-BY-4.0"
    assert len(person.chain) in (3, 4) and 6 <= len(person.memory) <= 8
    assert person.chain[0].difficulty is None and person.chain[-1].difficulty in (3, 4)
    assert all(step.reason for step in person.chain[1:])


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_need_is_there_twice(language: Language) -> None:
    needs = [person.need or "" for person in PEOPLE[language]]
    assert [pair for pair in combinations(needs, 2) if text_likeness(*pair) >= 75] == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_areas_and_crises_are_spread_as_the_datasheet_says(language: Language) -> None:
    mark = "：" if language == "zh" else ":"
    areas = Counter(person.scenario.partition(mark)[0] for person in PEOPLE[language])
    assert len(areas) == 20 and set(areas.values()) == {10}
    assert sum(person.scenario.endswith(CRISIS[language]) for person in PEOPLE[language]) == 20
    assert max(Counter(person.emotion for person in PEOPLE[language]).values()) <= 8


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_people_with_a_crisis_nearby_are_read_by_a_name_of_their_own(language: Language) -> None:
    marked = [person for person in PEOPLE[language] if person.scenario.endswith(CRISIS[language])]
    assert load_profiles(f"crisis:{language}") == marked and len(marked) == 20


def test_a_language_that_is_not_there_is_told() -> None:
    with pytest.raises(CocoonError, match="there are open, open:zh, open:en"):
        profile_path("open:fr")
    assert len(profile_path("open")) == 2
