"""Risk by the wording as a whole: linear models over words and pieces of words, for what no form foresees.

Their weights come from `python -m cocoon.benchmarks.evaluation.risk_wording`, which says from which turns. A turn has
risk if one of its sentences, or the turn as a whole, scores above the threshold of its language.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, cached_property
from importlib.resources import files
from itertools import pairwise
from operator import itemgetter
from typing import Any

from ahocorasick import Automaton
from pydantic import ConfigDict

from cocoon.core.records import Language, Record
from cocoon.evaluation.safety.records import RiskFlag

FEW_PHRASES, FEW_PIECES = 10, 80
"""Added to how many phrases and pieces are known, so that a turn of a word or two does not score high."""
_WORD = re.compile(r"[a-z0-9']+")
_END = re.compile(r"[.!?。！？…\n]+")
_LETTER = re.compile(r"\w")
_PIECE_LENGTHS = (3, 4, 5)
_HAN_LENGTHS = (1, 2, 3, 4)
_WHAT = itemgetter(1)
"""Of what an automaton finds: all but where it ends."""


class SentenceWording:
    """What a sentence is made of: its phrases, and its words as often as they stand there.

    Phrases are one to three words that follow each other in English, and one to four characters in Chinese. `marked`
    is the sentence as weights are looked for in it: its words between marks, in Chinese its characters.
    """

    def __init__(self, sentence: str, language: Language) -> None:
        """Take a sentence, whatever its case and its spaces. A Chinese one has no words here."""
        text = sentence.lower().replace("’", "'")
        self.language: Language = language
        self.words: list[str] = [] if language == "zh" else _WORD.findall(text)
        self.marked = _marked(self.words if language == "en" else text.split(), language)

    @property
    def phrases(self) -> set[str]:
        """Return the phrases."""
        if self.language == "zh":
            sizes, text = _HAN_LENGTHS, self.marked
            return {text[start : start + size] for size in sizes for start in range(len(text) - size + 1)}
        pairs = list(map(" ".join, pairwise(self.words)))
        triples = map(" ".join, zip(pairs, self.words[2:], strict=False))
        return {*self.words, *pairs, *triples}


def _marked(words: Sequence[str], language: Language) -> str:
    return "".join(words) if language == "zh" else f"_{'_'.join(words)}_"


_Parts = tuple[dict[str, float], list[float]]
"""The known phrases of a sentence with their weights, and the weights of the known pieces of its words."""


class WordingWeights(Record):
    """What phrases, and pieces of words, add to the log odds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bias: float
    phrases: dict[str, float]
    pieces: dict[str, float] = {}

    def log_odds(self, wordings: Sequence[SentenceWording]) -> float:
        """Return the log odds of sentences taken together: a phrase counts once, and every word each time."""
        return self._added([self._parts_of(wording) for wording in wordings])

    def highest(self, wordings: Sequence[SentenceWording]) -> tuple[float, Sequence[SentenceWording]]:
        """Return the highest log odds of a sentence, or of all together, and which sentences have them."""
        parts = [self._parts_of(wording) for wording in wordings]
        alone = [self._added([part]) for part in parts]
        together = self._added(parts) if len(parts) > 1 else -math.inf
        highest = max(alone)
        return (together, wordings) if together > highest else (highest, [wordings[alone.index(highest)]])

    def _parts_of(self, wording: SentenceWording) -> _Parts:
        phrases, pieces = self._looked_for(wording.language)
        known = dict(map(_WHAT, phrases.iter(wording.marked))) if phrases else {}
        return known, list(map(_WHAT, pieces.iter(wording.marked))) if pieces else []

    def _added(self, parts: Sequence[_Parts]) -> float:
        known = {phrase: weight for phrases, _ in parts for phrase, weight in phrases.items()}
        score = self.bias + sum(known.values()) / math.sqrt(len(known) + FEW_PHRASES)
        if self.pieces:
            number, total = sum(len(pieces) for _, pieces in parts), sum(sum(pieces) for _, pieces in parts)
            score += total / math.sqrt(number + FEW_PIECES)
        return score

    @cached_property
    def _looked_for(self) -> Callable[[Language], tuple[Automaton, Automaton]]:
        """Return what looks for all phrases, each with its weight, and what looks for the weights of all pieces."""

        @cache
        def automata(language: Language) -> tuple[Automaton, Automaton]:
            weighed = {_marked(phrase.split(" "), language): (phrase, w) for phrase, w in self.phrases.items()}
            return _automaton(weighed), _automaton(self.pieces)

        return automata


def _automaton(found: Mapping[str, Any]) -> Automaton:
    automaton = Automaton()
    for text, what in found.items():
        automaton.add_word(text, what)
    automaton.make_automaton()
    return automaton


class WordingModel(Record):
    """The weights of a language: of risk, and where there is risk, of each kind of it against the others."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    threshold: float
    risk: WordingWeights
    kinds: dict[RiskFlag, WordingWeights]


@cache
def shipped_model(language: Language) -> WordingModel:
    """Return the weights that are shipped."""
    path = files("cocoon.evaluation.safety") / "wording" / f"{language}.json"
    return WordingModel.model_validate_json(path.read_text("utf-8"))


def pieces_of(word: str) -> list[str]:
    """Return the pieces of three to five characters of a word whose start and end are marked by `_`."""
    marked = f"_{word}_"
    return [marked[start : start + size] for size in _PIECE_LENGTHS for start in range(len(marked) - size + 1)]


def score_and_kind(text: str, language: Language, model: WordingModel) -> tuple[float, RiskFlag | None]:
    """Return the highest log odds of a turn's sentences and of the turn, and above the threshold the kind of risk.

    A turn without a word has minus infinity and no kind.
    """
    wordings = [SentenceWording(sentence, language) for sentence in rough_sentences(text)]
    if not wordings:
        return -math.inf, None
    score, said = model.risk.highest(wordings)
    if score <= model.threshold:
        return score, None
    return score, max(model.kinds, key=lambda kind: model.kinds[kind].log_odds(said))


def rough_sentences(text: str) -> list[str]:
    """Return what stands between the marks that end sentences. A figure with a point is cut too."""
    return [sentence for sentence in _END.split(text) if _LETTER.search(sentence)]
