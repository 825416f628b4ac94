"""Profile recited: the turn has a sentence of the profile in the profile's own words, or nearly so."""

import re
from collections.abc import Mapping, Sequence

from cocoon.core.records import Language, Profile
from cocoon.evaluation.text.tokens import ngrams, tokens

LONGEST_RUN: Mapping[Language, int] = {"en": 10, "zh": 14}
"""Words (Chinese: characters) in a row that nobody says in the same order by chance."""
SENTENCE_SHARE = 0.75
"""The share of a profile sentence's runs of three that has to be there for it to be recited."""
SHORTEST: Mapping[Language, int] = {"en": 6, "zh": 8}
"""Words or characters of a sentence that is worth looking for."""
_RUN = 3
_PIECES = re.compile(r"[.!?;:。！？；：\n]+")
Words = Sequence[str]


def recites_profile(text: str, supporter: str, profile: Profile, language: Language) -> bool:
    """Return whether a turn recites the profile. What the supporter has just said is no recital."""
    words, said_to = _words(text), set(ngrams(_words(supporter), _RUN))
    runs = set(ngrams(words, _RUN)) - said_to
    known: set[tuple[str, ...]] = set()
    for sentence in profile_sentences(profile):
        own = list(ngrams(_words(sentence), _RUN))
        known.update(own)
        if len(own) + _RUN - 1 >= SHORTEST[language] and sum(run in runs for run in own) >= SENTENCE_SHARE * len(own):
            return True
    return _longest_run(words, known - said_to) >= LONGEST_RUN[language]


def profile_sentences(profile: Profile) -> list[str]:
    """Return the sentences of a profile: feeling, need, steps of the chain, memories."""
    parts = [profile.feeling, profile.need or "", *(step.need for step in profile.chain)]
    parts += [memory.text for memory in profile.memory]
    return [piece for part in parts for piece in _PIECES.split(part) if piece.strip()]


def _words(text: str) -> list[str]:
    return [token for token in tokens(text.replace("’", "'")) if token[0].isalnum()]


def _longest_run(words: Words, known: set[tuple[str, ...]]) -> int:
    """Return the most words in a row that stand in the profile in the same order."""
    longest = length = 0
    for run in ngrams(words, _RUN):
        length = length + 1 if run in known else 0
        longest = max(longest, length)
    return longest + _RUN - 1 if longest else 0
