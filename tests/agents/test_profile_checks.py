"""The form checks of profiles: which language a text is in."""

import pytest

from cocoon.agents.writers.profile_checks import is_in, need_problem

WISHES = [
    "我希望能拿到心仪公司的offer",
    "我想把这份PPT改完",
    "我想完成这个季度的KPI",
    "我希望HR能给我一个明确的答复",
    # Variants: short ones, several words, names, full width, numbers, a word with an apostrophe.
    "我想学用Excel做VLOOKUP",
    "我想去Google或者Amazon实习",
    "我希望考上Harvard Business School的MBA",
    "我想在B站发一条vlog",
    "我想再喝一杯Mary's的咖啡",
    "我想坐3号线去ＣＢＤ上班",
    "我希望二〇二六年能拿到offer",
]
OTHERS = [
    "I want to 加油 for the exam",
    "我 want to go home to my mother",
    "私は会社のオファーが欲しいです",
    "나는 집에 가고 싶다",
    "Я хочу домой к маме",
    "offer",
    "12345！？",
]


@pytest.mark.parametrize("wish", WISHES)
def test_everyday_chinese_with_latin_words_is_chinese(wish: str) -> None:
    assert need_problem(wish, "zh", []) is None and not is_in(wish, "en")


@pytest.mark.parametrize("text", OTHERS)
def test_what_is_mostly_in_another_script_is_not_chinese(text: str) -> None:
    assert not is_in(text, "zh")


@pytest.mark.parametrize("text", ["Я хочу домой к маме", "나는 집에 가고 싶다", "我想回家"])
def test_a_text_in_another_script_is_not_english(text: str) -> None:
    assert not is_in(text, "en")


def test_accents_are_english_enough() -> None:
    assert is_in("I want a café of my own in Malmö", "en")
