"""BLEU, Distinct-2 and entropy: worked by hand, and BLEU against nltk."""

import math
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

from cocoon.evaluation.text.diversity import (
    METRICS,
    distinct,
    diversity,
    diversity_of_tokens,
    drawn_diversity,
    entropy,
    self_bleu,
)

TEXTS = st.lists(st.lists(st.sampled_from("abcd"), min_size=1, max_size=9), min_size=2, max_size=8)


def nltk_self_bleu(some: list[list[str]], order: int) -> float:
    """Self-BLEU as Texygen computes it, every text against all others."""
    smoothing, bleu = SmoothingFunction().method1, cast(Any, sentence_bleu)
    scores = [
        bleu(some[:place] + some[place + 1 :], one, weights=[1 / order] * order, smoothing_function=smoothing)
        for place, one in enumerate(some)
    ]
    return sum(scores) / len(scores)


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_self_bleu_is_nltks(some: list[list[str]]) -> None:
    for order in (2, 4):
        assert self_bleu(some, order) == pytest.approx(nltk_self_bleu(some, order), rel=1e-9)


def test_self_bleu_by_hand() -> None:
    """`a b c` against `a b d`: 2 of 3 words, 1 of 2 bigrams, as long: sqrt(2/3 x 1/2); the other way round the same."""
    assert self_bleu([["a", "b", "c"], ["a", "b", "d"]], 2) == pytest.approx(math.sqrt(1 / 3))
    assert self_bleu([["a", "b"], ["a", "b"]], 2) == pytest.approx(1.0)
    assert self_bleu([["a"]], 2) is None


def test_brevity_by_hand() -> None:
    """`a b` against `a b c d`: exp(1 - 4/2); `a b c d` against `a b`: 2 of 4 words, 1 of 3 bigrams, no penalty."""
    short, long = math.exp(-1), math.sqrt(2 / 4 * 1 / 3)
    assert self_bleu([["a", "b"], ["a", "b", "c", "d"]], 2) == pytest.approx((short + long) / 2)


def test_a_text_that_shares_no_token_counts_as_0_and_a_missing_bigram_as_a_tenth() -> None:
    """`a b` against `b a`: 2 of 2 words, 0.1 of 1 bigram: sqrt(1 x 0.1); `c d` shares nothing."""
    assert self_bleu([["a", "b"], ["c", "d"]], 2) == 0.0
    assert self_bleu([["a", "b"], ["b", "a"]], 2) == pytest.approx(math.sqrt(0.1))


def test_distinct_by_hand() -> None:
    """ab ba ab | ab bc: 5 bigrams, 3 different; none crosses from text to text."""
    assert distinct([list("abab"), list("abc")], 2) == 3 / 5
    assert distinct([["a"], ["b"]], 2) is None


def test_entropy_by_hand() -> None:
    assert entropy([list("aabb"), list("ccdd")]) == 2.0
    assert entropy([list("aab")]) == pytest.approx(2 / 3 * math.log2(1.5) + 1 / 3 * math.log2(3))
    assert entropy([list("aaa")]) == 0 and entropy([]) is None


def test_texts_in_both_languages() -> None:
    """我很累 is three tokens, 'I am tired.' four; an empty text is left out and counted in no n."""
    made = diversity(["我很累", "我很烦", " "])
    assert (made.texts, made.tokens, made.distinct2) == (2, 6, 3 / 4)
    assert made.bleu2 == pytest.approx(math.sqrt(2 / 3 * 1 / 2))
    assert diversity(["I am tired.", "I am cross."]).tokens == 8
    assert diversity([]).values == dict.fromkeys(METRICS)


def test_draws_are_repeatable_and_of_equal_size() -> None:
    texts = [f"word{number} and word{number % 7} again" for number in range(60)]
    once = drawn_diversity(texts, 20, seed=3)
    assert once == drawn_diversity(texts, 20, seed=3) and once.mean != drawn_diversity(texts, 20, seed=4).mean
    assert (once.texts, once.draws) == (20, 20)
    for name in METRICS:
        low, mean, high = once.low[name], once.mean[name], once.high[name]
        assert low is not None and mean is not None and high is not None and low <= mean <= high
    whole = drawn_diversity(texts, 60, seed=3)
    assert (whole.draws, whole.mean) == (1, diversity(texts).values) and whole.low["BLEU-2"] is None


def test_all_four_depend_on_the_number_of_texts() -> None:
    """Why rows of unequal n are not to be compared: the same source, ten times the texts."""
    texts = [
        f"I worry about {one} and {two}" for one in ("work", "home", "money", "sleep", "school") for two in "abcdefghij"
    ]
    few, many = drawn_diversity(texts, 5, seed=0).mean, diversity_of_tokens([text.split() for text in texts]).values
    assert (few["Distinct-2"] or 0) > (many["Distinct-2"] or 0) and (few["BLEU-4"] or 0) < (many["BLEU-4"] or 0)
