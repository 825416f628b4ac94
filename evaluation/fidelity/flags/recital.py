"""Profile recited: the turn has a sentence of the profile in the profile's own words, or nearly so."""

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache

from cocoon.core.records import Language, Profile
from cocoon.evaluation.text.tokens import ngrams, words_of

LONGEST_RUN: Mapping[Language, int] = {"en": 10, "zh": 14}
"""Words (Chinese: characters) in a row that nobody says in the same order by chance."""
SENTENCE_SHARE = 0.75
"""The share of a profile sentence's runs of three that has to be there for it to be recited."""
TURN_SHARE = 0.5
"""The share of a turn's own runs of three that stand in the profile, from which it is pieced together of it."""
LONG_TURN: Mapping[Language, int] = {"en": 12, "zh": 20}
"""Words or characters of a turn of which that share is asked."""
SHORTEST: Mapping[Language, int] = {"en": 6, "zh": 8}
"""Words or characters of a sentence that is worth looking for."""
_RUN = 3
_PIECES = re.compile(r"[.!?;:。！？；：\n]+")
Words = Sequence[str]
Run = tuple[str, ...]


def recites_profile(text: str, supporter: str, profile: Profile, language: Language) -> bool:
    """Return whether a turn recites the profile. What the supporter has just said is no recital."""
    words = _words(text)
    runs = set(ngrams(words, _RUN))
    sentences, known = _runs_of(tuple(profile_parts_in_words(profile)))
    if runs.isdisjoint(known):
        return False
    runs -= set(ngrams(_words(supporter), _RUN))
    recited = runs & known
    if not recited:
        return False
    for own in sentences:
        is_long = len(own) + _RUN - 1 >= SHORTEST[language]
        if is_long and sum(map(recited.__contains__, own)) >= SENTENCE_SHARE * len(own):
            return True
    if len(words) >= LONG_TURN[language] and len(recited) >= TURN_SHARE * len(runs):
        return True
    return _has_in_a_row(words, recited, LONGEST_RUN[language])


def profile_parts_in_words(profile: Profile) -> list[str]:
    """Return what a profile says of its person: feeling, need, steps of the chain, memories."""
    needs = [profile.need or "", *(step.need for step in profile.chain)]
    return [profile.feeling, *needs, *(memory.text for memory in profile.memory)]


# As many as there are dialogues at a time, whose turns come in turn.
@lru_cache(maxsize=256)
def _runs_of(parts: tuple[str, ...]) -> tuple[list[list[Run]], frozenset[Run]]:
    """Return the runs of words of every sentence, and all of them together."""
    sentences = (sentence for part in parts for sentence in _PIECES.split(part))
    runs = [list(ngrams(_words(sentence), _RUN)) for sentence in sentences if sentence.strip()]
    return runs, frozenset(run for own in runs for run in own)


def _words(text: str) -> list[str]:
    return words_of(text.replace("’", "'"))


def _has_in_a_row(words: Words, recited: AbstractSet[Run], number: int) -> bool:
    """Return whether so many words in a row stand in the profile in the same order."""
    is_recited = bytes(map(recited.__contains__, ngrams(words, _RUN)))
    return b"\1" * (number - _RUN + 1) in is_recited
