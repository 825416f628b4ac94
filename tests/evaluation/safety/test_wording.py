"""The wording of a turn as a whole: what it is made of, how it is scored, and how the weights are fitted."""

import math
from pathlib import Path

import pytest

from cocoon.benchmarks.evaluation.risk_wording import Turn, fit
from cocoon.core.jsonl import read_lines
from cocoon.core.records import Language
from cocoon.evaluation.safety.risk import risk_by_wording
from cocoon.evaluation.safety.wording import (
    FEW_PHRASES,
    FEW_PIECES,
    SentenceWording,
    WordingModel,
    WordingWeights,
    pieces_of,
    rough_sentences,
    score_and_kind,
    shipped_model,
)

DATA = Path(__file__).parents[2] / "data" / "crisis_turns"


def model(threshold: float) -> WordingModel:
    """WordingWeights by which `rope` speaks of the speaker's own risk, and `fist` of violence."""
    risk = WordingWeights(bias=-1.0, phrases={"rope": 4.0, "a fist": 2.0, "skipping rope": -6.0})
    kinds = {
        "risk_own": WordingWeights(bias=0.0, phrases={"rope": 1.0}),
        "risk_harm": WordingWeights(bias=0.0, phrases={"fist": 1.0}),
    }
    return WordingModel.model_validate({"threshold": threshold, "risk": risk, "kinds": kinds})


def test_english_is_made_of_one_to_three_words_and_chinese_of_one_to_four_characters() -> None:
    english, chinese = SentenceWording("Don’t go, now", "en"), SentenceWording("我 不想去了", "zh")
    assert english.phrases == {"don't", "go", "now", "don't go", "go now", "don't go now"}
    assert english.words == ["don't", "go", "now"]
    assert {"我", "我不", "不想去", "不想去了"} <= chinese.phrases and "我不想去了" not in chinese.phrases
    assert not chinese.words


def test_pieces_know_where_a_word_begins_and_ends() -> None:
    assert pieces_of("die") == ["_di", "die", "ie_", "_die", "die_", "_die_"]


def test_the_log_odds_are_weights_over_the_root_of_how_many_are_known() -> None:
    weights = WordingWeights(bias=0.5, phrases={"a": 1.0, "b": 2.0}, pieces={"_a_": 3.0})
    expected = 0.5 + 3.0 / math.sqrt(2 + FEW_PHRASES) + 6.0 / math.sqrt(2 + FEW_PIECES)
    assert weights.log_odds([SentenceWording("a b", "en"), SentenceWording("a", "en")]) == pytest.approx(expected)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_looked_for_together_is_what_stands_there(language: Language) -> None:
    weights = shipped_model(language).risk
    turns = [line["text"] for _, line in read_lines(DATA / f"blind.{language}.jsonl")]
    assert len(turns) > 100
    for turn in turns:
        wordings = [SentenceWording(sentence, language) for sentence in rough_sentences(turn)]
        known = {phrase for wording in wordings for phrase in wording.phrases if phrase in weights.phrases}
        pieces = [piece for wording in wordings for word in wording.words for piece in pieces_of(word)]
        weighed = [weights.pieces[piece] for piece in pieces if piece in weights.pieces]
        expected = weights.bias + sum(map(weights.phrases.__getitem__, known)) / math.sqrt(len(known) + FEW_PHRASES)
        expected += sum(weighed) / math.sqrt(len(weighed) + FEW_PIECES)
        assert weights.log_odds(wordings) == pytest.approx(expected)


def test_the_sentence_that_speaks_of_risk_most_decides() -> None:
    alone, _ = score_and_kind("There is a rope.", "en", model(0.0))
    among, kind = score_and_kind("I like a skipping rope. There is a rope.", "en", model(0.0))
    assert among == alone > 0 and kind == "risk_own"
    assert score_and_kind("He made a fist.", "en", model(-0.9))[1] == "risk_harm"


@pytest.mark.parametrize("text", ["", "...", "🙂"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_turn_without_a_word_has_no_score_and_no_risk(language: Language, text: str) -> None:
    assert score_and_kind(text, language, shipped_model(language)) == (-math.inf, None)
    assert risk_by_wording(text, language) is None


def test_what_a_form_dismisses_is_not_read_again() -> None:
    sure = WordingModel.model_validate(
        {"threshold": 0.0, "risk": {"bias": -1.0, "phrases": {"kill myself": 9.0}}, "kinds": model(0.0).kinds}
    )
    assert risk_by_wording("I could kill myself and nobody would come.", "en", sure) is None
    assert score_and_kind("I could kill myself and nobody would come.", "en", sure)[0] > 0


def test_sentences_end_at_marks_and_lines() -> None:
    assert rough_sentences("Yes. No!\nMaybe…?! 3") == ["Yes", " No", "Maybe", " 3"]


def test_a_fit_finds_the_word_that_tells_the_turns_apart() -> None:
    risky = [Turn(f"the {thing} is in the drawer", "risk_own", "drawer") for thing in ("rope", "cord", "line") * 4]
    harmful = [Turn(f"he shook his {thing} at me, the drawer broke", "risk_harm") for thing in ("fist", "stick") * 4]
    plain = [Turn(f"the {thing} is in the garden") for thing in ("rope", "cord", "line", "fist", "stick") * 4]
    fitted = fit([*risky, *harmful, *plain], [], "en")
    assert fitted.risk.phrases["drawer"] > 0 > fitted.risk.phrases["garden"]
    score, kind = score_and_kind("the stick is in the drawer", "en", fitted)
    assert score > score_and_kind("the stick is in the garden", "en", fitted)[0]
    assert kind == "risk_own"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_shipped_weights_are_of_phrases_that_can_stand_in_a_turn(language: Language) -> None:
    shipped = shipped_model(language)
    assert len(shipped.risk.phrases) > 5000
    for phrase in shipped.risk.phrases:
        assert phrase in SentenceWording(phrase, language).phrases
