"""Where words and word vectors begin to count: each threshold at its point, with vectors of the test's own."""

import pytest

from cocoon.core.records import ChainStep, Language, Profile, Role, Turn, UserState
from cocoon.evaluation.success.mentions import carries_meaning, evidence_tests, mentions, sentence_with
from cocoon.evaluation.success.uptake import uptake_of
from cocoon.evaluation.text import static_embedding

TEN = "garden water birds trees stones clouds rivers lamps boats hills"
FIVE = "garden water birds trees stones"


@pytest.fixture
def closeness(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Word vectors by which any two texts are as close as the number that a test puts here."""
    cosine = [0.0]
    monkeypatch.setattr(static_embedding, "available", lambda: True)
    monkeypatch.setattr(static_embedding, "cosines", lambda texts, _: [cosine[0]] * len(texts))
    return cosine


@pytest.fixture
def no_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static_embedding, "available", lambda: False)


@pytest.mark.parametrize(
    ("quote", "need", "carries"),
    [
        ("garden water birds", TEN, True),
        ("garden water", TEN, False),
        ("garden", "garden water", True),
        ("garden", "garden water birds", False),
        ("garden water", FIVE, True),
    ],
)
def test_a_quote_carries_a_need_by_half_of_it_or_by_two_words_and_three_tenths(
    closeness: list[float], quote: str, need: str, carries: bool
) -> None:
    assert carries_meaning(quote, need, "en") is carries


@pytest.mark.parametrize(
    ("quote", "language", "least"),
    [
        ("a quiet morning", "en", 0.03),
        ("morning", "en", 0.7),
        ("清晨湖边", "zh", 0.75),
        ("清晨的湖边", "zh", 0.5),
    ],
)
def test_other_words_carry_a_need_from_a_closeness_that_depends_on_how_many_they_are(
    closeness: list[float], quote: str, language: Language, least: float
) -> None:
    need = "a garden" if language == "en" else "花园"
    for cosine, carries in ((least, True), (least - 0.001, False)):
        closeness[0] = cosine
        assert carries_meaning(quote, need, language) is carries


def test_what_has_no_content_carries_nothing_however_close(closeness: list[float]) -> None:
    closeness[0] = 1.0
    assert not carries_meaning("I am", "a garden", "en")


def test_without_vectors_other_words_carry_a_need_if_they_are_enough(no_vectors: None) -> None:
    assert carries_meaning("a quiet morning", "a garden", "en") and not carries_meaning("morning", "a garden", "en")
    assert not carries_meaning("I am", "a garden", "en")
    assert evidence_tests() == "words"


def test_a_record_says_that_vectors_were_used(closeness: list[float]) -> None:
    assert evidence_tests() == "words and vectors"


def mentioned(*turns: tuple[Role, str], need: str | None = FIVE) -> list[tuple[int, str]]:
    profile = Profile(id="p", language="en", feeling="f", need=need)
    return list(mentions([Turn(role=role, content=words) for role, words in turns], profile))


def test_a_sentence_repeats_a_need_from_three_fifths_of_its_words(no_vectors: None) -> None:
    three, two = "I miss garden, water and birds.", "I miss garden and water."
    assert mentioned(("user", f"{two} {three}"), ("user", three)) == [(0, three), (1, three)]
    assert mentioned(("user", three), need=None) == []


def test_the_opening_of_a_supporter_is_no_mention_and_its_later_words_are(no_vectors: None) -> None:
    said = "You miss garden, water and birds."
    assert mentioned(("supporter", said), ("supporter", said)) == [(1, said)]


def test_only_what_is_said_of_the_user_and_not_denied_is_a_mention(closeness: list[float]) -> None:
    closeness[0] = 1.0
    assert mentioned(("user", "Garden, water and birds."), ("supporter", "I miss garden, water and birds.")) == []
    assert mentioned(("user", "My friend wants garden, water and birds.")) == []
    assert mentioned(("user", "I do not want garden, water, birds.")) == []


def test_a_sentence_in_other_words_repeats_a_need_from_a_closeness(closeness: list[float]) -> None:
    for cosine, expected in ((0.75, [(0, "I love mornings.")]), (0.749, [])):
        closeness[0] = cosine
        assert mentioned(("user", "I love mornings.")) == expected
    closeness[0] = 0.8
    assert mentioned(("user", "I love mornings."), need="I am") == [(0, "I love mornings.")]


def test_a_quote_is_looked_for_in_its_sentence_whatever_the_white_space() -> None:
    text = "It rains.  I miss   the garden. So it goes."
    assert sentence_with(" miss  the garden", text, "en").split() == ["I", "miss", "the", "garden."]
    assert sentence_with("rains. I", text, "en") == text


@pytest.mark.parametrize(
    ("words", "newly", "uptake"),
    [
        ("Garden and water.", [], "taken_up"),
        ("Water.", [], "ignored"),
        ("Water.", [0], "taken_up"),
        ("Water.", [1], "ignored"),
        ("Yes, it is not that.", [], "taken_up"),
        ("It is not that, yes.", [], "denied"),
        ("Water. No. Yes.", [], "denied"),
    ],
)
def test_a_guess_is_taken_up_by_two_fifths_of_the_need_or_by_its_opening(
    words: str, newly: list[int], uptake: str
) -> None:
    profile = Profile(id="p", language="en", feeling="f", need=FIVE)
    state = UserState(trust=0, unlocked=[0], newly=newly, memories=[])
    before = Turn(role="user", content="Yes.")
    turns = [before, Turn(role="supporter", content="You miss it."), Turn(role="supporter", content="Yes.")]
    assert uptake_of([*turns, Turn(role="user", content=words, state=state)], 1, profile) == uptake
    assert uptake_of(turns, 1, profile) is None


@pytest.mark.parametrize(("newly", "uptake"), [([2], "taken_up"), ([1], "ignored"), ([0], "ignored")])
def test_the_need_of_a_chain_opens_with_its_last_step(newly: list[int], uptake: str) -> None:
    chain = [ChainStep(need=need) for need in ("rest", "a room", FIVE)]
    profile = Profile(id="p", language="en", feeling="f", need=FIVE, chain=chain)
    state = UserState(trust=0, unlocked=newly, newly=newly, memories=[])
    turns = [Turn(role="supporter", content="You miss it."), Turn(role="user", content="Water.", state=state)]
    assert uptake_of(turns, 0, profile) == uptake
