"""Detectors on a simulated user's turns: on labelled turns, on talks of people, and case by case."""

from collections import Counter
from collections.abc import Sequence
from typing import get_args

import pytest

from cocoon.core.records import ChainStep, Dialogue, Language, Memory, Profile, Turn
from cocoon.corpora.dialogue_loaders import read_corpus
from cocoon.evaluation.fidelity.flags.inversion import inverts_roles
from cocoon.evaluation.fidelity.flags.outside import foreign_facts
from cocoon.evaluation.fidelity.flags.recital import recites_profile
from cocoon.evaluation.fidelity.flags.records import USER_FLAGS, UserFlag
from cocoon.evaluation.fidelity.flags.turns import flags_by_turn
from cocoon.tests.corpora.test_real_corpora import at_hand
from cocoon.tests.evaluation.flags.labelled_turns import Half, labelled_flags, labelled_turns, score, tell

WELL_TOLD = 0.90
PROFILE = Profile(
    id="p",
    language="en",
    feeling="I am weary of the harvest",
    need="I want my brother to forgive me for selling the orchard",
    chain=[
        ChainStep(need="I want to sleep through the night"),
        ChainStep(need="I want my brother to forgive me for selling the orchard"),
    ],
    memory=[Memory(text="Last winter the bank wrote two letters about unpaid invoices for the tractor.", chain_node=1)],
)
CHINESE = Profile(
    id="z",
    language="zh",
    feeling="我很疲惫，收成又不好",
    need="我希望弟弟能原谅我卖掉了果园",
    memory=[Memory(text="去年冬天银行来信催了两次拖拉机的贷款。")],
)


def flags(text: str, supporter: str = "I see.", language: Language = "en", earlier: Sequence[Turn] = ()) -> list[str]:
    """The flags of one turn after what the supporter said."""
    turns = [*earlier, Turn(role="supporter", content=supporter), Turn(role="user", content=text)]
    profile = PROFILE if language == "en" else CHINESE
    dialogue = Dialogue(id="d", profile=profile, supporter="s", language=language, turns=turns)
    return list(flags_by_turn(dialogue)[len(turns) - 1])


@pytest.mark.parametrize(("half", "flag"), [(half, flag) for half in get_args(Half) for flag in labelled_flags(half)])
def test_every_flag_is_told_well_on_labelled_turns_of_both_languages(half: Half, flag: UserFlag) -> None:
    counts = score(tell(half), [flag])
    assert counts.f1 >= WELL_TOLD, f"{flag}, {half}: {counts}"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_language_is_told_well_on_turns_that_no_rule_was_made_on(language: Language) -> None:
    counts = score(tell("held_out", [language]), USER_FLAGS)
    assert counts.f1 >= WELL_TOLD, f"{language}: {counts}"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_labelled_turns_are_a_hundred_in_two_halves_of_the_same_make(language: Language) -> None:
    turns = labelled_turns(language)
    halves = {half: [turn for turn in turns if turn.half == half] for half in ("development", "held_out")}
    assert [len(half) for half in halves.values()] == [50, 50] and len({turn.text for turn in turns}) == 100
    for half in halves.values():
        assert Counter(flag for turn in half for flag in turn.flags) == dict.fromkeys(USER_FLAGS, 6)


@pytest.mark.parametrize("text", ["Yes, she is.", "No."])
def test_an_answer_to_a_question_of_fact_is_no_empty_agreement(text: str) -> None:
    assert flags(text, "Is your sister older than you?") == []
    assert flags("Yes, exactly.", "You are worn out by it.") == ["empty_agreement"]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "I lost my job :( I can't tell my wife."),
        ("en", "I want you to know I tried everything."),
        ("en", "Everything will be fine, I keep telling myself."),
        ("en", "Yes (my father died)."),
        ("zh", "他走了:( 其实我很难过。"),
        ("zh", "嗯嗯~我其实不想让他知道~"),
        ("zh", "我告诉自己不要哭。"),
        ("zh", "身边没有可以说话的人。"),
        ("zh", "辛苦你了，听我说这么多。"),
        ("zh", "哭出来就好受多了。"),
        ("zh", "我知道，可我做不到。"),
        ("zh", "是的（我爸走了）。"),
    ],
)
def test_everyday_sentences_that_look_alike_are_no_flags(language: Language, text: str) -> None:
    supporter = {"en": "I see. That sounds hard for you.", "zh": "你可以的，我明白。"}[language]
    assert set(flags(text, supporter, language)) <= {"outside_profile"}


def test_a_turn_that_repeats_one_word_for_ever_is_read_at_once() -> None:
    assert flags("嗯" * 20_000, "你好。", "zh") == []


def test_words_of_the_supporter_alone_add_nothing_and_a_word_of_one_s_own_does() -> None:
    assert flags("Yes, I feel shut out.", "You feel shut out.") == ["empty_agreement"]
    assert flags("Yes, shut out and furious.", "You feel shut out.") == []
    assert flags("嗯，我很孤单。", "你很孤单。", "zh") == ["empty_agreement"]
    assert flags("嗯，我很孤单，也很生气。", "你很孤单。", "zh") == []


def test_a_person_by_another_word_is_no_new_person() -> None:
    assert foreign_facts("My dad and my mum came.", "father, mother", "en") == []
    assert foreign_facts("我爸和我妈来了。", "父亲和母亲", "zh") == []
    assert foreign_facts("My uncle came.", "father", "en") == ["uncle"]


@pytest.mark.parametrize(
    ("text", "known", "persons"),
    [
        ("I held my baby all night.", "My daughter is seven months old.", []),
        ("My mum called again.", "My parents live far away.", []),
        ("My mum called again.", "My brother lives far away.", ["mum"]),
        ("My wife was asleep.", "He is married.", []),
        ("晚上我想抱抱孩子。", "女儿满七个月了", []),
        ("当哥的伸手跟弟弟要钱。", "我有个表弟", []),
        ("我弟弟也来了。", "", ["弟弟"]),
        ("跟大娘说说，姑娘。", "", []),
        ("我哥们儿和我小姐妹来了。", "", []),
        ("这话我只跟我大姐提过。", "父亲", ["我大姐"]),
        ("这话我只跟我大姐提过。", "大姐在老家", []),
    ],
)
def test_a_person_is_known_by_what_implies_them(text: str, known: str, persons: list[str]) -> None:
    assert foreign_facts(text, known, "en" if text.isascii() else "zh") == persons


@pytest.mark.parametrize(
    ("text", "known", "figures"),
    [
        ("He owes me two thousand pounds.", "I lent him 2000.", []),
        ("It took twenty-one days.", "", ["twenty-one"]),
        ("It took 1,200 hours.", "one thousand two hundred hours", []),
        ("I have told you a hundred times, the two of us.", "", []),
        ("The ninth at 7.30 on 1.2.2024.", "", ["1.2.2024", "7.30"]),
        ("房租一万二，账上七千四。", "房租12000元，账上7400元", []),
        ("血压一百八。", "", ["一百八"]),
        ("过两天再说，万一下雨呢，我们两个人三天两头吵。", "", []),
        ("第二天我千万不能迟到，十分难过。", "", []),
        ("I feel a hundred years old here.", "", []),
        ("I still owe a hundred dollars there.", "", ["hundred"]),
        ("还差几千块，我能想出八百种可能。", "", []),
        ("还差三千块。", "", ["三千"]),
    ],
)
def test_a_figure_counts_by_its_value_and_a_figure_of_speech_does_not(
    text: str, known: str, figures: list[str]
) -> None:
    assert foreign_facts(text, known, "zh" if "\u4e00" <= text[-2] <= "\u9fff" else "en") == figures


def test_what_anybody_said_before_is_not_outside() -> None:
    named = [Turn(role="user", content="My uncle Clement lives there."), Turn(role="supporter", content="Since 1999?")]
    assert flags("My uncle Clement came in 1999.", earlier=named) == []
    assert flags("And then my uncle Clement came in 1999.") == ["outside_profile"]


def test_the_profile_in_its_own_words_is_recited_and_in_others_is_not() -> None:
    assert flags("I want my brother to forgive me for selling the orchard.") == ["profile_recited"]
    assert flags("My brother never forgave me that I sold it.") == []
    assert flags("我希望弟弟能原谅我卖掉了果园。", language="zh") == ["profile_recited"]
    assert flags("弟弟到现在都不肯理我，就因为那片果园。", language="zh") == []


def test_giving_back_what_the_supporter_has_just_quoted_is_no_recital() -> None:
    quoted = "You want your brother to forgive me for selling the orchard, you wrote."
    assert "profile_recited" not in flags("Brother to forgive me for selling the orchard, and more besides.", quoted)


@pytest.mark.parametrize(
    "text",
    ["(sighs) It is late.", "I told myself that it would pass.", "*shrugs* I don't want to say.", "（苦笑）算了。"],
)
def test_a_gesture_or_a_told_thought_is_no_leak(text: str) -> None:
    assert "thought_leak" not in flags(text)


def test_people_without_a_profile_have_no_facts_outside_of_it() -> None:
    person = Profile(id="x", language="en", feeling="")
    turns = [Turn(role="supporter", content="Hello."), Turn(role="user", content="My uncle Clement owes me 300 euros.")]
    dialogue = Dialogue(id="d", profile=person, supporter="s", language="en", turns=turns)
    assert flags_by_turn(dialogue) == {1: []}
    simulated = dialogue.model_copy(update={"user_kind": "prompted"})
    assert flags_by_turn(simulated) == {1: ["outside_profile"]}


@pytest.mark.parametrize(
    ("text", "supporter", "language"),
    [
        ("Thank you for sharing that, it gives me hope.", "I lost my job once, too.", "en"),
        ("I'm worried about my own life, and everyone says you should rest.", "I see.", "en"),
        ("有时候，我就是想说说心里的事。", "我在听。", "zh"),
        ("桌游里加了点新剧情，慢慢来吧。", "这样很好。", "zh"),
        ("我不知道该怎么做。", "你试过什么？", "zh"),
        ("我要先照顾好自己的情绪。", "你很累。", "zh"),
        ("我们之间的信任度不够。", "你们怎么了？", "zh"),
        ("我一直在扮演照顾别人的角色。", "你很累。", "zh"),
        ("每天忙得跟狗一样，我爸妈也不管。", "父母怎么说？", "zh"),
        ("谢谢您，再见！", "祝你一切顺利。", "zh"),
        ("那我们从哪里开始呢？", "我们可以一起看看。", "zh"),
        ("我要学会接纳自己，不必勉强。", "你很累。", "zh"),
        ("I have to be kind to myself, I see your point.", "You could rest.", "en"),
        ("It is hard for him, and stage two means surgery.", "He is ill.", "en"),
    ],
)
def test_what_people_and_models_say_of_themselves_is_not_flagged(text: str, supporter: str, language: Language) -> None:
    assert flags(text, supporter, language) == []


@pytest.mark.parametrize(
    ("corpus", "file"), [("esconv-failed", "esconv/FailedESConv.json"), ("smile", "smile/smilechat_sample1228.jsonl")]
)
def test_people_who_seek_help_are_seldom_told_to_counsel_and_their_supporters_often(corpus: str, file: str) -> None:
    dialogues = list(read_corpus(corpus, at_hand(file), 150).dialogues)
    shares = {}
    for role in ("user", "supporter"):
        talks = [
            any(inverts_roles(turn.content, one.language) for turn in one.turns if turn.role == role)
            for one in dialogues
        ]
        shares[role] = sum(talks) / len(talks)
    assert shares["user"] <= 0.08 and shares["supporter"] >= 0.5, shares


def test_a_turn_that_repeats_the_supporter_recites_nothing() -> None:
    said = "You want your brother to forgive you for selling the orchard after the long harvest, and you are weary."
    assert not recites_profile(said, said, PROFILE, "en")
    memory = PROFILE.memory[0].text
    assert recites_profile(memory, said, PROFILE, "en") and not recites_profile(memory, memory, PROFILE, "en")
