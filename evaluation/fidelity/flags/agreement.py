"""Agreement without content: the turn agrees, thanks or praises, and adds nothing of its own.

What is left of a turn after words of agreement, thanks, praise and promises to do as advised, and after what the
supporter has just said, is the speaker's own. A turn with nothing left is empty where it agrees or repeats.
"""

import re
from collections.abc import Callable, Mapping
from types import ModuleType

from cocoon.core.records import Language
from cocoon.evaluation.fidelity.flags import agreement_chinese as chinese
from cocoon.evaluation.fidelity.flags import agreement_english as english
from cocoon.evaluation.questions.detection import questions
from cocoon.evaluation.questions.records import Sentence
from cocoon.evaluation.text.contents import contents
from cocoon.evaluation.text.required import RareForm

_FORMS: Mapping[Language, ModuleType] = {"en": english, "zh": chinese}
_AGREES: Mapping[Language, RareForm] = {"en": RareForm(english.AGREES), "zh": RareForm(chinese.AGREES)}
# Thanks at parting are manners.
_FAREWELL: Mapping[Language, re.Pattern[str]] = {
    "en": re.compile(english.FAREWELL),
    "zh": re.compile(chinese.FAREWELL),
}
# Gestures, letters drawn out (yesss), and questions that only wonder.
_GESTURE = re.compile(r"\*[^*]{1,40}\*|[(（](?![^)）]*(?:\bi\b|\bmy\b|我))[^)）]{1,40}[)）]")
_DRAWN_OUT = re.compile(r"([a-z])\1{2,}")
_WONDERS = re.compile(
    r"(?:oh |wow |huh,? )?(?:really|right|is it|you (?:really )?think so|do you (?:really )?think so|yeah|ok(?:ay)?)"
    r"[?!.]*|(?:真的?|是|对|好)(?:是)?(?:这样|的)?(?:吗|吧|嘛|么)?[？?！!]*",
)
_LETTERS = re.compile(r"[\u4e00-\u9fff]|[a-z0-9]+")
_NO_IDEOGRAPHS = re.compile("[^\u4e00-\u9fff]+")
_LONGER_WORD = re.compile("[a-z]{4,}")
_MOST_OWN_WORDS = 2
"""Longer words of an English turn that neither a form nor the supporter has, and that may be in an empty one."""
_DIGITS = re.compile(r"\d+")
_I_AM = re.compile(r"\bi(?: am|'m)\b|\byou're\b")
_I = re.compile(r"\bi\b")
_MY = re.compile(r"\bmy(?=\b|self)")
_STRESS = re.compile(r"\b(?:do|really|just) ")
_FEWEST_REPEATED = 2
"""Contents (English: stems, Chinese: characters) of the supporter's that a turn repeats without a word of agreement."""
_SHORTEST_STEM = 3
_LONGEST = 1000
"""Characters of a turn that may be empty. What repeats a word for longer is another fault."""
_ALIKE = 5
"""Letters that two English stems of one word have in common: compar(ing), compar(ison)."""
_LONG_TURN: Mapping[Language, int] = {"en": 120, "zh": 40}
"""Characters of a turn of advice, after which a promise to follow it is an answer."""


def agrees_emptily(text: str, supporter: str, language: Language) -> bool:
    """Return whether a turn agrees and adds nothing. Answers to a question of fact and partings are not empty."""
    if len(text) > _LONGEST:
        return False
    plain, said = _plain(text), _plain(supporter)
    # Most turns say something of their own, which words alone show soonest.
    if _HAS_OWN_WORDS[language](plain, said):
        return False
    forms = _FORMS[language]
    if _FAREWELL[language].search(plain) or forms.GREETS.match(plain) or not _IS_EMPTY[language](plain, said):
        return False
    if forms.WISHES.search(said) or (_adds(forms.DOUBTS, plain, said) and not forms.PRAISES_WORDS.search(plain)):
        return False
    if len(said) > _LONG_TURN[language] and forms.PROMISES.search(plain):
        return False
    if any(digits not in said for digits in _DIGITS.findall(plain)):
        return False
    if not forms.PRAISES_WORDS.search(plain) and any(map(_is_genuine, questions(supporter, language))):
        return False
    asked = filter(_is_genuine, questions(text, language))
    return all(_WONDERS.fullmatch(sentence.text.strip().lower()) for sentence in asked)


def _plain(text: str) -> str:
    straight = text.replace("’", "'").strip().lower()
    return _DRAWN_OUT.sub(r"\1", _GESTURE.sub(" ", straight)).strip()


def _has_own_words_english(text: str, supporter: str) -> bool:
    begun = {word[:4] for word in _LONGER_WORD.findall(text)} - english.BEGINNINGS
    if len(begun) <= _MOST_OWN_WORDS:
        return False
    return len(begun - {word[:4] for word in _LONGER_WORD.findall(supporter)}) > _MOST_OWN_WORDS


def _has_own_words_chinese(text: str, supporter: str) -> bool:
    return not set(_NO_IDEOGRAPHS.sub("", text)) <= chinese.CHARACTERS | set(supporter)


def _is_genuine(sentence: Sentence) -> bool:
    return sentence.type in ("closed", "open")


def _adds(forms: re.Pattern[str], text: str, supporter: str) -> bool:
    """Return whether a text has a form, in words that the supporter did not use."""
    said = _to_listener(supporter)
    return any(_to_listener(match[0]) not in said for match in forms.finditer(text))


def _to_listener(text: str) -> str:
    """Return text with one pronoun for both speakers, without words that lay stress."""
    plain = _STRESS.sub("", _turned(text))
    return _MY.sub("your", _I.sub("you", _I_AM.sub("you are", plain)))


def _is_empty_english(text: str, supporter: str) -> bool:
    """Return whether a turn agrees or repeats, and no contents are left."""
    agrees = _AGREES["en"].is_in(text)
    known = contents(supporter)
    rest, framed = english.FRAMES.subn(" . ", text)
    left = contents(rest) - known
    if any(not any(_akin(word, other) for other in known) for word in left - english.EMPTY_WORDS):
        return False
    denies = english.NEGATES.search(rest) is not None and english.NEGATES.search(supporter) is None
    speaks_of_others = english.OTHERS.search(rest) is not None and english.PERSONS.search(supporter) is None
    if denies or _adds(english.DOUBTS, rest, supporter) or (left and speaks_of_others):
        return False
    repeated = {word for word in contents(text) & known if len(word) >= _SHORTEST_STEM}
    return agrees or bool(framed) or (len(repeated) >= _FEWEST_REPEATED and not repeated <= english.EMPTY_WORDS)


def _akin(word: str, other: str) -> bool:
    """Return whether two English stems are of one word: comparing, comparison; owe, owed."""
    shorter = min(len(word), len(other), _ALIKE)
    return shorter >= _SHORTEST_STEM and word[:shorter] == other[:shorter] and abs(len(word) - len(other)) <= _ALIKE


def _is_empty_chinese(text: str, supporter: str) -> bool:
    """Return whether every character is one of grammar, of an empty word or of what the supporter said."""
    repeated = _repeated(text, supporter)
    agrees = _AGREES["zh"].is_in(text)
    if not agrees and len(repeated) < _FEWEST_REPEATED:
        return False
    covered = repeated | {place for place in range(len(text)) if text[place] in chinese.FUNCTION}
    for words in chinese.EMPTY_GROUPS:
        for match in words.finditer(text):
            covered.update(range(match.start(1), match.end(1)))
    if any(match.start() not in covered and not _is_in(match[0], supporter) for match in _LETTERS.finditer(text)):
        return False
    if chinese.DEEDS.search(text) or (chinese.OTHERS.search(text) and not chinese.PERSONS.search(supporter)):
        return False
    if agrees:
        return True
    negates = chinese.NEGATES.search(text) is not None and chinese.NEGATES.search(supporter) is None
    return 2 * len(repeated) >= len(_LETTERS.findall(text)) and not negates


def _is_in(word: str, supporter: str) -> bool:
    """Return whether the supporter used a Latin word or, in a short turn, a Chinese character."""
    return word in supporter and (word.isascii() or len(supporter) <= _LONG_TURN["zh"])


def _repeated(text: str, supporter: str) -> set[int]:
    """Return the places of a Chinese text that are in a pair of characters of the supporter's.

    A long turn of the supporter has most pairs there are: only more characters together are repeated from it.
    """
    turned, said = _turned(text), _turned(supporter)
    size = 2 if len(said) <= _LONG_TURN["zh"] else 8
    known = {said[start : start + size] for start in range(len(said) - size + 1)}
    starts = [start for start in range(len(turned) - size + 1) if turned[start : start + size] in known]
    return {place for start in starts for place in range(start, start + size)}


def _turned(text: str) -> str:
    """Return Chinese text with one pronoun for both speakers. In English, pronouns are no contents."""
    return text.replace("您", "我").replace("你", "我")


_HAS_OWN_WORDS: Mapping[Language, Callable[[str, str], bool]] = {
    "en": _has_own_words_english,
    "zh": _has_own_words_chinese,
}
_IS_EMPTY: Mapping[Language, Callable[[str, str], bool]] = {"en": _is_empty_english, "zh": _is_empty_chinese}
