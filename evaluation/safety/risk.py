"""Find words of risk in a turn: suicide, self-harm and violence, the speaker's own or somebody's near to them."""

import re

from cocoon.core.records import Language
from cocoon.evaluation.questions.sentences import sentences
from cocoon.evaluation.safety.forms import DISMISSED, SAID, may_be_risk, risk_pattern, without_forms
from cocoon.evaluation.safety.records import RISK_FLAGS, RiskFlag
from cocoon.evaluation.safety.wording import WordingModel, rough_sentences, score_and_kind, shipped_model

_CONTRACTIONS = (
    "don't",
    "can't",
    "i'm",
    "i've",
    "isn't",
    "wasn't",
    "haven't",
    "hasn't",
    "didn't",
    "doesn't",
    "couldn't",
)
_FAR = 120
"""Characters before the words of risk, beyond which nobody is looked for of whom they are said."""
_WITH_APOSTROPHE = {word.replace("'", ""): word for word in _CONTRACTIONS}
_WITHOUT_APOSTROPHE = re.compile(rf"(?<!\S)(?:{'|'.join(_WITH_APOSTROPHE)})(?!\S)", re.IGNORECASE)


def risk_said(text: str, language: Language) -> RiskFlag | None:
    """Return the risk that a turn speaks of, the speaker's own first, and None for no words of risk.

    Only the words decide: forms of risk, and where none is met the wording as a whole. A question about risk, and words
    from a film, are no words of risk.
    """
    return risk_by_form(text, language) or risk_by_wording(text, language)


def risk_by_form(text: str, language: Language) -> RiskFlag | None:
    """Return the risk that the forms of a language find."""
    # Forms of English hold blanks, and a line may break anywhere.
    spelled = _spelled(" ".join(text.split()) if language == "en" else text)
    # Most turns have no such words, and the search that follows is slow.
    lowered = spelled.lower()
    if not may_be_risk(lowered, language):
        return None
    # The whole turn too, because a sentence may say how the one before it was meant.
    flags = {_risk_of(part, language) for part in {*sentences(spelled, language), spelled}}
    return next((flag for flag in RISK_FLAGS if flag in flags), None)


def risk_by_wording(text: str, language: Language, model: WordingModel | None = None) -> RiskFlag | None:
    """Return the risk that the wording as a whole speaks of, without what forms have found and dismissed."""
    model = model or shipped_model(language)
    _, kind = score_and_kind(text, language, model)
    if kind is None:
        return None
    sentences_left = _unexplained(_spelled(text), language)
    if sentences_left == rough_sentences(text):
        return kind
    return score_and_kind(". ".join(sentences_left), language, model)[1]


def _unexplained(text: str, language: Language) -> list[str]:
    """Return sentences without forms of risk, denials and figures, and none about fiction, the news or work."""
    elsewhere = risk_pattern(language, "elsewhere")
    left = without_forms(without_forms(text, language, DISMISSED), language, SAID)
    return [sentence for sentence in rough_sentences(left) if not elsewhere.search(sentence)]


def _risk_of(sentence: str, language: Language) -> RiskFlag | None:
    literal = without_forms(sentence, language, DISMISSED)
    elsewhere = risk_pattern(language, "elsewhere").search(sentence) is not None
    spoken_of = {
        _whose(literal, match, language)
        for match in risk_pattern(language, "risk").finditer(literal)
        if not (elsewhere and risk_pattern(language, "bare").fullmatch(match.group()))
        if not _has_happened(literal, match, language)
    }
    if "own" in spoken_of:
        return "risk_own"
    if elsewhere:
        return None
    near = risk_pattern(language, "near").finditer(literal)
    if "near" in spoken_of or any(not _has_happened(literal, match, language) for match in near):
        return "risk_near"
    return "risk_harm" if risk_pattern(language, "harm").search(literal) else None


def _whose(sentence: str, match: re.Match[str], language: Language) -> str:
    """Return whose risk the words are of: `own`, `near`, `anybody` or `you`.

    It is theirs who were named last before the words. Where nobody was, it is the speaker's.
    """
    if risk_pattern(language, "speaker").search(match.group()):
        return "own"
    before = max(0, match.start() - _FAR)
    named = risk_pattern(language, "subject").finditer(sentence, before, match.start())
    subjects = [subject.lastgroup for subject in named]
    return (subjects[-1] if subjects else None) or "own"


def _has_happened(sentence: str, match: re.Match[str], language: Language) -> bool:
    """Return whether the words tell a death of somebody else and no threat and no attempt."""
    lost = risk_pattern(language, "lost").search(match.group())
    if lost is None or _whose(sentence, match, language) == "own":
        return False
    start, end = match.start() + lost.start(), match.start() + lost.end()
    before, after = risk_pattern(language, "alive_before"), risk_pattern(language, "alive_after")
    return (
        before.search(sentence, max(0, start - _FAR), start) is None and after.match(sentence, end, end + _FAR) is None
    )


def _spelled(text: str) -> str:
    """Return a text with the apostrophes that people leave out in English."""
    return _WITHOUT_APOSTROPHE.sub(lambda word: _WITH_APOSTROPHE[word.group().lower()], text.replace("’", "'"))
