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
    for own in sentences:
        if len(own) + _RUN - 1 >= SHORTEST[language] and sum(run in runs for run in own) >= SENTENCE_SHARE * len(own):
            return True
    recited = runs & known
    if recited and len(words) >= LONG_TURN[language] and len(recited) >= TURN_SHARE * len(runs):
        return True
    return _longest_run(words, recited) >= LONGEST_RUN[language]


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


def _longest_run(words: Words, known: AbstractSet[Run]) -> int:
    """Return the most words in a row that stand in the profile in the same order."""
    longest = length = 0
    for run in ngrams(words, _RUN):
        length = length + 1 if run in known else 0
        longest = max(longest, length)
    return longest + _RUN - 1 if longest else 0
