"""Diversity of some texts: Self-BLEU-2 and -4, Distinct-2 and Shannon entropy (the paper's Table 8).

What the paper leaves open and what is chosen here stands in docs/paper.md. All four depend on the number of texts, so
that corpora are compared at one number, by drawing equal subsets of each.
"""

import math
import random
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from cocoon.core.records import Record
from cocoon.evaluation.statistics import LEVEL
from cocoon.evaluation.text_tokens import TOKENISATION, ngrams, tokens

SMOOTHED = 0.1
"""Counted in place of 0 matching n-grams: method 1 of Chen and Cherry 2014, as Texygen's Self-BLEU has it."""

DRAWS = 20
METRICS = ("BLEU-2", "BLEU-4", "Distinct-2", "Shannon entropy")
Tokens = Sequence[str]


class Diversity(Record):
    """Diversity of n texts; a value is none where the texts cannot tell it (BLEU needs two).

    `bleu2`, `bleu4`: mean BLEU of each text against all others, 0 to 1, lower is more diverse. `distinct2`: different
    bigrams / bigrams, 0 to 1. `entropy`: of the pooled tokens, in bits.
    """

    texts: int
    tokens: int
    bleu2: float | None
    bleu4: float | None
    distinct2: float | None
    entropy: float | None
    tokenisation: str = TOKENISATION

    @property
    def values(self) -> dict[str, float | None]:
        """The four by the names of Table 8's columns."""
        return dict(zip(METRICS, (self.bleu2, self.bleu4, self.distinct2, self.entropy), strict=True))


class DrawnDiversity(Record):
    """Diversity at `texts` texts: the mean of `draws` random subsets, and the range of their middle 95%.

    The range tells how much the choice of texts moves a figure; it is no interval of a population.
    """

    texts: int
    draws: int
    seed: int
    mean: dict[str, float | None]
    low: dict[str, float | None]
    high: dict[str, float | None]


def diversity(texts: Iterable[str]) -> Diversity:
    """Diversity of some texts; a text without a token is left out. Time and memory grow with their length alone."""
    return diversity_of_tokens([found for text in texts if (found := tokens(text))])


def diversity_of_tokens(some: Sequence[Tokens]) -> Diversity:
    """As `diversity`, of texts cut into tokens by another rule; none may be empty."""
    return Diversity(
        texts=len(some),
        tokens=sum(map(len, some)),
        bleu2=self_bleu(some, 2),
        bleu4=self_bleu(some, 4),
        distinct2=distinct(some, 2),
        entropy=entropy(some),
    )


def distinct(some: Sequence[Tokens], n: int) -> float | None:
    """Different n-grams / n-grams over all texts (Li et al. 2016); an n-gram does not cross from text to text."""
    seen: set[tuple[str, ...]] = set()
    whole = 0
    for one in some:
        found = list(ngrams(one, n))
        whole += len(found)
        seen.update(found)
    return len(seen) / whole if whole else None


def entropy(some: Sequence[Tokens]) -> float | None:
    """Shannon entropy in bits of the frequencies of all tokens of all texts (plug-in, no correction for n)."""
    counts = Counter(token for one in some for token in one)
    whole = counts.total()
    if not whole:
        return None
    # Without the sign turned, one token alone would give -0.0.
    return math.fsum(count / whole * math.log2(whole / count) for count in counts.values())


def self_bleu(some: Sequence[Tokens], order: int) -> float | None:
    """Mean BLEU of every text against all others as its references (Zhu et al. 2018), none for fewer than two texts.

    Uniform weights over 1 to `order`, smoothing method 1, brevity by the closest length (the shorter of two as close).
    Clipping needs the highest count of an n-gram among *other* texts: the two highest counts of all are enough, which
    makes this linear where comparing every pair is quadratic.
    """
    if len(some) < 2:
        return None
    grams = [[Counter(ngrams(one, n)) for one in some] for n in range(1, order + 1)]
    highest = [_two_highest(counted) for counted in grams]
    lengths = sorted(map(len, some))
    scores = []
    for place, one in enumerate(some):
        found = [_matched(counted[place], top, place) for counted, top in zip(grams, highest, strict=True)]
        totals = [max(1, counted[place].total()) for counted in grams]
        scores.append(_brevity(len(one), lengths) * _mean_precision(found, totals))
    return math.fsum(scores) / len(scores)


_Top = tuple[int, int, int]
"""Highest count of an n-gram, the text that has it, and the highest among the others."""


def _two_highest(counted: Sequence[Counter[tuple[str, ...]]]) -> dict[tuple[str, ...], _Top]:
    top: dict[tuple[str, ...], _Top] = defaultdict(lambda: (0, -1, 0))
    for place, counts in enumerate(counted):
        for gram, count in counts.items():
            first, owner, second = top[gram]
            top[gram] = (count, place, first) if count > first else (first, owner, max(second, count))
    return top


def _matched(counts: Counter[tuple[str, ...]], top: dict[tuple[str, ...], _Top], place: int) -> int:
    """How many of a text's n-grams another text has too, each at most as often as there."""
    matched = 0
    for gram, count in counts.items():
        first, owner, second = top[gram]
        matched += min(count, second if owner == place else first)
    return matched


def _mean_precision(matched: Sequence[int], totals: Sequence[int]) -> float:
    """Geometric mean of the precisions, by rising n; 0 for a text that shares no token, as nltk has it."""
    if not matched[0]:
        return 0.0
    logs = [math.log((found or SMOOTHED) / total) for found, total in zip(matched, totals, strict=True)]
    return math.exp(math.fsum(logs) / len(logs))


def _brevity(length: int, lengths: Sequence[int]) -> float:
    """Penalty of a text that is shorter than the closest of the others; `lengths`: of all texts, sorted."""
    own = bisect_left(lengths, length)
    below = lengths[own - 1] if own else None
    above = lengths[own + 1] if own + 1 < len(lengths) else None
    near = [one for one in (below, above) if one is not None]
    closest = min(near, key=lambda other: (abs(other - length), other))
    return 1.0 if length >= closest else math.exp(1 - closest / length)


def drawn_diversity(texts: Iterable[str], size: int, seed: int, draws: int = DRAWS) -> DrawnDiversity:
    """Diversity of `draws` subsets of `size` texts each, drawn without replacement under a seed; all where too few."""
    cut = [found for text in texts if (found := tokens(text))]
    size = min(size, len(cut))
    rng = random.Random(seed)
    draws = draws if size < len(cut) else 1
    found = [diversity_of_tokens(rng.sample(cut, size)).values for _ in range(draws)]
    columns = {name: [one for row in found if (one := row[name]) is not None] for name in METRICS}
    tail = (1 - LEVEL) / 2
    several = draws > 1
    return DrawnDiversity(
        texts=size,
        draws=draws,
        seed=seed,
        mean={name: math.fsum(some) / len(some) if some else None for name, some in columns.items()},
        low={name: float(np.quantile(some, tail)) if some and several else None for name, some in columns.items()},
        high={name: float(np.quantile(some, 1 - tail)) if some and several else None for name, some in columns.items()},
    )
