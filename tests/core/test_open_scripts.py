"""COCOON-Open: fifty people with whole two-stage scripts keep the rules that their datasheet gives."""

from collections import Counter
from pathlib import Path
from statistics import mean

import pytest

from cocoon.agents.writers.profile_checks import profile_problem, text_likeness
from cocoon.api.loading import load_dialogues, load_profiles
from cocoon.core.records import Dialogue, Language
from cocoon.evaluation.questions.detection import questions
from cocoon.evaluation.questions.sentences import sentences
from cocoon.evaluation.screen.screen import Rewrite, ScreenRules, Spoken, need_turn, screen_listening

LANGUAGES: tuple[Language, ...] = ("zh", "en")
OPEN = Path(__file__).resolve().parent.parent.parent / "examples" / "open"
SCRIPTS = {language: load_dialogues(OPEN / f"scripts.{language}.jsonl") for language in LANGUAGES}
ALL = [*SCRIPTS["zh"], *SCRIPTS["en"]]
BY_ID = [pytest.param(script, id=script.id) for script in ALL]
LONGEST_REPEAT = {"zh": 7, "en": 24}
"""A sentence of more characters stands in one script only."""


def listening(script: Dialogue) -> list[Spoken]:
    return [Spoken(turn.role, turn.content) for turn in script.turns[: script.stage_boundary]]


@pytest.mark.parametrize("script", BY_ID)
@pytest.mark.parametrize("rewrite", ["closed", "all"])
def test_every_script_passes_the_screen_under_both_rules(script: Dialogue, rewrite: Rewrite) -> None:
    assert screen_listening(listening(script), script.profile, ScreenRules(rewrite=rewrite)) == []


@pytest.mark.parametrize("script", BY_ID)
def test_every_script_has_two_stages_and_the_need_comes_late_in_the_first(script: Dialogue) -> None:
    boundary, turns = script.stage_boundary, script.turns
    assert boundary is not None and boundary >= 12 and 16 <= len(turns) <= 24
    assert {turns[0].role, turns[boundary].role, turns[-1].role} == {"supporter"}
    assert sum(turn.role == "user" for turn in turns[boundary:]) >= 3
    told = need_turn(listening(script), script.profile, semantic=True)
    assert told is not None and told > 2 * ScreenRules().minimum_rounds


@pytest.mark.parametrize("script", BY_ID)
def test_supporters_think_in_four_parts_and_state_what_the_draft_asked(script: Dialogue) -> None:
    replies = [turn for turn in script.turns if turn.role == "supporter"][1:]
    assert all(turn.thought and turn.thought.analysis and turn.thought.strategy for turn in replies)
    drafts = [turn.draft for turn in script.turns if turn.draft]
    assert len(drafts) >= 2
    assert all(any(sentence.genuine for sentence in questions(draft, script.language)) for draft in drafts)


@pytest.mark.parametrize("script", BY_ID)
def test_every_person_of_a_script_keeps_the_rules_of_profiles(script: Dialogue) -> None:
    person = script.profile
    assert profile_problem(person) is None
    assert person.need == person.chain[-1].need and len(person.chain) in (3, 4) and 6 <= len(person.memory) <= 8
    assert person.licence == script.licence == "CC-BY-4.0"


@pytest.mark.parametrize("language", LANGUAGES)
def test_they_are_other_people_than_the_200(language: Language) -> None:
    needs = [person.need or "" for person in load_profiles(f"open:{language}")]
    for script in SCRIPTS[language]:
        assert max(text_likeness(script.profile.need or "", need) for need in needs) < 75, script.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_of_some_length_stands_in_two_scripts(language: Language) -> None:
    places = Counter(
        sentence
        for script in SCRIPTS[language]
        for sentence in {part for turn in script.turns for part in sentences(turn.content, language)}
        if len(sentence) > LONGEST_REPEAT[language]
    )
    assert [sentence for sentence, number in places.items() if number > 1] == []


def test_there_are_25_in_each_language_of_twenty_turns_on_average() -> None:
    assert [len(SCRIPTS[language]) for language in LANGUAGES] == [25, 25]
    assert 19 <= mean(len(script.turns) for script in ALL) <= 21
