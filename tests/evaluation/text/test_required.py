"""What a form requires: no text that it matches may be without all of the words."""

import re
from typing import get_args

import pytest

from cocoon.core.jsonl import read_records
from cocoon.core.records import Language
from cocoon.evaluation.safety.forms import may_be_risk, risk_pattern
from cocoon.evaluation.text.required import required_sets
from cocoon.tests.evaluation.safety.test_risk import DATA, LabelledTurn


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (r"\bnoose\b", {"noose"}),
        (r"\bscars? from\b", {"scar"}),
        (r"\b(?:knife|gun) in my hand\b", {" in my hand"}),
        (r"\bmy (?:razor|blade)s?\b", {"razor", "blade"}),
        (r"(?:razor|blade)?\w+", set()),
        (r"rope|\w+", set()),
        (r"(?:rope){0}a(?:noose){0,2}b{,3}", {"a"}),
        (r"rope|noose", {"rope", "noose"}),
        (r"(?=noose)\w", {"noose"}),
        (r"(?!noose)\w", set()),
        (r"\bi\b(?=.{0,80}\b(?:die|dead)\b) (?:want|hope)", {"die", "dead"}),
        (r"\b(?:hurt|end) my\b", {"hurt", "end"}),
        (r"(?<![a-z|()])ab(?:c{2}|d+e)", {"ab"}),
        (r"[()|]+\(x\)", {"x"}),
        (r"(?P<who>he|(?:my|our) mum) said", {" said"}),
        ("(?:今晚|明天)走", {"今晚", "明天"}),
    ],
)
def test_the_longest_words_that_every_match_has(form: str, words: set[str]) -> None:
    assert required_sets(form)[0] == words
    re.compile(form)


@pytest.mark.parametrize("language", get_args(Language))
def test_what_a_form_of_risk_matches_is_read_further(language: Language) -> None:
    texts = [turn.text.lower() for turn in read_records(DATA / f"{language}.jsonl", LabelledTurn)]
    searched = [risk_pattern(language, section) for section in ("risk", "near", "harm")]
    matched = [text for text in texts if any(pattern.search(text) for pattern in searched)]
    assert len(matched) > 50
    assert all(may_be_risk(text, language) for text in matched)
    assert not all(may_be_risk(text, language) for text in texts)
