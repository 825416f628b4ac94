"""The screen does not judge the toolkit's own opening, and judges everything after it."""

from pathlib import Path

import pytest

from cocoon.core.outside.profile_files import read_profile_files
from cocoon.core.records import ChainStep, Language, Profile
from cocoon.evaluation.screen.screen import ScreenRules, Spoken, fixed_opening, screen_listening

ORDINARY: list[tuple[Language, str, str]] = [
    ("en", "frustrated", "I want some say over how I spend my own evenings"),
    ("en", "sad", "I want him to come over today and say it to my face"),
    ("en", "uneasy", "I want to say yes to something today without being asked twice"),
    ("zh", "焦虑", "我希望今天能有人过来陪陪我"),
    # Variants: the need names the mood, a greeting, or nearly all of the opening.
    ("en", "lonely", "I want somebody to come over and say hello to me"),
    ("en", "Tired", "I want to seem a little less tired"),
    ("zh", "难过", "我希望有人过来跟我打个招呼"),
    ("zh", "", "我希望今天话不多也没关系"),
]


def person(language: Language, emotion: str, need: str) -> Profile:
    chain = [
        ChainStep(need="我想早点下班" if language == "zh" else "I want the lift to be mended"),
        ChainStep(need=need),
    ]
    feeling = "我有点累" if language == "zh" else "I am worn out"
    return Profile(id="p", language=language, emotion=emotion, feeling=feeling, need=need, chain=chain)


@pytest.mark.parametrize(("language", "emotion", "need"), ORDINARY)
def test_a_need_that_shares_words_with_the_opening_is_no_leak(language: Language, emotion: str, need: str) -> None:
    profile = person(language, emotion, need)
    turns = [Spoken("supporter", fixed_opening(profile)), Spoken("user", "嗯。" if language == "zh" else "Hm.")]
    assert screen_listening(turns, profile, ScreenRules()) == []


@pytest.mark.parametrize(("language", "emotion", "need"), ORDINARY)
def test_the_same_words_later_are_a_leak(language: Language, emotion: str, need: str) -> None:
    profile = person(language, emotion, need)
    answer = Spoken("user", "嗯。" if language == "zh" else "Hm.")
    told = need.replace("我", "你") if language == "zh" else need.replace("I want", "You want")
    turns = [Spoken("supporter", fixed_opening(profile)), answer, Spoken("supporter", told), answer]
    findings = screen_listening(turns, profile, ScreenRules(semantic=False, doubtful=False))
    assert [(finding.kind, finding.turn) for finding in findings] == [("leak", 2)]


def test_another_first_turn_is_judged() -> None:
    profile = person(*ORDINARY[0])
    turns = [Spoken("supporter", "You want some say over how you spend your own evenings."), Spoken("user", "Hm.")]
    findings = screen_listening(turns, profile, ScreenRules(semantic=False))
    assert [(finding.kind, finding.turn) for finding in findings] == [("leak", 0)]


def test_an_opening_of_ones_own_prompts_is_not_judged(tmp_path: Path) -> None:
    (tmp_path / "supporter").mkdir()
    head = "---\nid: supporter/opening\nlanguage: en\ninputs: [emotion]\n---\n"
    text = f"{head}How do you spend your own evenings, {{{{ emotion }}}} one?\n"
    (tmp_path / "supporter" / "opening.en.md").write_text(text)
    profile = person(*ORDINARY[0])
    turns = [Spoken("supporter", fixed_opening(profile, tmp_path)), Spoken("user", "Hm.")]
    assert screen_listening(turns, profile, ScreenRules(prompts=tmp_path)) == []
    assert screen_listening(turns, profile, ScreenRules())


@pytest.mark.parametrize("name", ["shipped", "open"])
def test_the_opening_leaks_for_no_person_that_ships(name: str) -> None:
    for profile in read_profile_files(name):
        turns = [
            Spoken("supporter", fixed_opening(profile)),
            Spoken("user", "嗯。" if profile.language == "zh" else "Hm."),
        ]
        assert screen_listening(turns, profile, ScreenRules(semantic=False)) == [], profile.id
