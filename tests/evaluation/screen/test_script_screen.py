"""The screen of script-based dialogues: on planted sentences, and on listening stages made here."""

from typing import Any, get_args

import pytest

from cocoon.core.records import ChainStep, Language, Memory, Profile
from cocoon.evaluation.screen.cases import ScreenCounts, measure_screen, screen_cases
from cocoon.evaluation.screen.screen import (
    Rewrite,
    ScreenRules,
    Spoken,
    gives_advice,
    leftover_question,
    may_advise,
    may_ask,
    need_turn,
    screen_listening,
)
from cocoon.evaluation.text.static_embedding import available, closeness, embed

NEED = "I want my father to be proud of me"
vectors = pytest.mark.skipif(not available(), reason="needs the word vectors of the extra 'screen'")
LANGUAGES: tuple[Language, ...] = get_args(Language)


def profile(**changes: Any) -> Profile:
    chain = [ChainStep(need="I want to pass the exam"), ChainStep(need=NEED)]
    memory = [Memory(text=f"{NEED}: he left my school play at the interval to take a call", chain_node=1)]
    base = {"feeling": "I am anxious about the exam", "need": NEED, "chain": chain, "memory": memory}
    return Profile(id="p", language="en", emotion="anxious", **{**base, **changes})


def stage(*texts: str) -> list[Spoken]:
    """The supporter opens, turns alternate."""
    return [Spoken("supporter" if place % 2 == 0 else "user", text) for place, text in enumerate(texts)]


def kinds(*texts: str, **rules: Any) -> list[tuple[str, str, int | None]]:
    found = screen_listening(stage(*texts), profile(), ScreenRules(**{"semantic": False, "minimum_rounds": 2, **rules}))
    return [(one.kind, one.test, one.turn) for one in found]


def test_a_clean_stage_has_no_findings() -> None:
    assert kinds("Hello.", "Hm.", "The exam is close.", "It is.", "It weighs on you.", f"{NEED}.") == []


def test_structure_is_checked() -> None:
    two = [*stage("Hello.", "Hm."), Spoken("user", "Well.")]
    found = screen_listening(two, profile(), ScreenRules(semantic=False))
    assert [(one.kind, one.turn) for one in found] == [("roles", 2)]
    assert kinds("Hello.", "Hm.", "I see.") == [("ending", "structure", 2)]


def test_a_supporter_may_not_know_what_nobody_said() -> None:
    leak = "He left your school play at the interval to take a call."
    assert ("leak", "lexical", 2) in kinds("Hello.", "Hm.", leak, "Yes.")
    told = ("Hello.", "He left my school play at the interval to take a call.", leak, "Yes.")
    assert kinds(*told) == []
    assert ("leak", "lexical", 2) in kinds("Hello.", "Hm.", "You want your father to be proud of you.", "Yes.")


def test_a_need_without_a_chain_before_it_is_no_less_secret() -> None:
    alone = profile(chain=[ChainStep(need=NEED)], memory=[])
    words = stage("Hello.", "Hm.", "You want your father to be proud of you.", "Yes.")
    found = screen_listening(words, alone, ScreenRules(semantic=False, minimum_rounds=1))
    assert [(one.kind, one.turn) for one in found] == [("leak", 2)]


def test_the_need_may_not_come_early() -> None:
    assert ("early_need", "lexical", 1) in kinds("Hello.", f"{NEED}.", minimum_rounds=1)
    later = ("Hello.", "Hm.", "I see.", f"{NEED}.")
    assert kinds(*later, minimum_rounds=1) == [] and ("early_need", "lexical", 3) in kinds(*later, minimum_rounds=2)


@vectors
def test_a_paraphrase_is_a_candidate_by_vectors() -> None:
    words = ("Hello.", "Hm.", "A word of praise from your dad would mean the world to you.", "Maybe.")
    assert kinds(*words) == []
    assert ("leak", "semantic", 2) in kinds(*words, semantic=True)


def test_advice_and_questions_are_found_in_supporter_turns_alone() -> None:
    assert kinds("You should rest.", "You should rest. Is it late?", "Hm.", "Yes.") == [("advice", "lexical", 0)]
    assert kinds("Is it late?", "Hm.") == [("question", "lexical", 0)]
    assert kinds("How does that feel?", "Hm.") == []
    assert kinds("How does that feel?", "Hm.", rewrite="all") == [("question", "lexical", 0)]
    assert kinds("Is it late?", "Hm.", rewrite="none") == []


def test_where_the_need_is_told() -> None:
    assert need_turn(stage("Hello.", "Hm.", "I see.", f"{NEED}."), profile(), semantic=False) == 3
    assert need_turn(stage("Hello.", "Hm."), profile(), semantic=False) is None
    assert need_turn(stage("Hello.", NEED), profile(need=None, chain=[], memory=[]), semantic=False) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_planted_set_is_large_and_balanced(language: Language) -> None:
    cases = screen_cases(language)
    assert sum(case.label for case in cases) == 171 and sum(not case.label for case in cases) == 171
    assert len({case.text for case in cases}) == len(cases)
    assert {case.half for case in cases} == {"tune", "held"}


# What docs/how-to/scripts.md states, over all planted sentences: (right, wrong, missed).
# "request all": under `--rewrite all`.
STATED: dict[tuple[Language, str, str], tuple[int, int, int]] = {
    ("zh", "question", "both"): (27, 1, 0),
    ("zh", "request closed", "lexical"): (5, 2, 29),
    ("zh", "request closed", "both"): (31, 9, 3),
    ("zh", "request all", "lexical"): (6, 5, 52),
    ("zh", "request all", "both"): (49, 7, 9),
    ("en", "question", "both"): (23, 1, 4),
    ("en", "request closed", "lexical"): (0, 0, 34),
    ("en", "request closed", "both"): (30, 7, 4),
    ("en", "request all", "lexical"): (5, 0, 53),
    ("en", "request all", "both"): (49, 2, 9),
    ("zh", "advice", "lexical"): (38, 1, 12),
    ("zh", "advice", "both"): (46, 27, 4),
    ("zh", "question", "lexical"): (27, 0, 0),
    ("zh", "part", "lexical"): (0, 0, 36),
    ("zh", "part", "both"): (27, 1, 9),
    ("en", "advice", "lexical"): (44, 0, 6),
    ("en", "advice", "both"): (46, 15, 4),
    ("en", "question", "lexical"): (23, 0, 4),
    ("en", "part", "lexical"): (2, 1, 34),
    ("en", "part", "both"): (30, 15, 6),
}


@vectors
@pytest.mark.parametrize(("language", "kind", "way"), STATED)
def test_precision_and_recall_are_as_stated(language: Language, kind: str, way: Any) -> None:
    name, _, rule = kind.partition(" ")
    wanted = ("leak", "early_need") if name == "part" else (name,)
    rewrite: Rewrite = "all" if rule == "all" else "closed"
    found = measure_screen([case for case in screen_cases(language) if case.kind in wanted], language, way, rewrite)
    assert (found.right, found.wrong, found.missed) == STATED[language, kind, way]


def test_shares_of_nothing_are_none() -> None:
    assert (
        ScreenCounts(right=0, wrong=0, missed=0).precision is None
        and ScreenCounts(right=0, wrong=1, missed=0).recall is None
    )


@vectors
def test_vectors_are_unit_and_a_text_without_words_is_zero() -> None:
    made = embed(["I am here", "", "我在这里"])
    assert made.shape == (3, 256)
    assert [round(float(row @ row), 3) for row in made] == [1.0, 0.0, 1.0]
    assert closeness("I am glad", "I am glad") == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(
    ("text", "language", "found"),
    [
        ("You said you should rest.", "en", None),
        ("You should have been told, and nobody told you.", "en", None),
        ("You could not sleep because the thoughts kept coming.", "en", None),
        ("If I were you, I'd call him tonight.", "en", "If I were you, I'd call him tonight."),
        ("要不是那通电话，你也许还不知道。", "zh", None),
        ("你最好的朋友在那天没有来。", "zh", None),
        ("这个周末好好休息一下吧。", "zh", "这个周末好好休息一下吧。"),
        ("That was hard. Try to rest.", "en", "Try to rest."),
        ("你说你应该休息。", "zh", None),
        ("你可以试试早点睡。", "zh", "你可以试试早点睡。"),
    ],
)
def test_advice_by_its_forms(text: str, language: Language, found: str | None) -> None:
    assert gives_advice(text, language) == found


def test_what_may_be_advice_is_a_candidate() -> None:
    words = ("You need someone who would help, maybe.", "Yes.")
    assert kinds(*words) == [("advice", "semantic", 0)] and kinds(*words, doubtful=False) == []


def test_an_indirect_wish_to_know_is_a_candidate_and_no_question_by_form() -> None:
    wondering = "I wonder what that meant to you."
    assert leftover_question(wondering, "en", "closed") is None
    assert kinds(wondering, "Yes.") == [("question", "semantic", 0)] and kinds(wondering, "Yes.", doubtful=False) == []
    assert kinds(wondering, "Yes.", rewrite="all") == [("question", "lexical", 0)]
    assert kinds(wondering, "Yes.", rewrite="none") == []


@pytest.mark.parametrize(
    ("text", "language", "rules"),
    [
        ("Tell me when it happened.", "en", {"closed", "all"}),
        ("I'd like to know whether she called.", "en", {"closed", "all"}),
        ("You haven't said who was there.", "en", {"closed", "all"}),
        ("Tell me more about him.", "en", {"all"}),
        ("Feel free to go on.", "en", {"all"}),
        ("I can hear how long it has been.", "en", set()),
        ("You told me when it happened.", "en", set()),
        ("告诉我那是哪一天。", "zh", {"closed", "all"}),
        ("我想知道你几点睡的。", "zh", {"closed", "all"}),
        ("说说那天的事。", "zh", {"all"}),
        ("我明白你等了多久。", "zh", set()),
        ("你跟我讲过那是哪一天。", "zh", set()),
    ],
)
def test_requests_by_form_under_each_rule(text: str, language: Language, rules: set[Rewrite]) -> None:
    assert {rule for rule in get_args(Rewrite) if may_ask(text, language, rule)} == rules


def test_every_sentence_that_has_to_be_read_is_in_the_candidate() -> None:
    text = "I wonder if it rained. That was long. Tell me who came."
    assert may_ask(text, "en", "closed") == "I wonder if it rained. Tell me who came."
    assert may_advise("Maybe it is late. The dog slept. It might help.", "en") == "Maybe it is late. It might help."
