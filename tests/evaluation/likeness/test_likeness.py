"""How like people simulated users talk: the measures of a talk, the yardstick of people, and users planted wrong."""

import random
from functools import cache

import pytest

from cocoon.benchmarks.evaluation.planted_users import (
    PLANTED,
    TOLD_BY,
    against,
    measured,
    people_of_chance,
    split,
)
from cocoon.core.records import Dialogue, Language, Turn
from cocoon.corpora.dialogue_loaders import read_corpus
from cocoon.evaluation.fidelity.likeness.distances import MeasuredTalk
from cocoon.evaluation.fidelity.likeness.measures import measure_talk, talk_of
from cocoon.tests.corpora.test_real_corpora import at_hand

CORPORA = {
    "annomi": "annomi/annomi_even.csv",
    "esconv": "multiesc_esconv/valid.jsonl",
    "esconv-failed": "esconv/FailedESConv.json",
    "smile": "smile/smilechat_sample1228.jsonl",
}
LARGE = ["chance", "esconv", "esconv-failed", "smile"]
"""Those with a hundred talks or more."""
MOST = 200
"""Talks of a corpus that are read here."""
SPLITS = 40


def measures(*texts: str, language: Language = "en", supporter: int = 1) -> dict[str, float | None]:
    """The measures of a talk in which the two alternate and the supporter's turns have odd indices, or even ones."""
    turns = [
        Turn(role="supporter" if index % 2 == supporter else "user", content=text) for index, text in enumerate(texts)
    ]
    return measure_talk(talk_of(turns, language))


def of_user(*texts: str, language: Language = "en") -> dict[str, float | None]:
    """The measures of a talk in which the supporter only hums."""
    return measures(*[text for answer in texts for text in ("Mm.", answer)], language=language, supporter=0)


def test_lengths_are_told_by_third_and_by_how_they_grow() -> None:
    shrinking = of_user("one two three four five six seven.", "one two three.", "one.")
    assert [shrinking[name] for name in ("first_third", "middle_third", "last_third")] == [7, 3, 1]
    assert shrinking["growth"] == pytest.approx(-2)
    assert of_user("a b", "a b", "a b")["variation"] == 0


def test_four_turns_give_every_third_at_least_one_of_them() -> None:
    values = of_user("a b c d", "a b c", "a b", "a")
    assert [values[name] for name in ("first_third", "middle_third", "last_third")] == [3.5, 2, 1]


def test_a_talk_that_is_too_short_lacks_a_measure_and_does_not_get_a_zero() -> None:
    values = of_user("Hello there.")
    assert values["first_third"] is None and values["variety"] is None and values["own_words"] is None
    assert values["asks_back"] == 0


def test_neighbouring_utterances_of_one_side_are_one_turn() -> None:
    turns = [Turn(role="user", content=text) for text in ("I am tired", "of it all")]
    assert len(talk_of(turns, "en").answers) == 1 and talk_of(turns, "en").lengths == [6]


@pytest.mark.parametrize(
    ("language", "measure", "with_it", "without"),
    [
        ("en", "asks_back", "And how was your day?", "My day was long."),
        ("zh", "asks_back", "你今天过得怎么样？", "我今天很累。"),
        ("en", "hedges", "Maybe I was kind of wrong.", "I was wrong."),
        ("zh", "hedges", "可能是我有点太急了。", "是我太急了。"),
        ("en", "refusals", "I’d rather not talk about it.", "He left me in May."),
        ("zh", "refusals", "我不想说这个。", "他五月走了。"),
        ("en", "counsels", "You should talk to your brother.", "I should talk to my brother."),
        ("zh", "counsels", "你可以试着和他聊聊。", "我试着和他聊过。"),
        ("en", "agrees", "Yes, exactly.", "Yes, and he never wrote."),
        ("zh", "agrees", "你说得对。", "对，他也没写信来。"),
    ],
)
def test_what_a_turn_does_is_counted(language: Language, measure: str, with_it: str, without: str) -> None:
    assert (of_user(with_it, language=language)[measure] or 0) > 0
    assert of_user(without, language=language)[measure] == 0


def test_what_is_told_at_once_and_what_is_still_new_at_the_end() -> None:
    at_once = of_user("My brother sold the orchard behind our house.", "To me.", "And to us.")
    bit_by_bit = of_user("My brother called.", "He sold the orchard.", "It stood behind our house.")
    assert at_once["told_early"] == 1 and at_once["told_late"] == 0
    assert bit_by_bit["told_early"] == pytest.approx(2 / 6, abs=0.1) and (bit_by_bit["told_late"] or 0) >= 2


def test_a_template_repeats_its_opening_and_its_words() -> None:
    values = of_user(*[f"I feel that {word} is hard for me." for word in ("work", "home", "sleep", "love")])
    assert values["same_opening"] == 1 and (values["own_words"] or 0) > 0.6


def test_the_answer_to_each_move_is_held_against_the_talk_s_own_length() -> None:
    talk = measures("Hi there you.", "How was it for you?", "It was long and hard and sad.", "You should rest.", "No.")
    assert (talk["after_open_question"] or 0) > 1 > (talk["after_advice"] or 2)
    assert talk["after_self_disclosure"] is None


def test_people_without_a_spread_and_too_few_talks_make_no_comparison() -> None:
    talks = measured(people_of_chance(30))
    few = against(talks[:4], talks[4:])
    assert few.measures == [] and "first_third" in few.too_few and few.outside == []


def test_talks_of_one_profile_count_as_one_person() -> None:
    talks = measured(people_of_chance(60))
    ours = [MeasuredTalk(f"p{number % 6}", "s", "en", talk.values) for number, talk in enumerate(talks[:30])]
    assert {measure.n for measure in against(ours, talks[30:]).measures if measure.measure == "first_third"} == {6}


def test_a_spread_that_differs_is_told_apart_from_a_shift() -> None:
    talks = measured(people_of_chance(120))
    middle = sorted(talk.values["first_third"] or 0 for talk in talks)[60]
    ours = [MeasuredTalk(talk.profile, "s", "en", {**talk.values, "first_third": middle}) for talk in talks[:50]]
    (measure,) = [one for one in against(ours, talks[50:]).outside if one.measure == "first_third"]
    assert measure.shifted is None and measure.spread_ours < measure.spread_theirs


@cache
def people(corpus: str) -> list[Dialogue]:
    """Talks of a corpus at hand, or talks of nobody's words, which every checkout has."""
    if corpus == "chance":
        return people_of_chance(200)
    return list(read_corpus(corpus, at_hand(CORPORA[corpus]), MOST).dialogues)


@cache
def measured_people(corpus: str) -> list[MeasuredTalk]:
    """The measures of those talks."""
    return measured(people(corpus))


def drawn(corpus: str) -> tuple[list[Dialogue], list[MeasuredTalk]]:
    """Fifty talks of a corpus, and the measures of the rest."""
    order = random.Random(20).sample(range(len(people(corpus))), len(people(corpus)))
    return [people(corpus)[index] for index in order[:50]], [measured_people(corpus)[index] for index in order[50:]]


@pytest.mark.parametrize("corpus", ["chance", *CORPORA])
def test_halves_of_people_lie_inside_their_own_yardstick(corpus: str) -> None:
    talks = measured_people(corpus)
    inside = [not against(*split(talks, len(talks) // 2, seed)).outside for seed in range(SPLITS)]
    assert sum(inside) >= 0.95 * SPLITS, f"{sum(inside)} of {SPLITS} splits"


@pytest.mark.parametrize("corpus", LARGE)
@pytest.mark.parametrize("planted", PLANTED)
def test_users_planted_wrong_are_told_at_fifty_talks_by_what_is_wrong(corpus: str, planted: str) -> None:
    ours, rest = drawn(corpus)
    outside = {measure.measure for measure in against(measured(PLANTED[planted](ours)), rest).outside}
    assert outside & TOLD_BY[planted], f"{planted} among {corpus}: {outside}"


@pytest.mark.parametrize("corpus", LARGE)
def test_the_same_fifty_people_are_not_told(corpus: str) -> None:
    ours, rest = drawn(corpus)
    assert against(measured(ours), rest).outside == []
