"""Diversity of texts: Self-BLEU-2 and -4, Distinct-2 and Shannon entropy (the paper's Table 8).

docs/guide/paper.md says what the paper leaves open and what is chosen here. All four measures depend on the number of
texts. Corpora are therefore compared at the same number of texts, by drawing equal subsets of each.
"""

import math
import random
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from cocoon.core.records import Record
from cocoon.evaluation.statistics.estimates import LEVEL
from cocoon.evaluation.text.tokens import TOKENISATION, ngrams, tokens

SMOOTHED = 0.1
"""Replaces 0 matching n-grams: method 1 of Chen and Cherry 2014, as in the Self-BLEU of Texygen."""

DRAWS = 20
METRICS = ("BLEU-2", "BLEU-4", "Distinct-2", "Shannon entropy")
Tokens = Sequence[str]


class Diversity(Record):
    """Diversity of n texts. A value is None where it is not defined for the texts (BLEU needs two).

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
        """Return the four measures by the names of Table 8's columns."""
        return dict(zip(METRICS, (self.bleu2, self.bleu4, self.distinct2, self.entropy), strict=True))


class DrawnDiversity(Record):
    """Diversity at `texts` texts: the mean of `draws` random subsets, and the range of their middle 95%.

    The range shows how much a figure depends on the choice of texts. It is not an interval of a population.
    """

    texts: int
    draws: int
    seed: int
    mean: dict[str, float | None]
    low: dict[str, float | None]
    high: dict[str, float | None]


def diversity(texts: Iterable[str]) -> Diversity:
    """Measure the diversity of texts, leaving out texts without a token.

    Time and memory grow linearly with the length of the texts.
    """
    return diversity_of_tokens([text_tokens for text in texts if (text_tokens := tokens(text))])


def diversity_of_tokens(some: Sequence[Tokens]) -> Diversity:
    """Measure like `diversity`, for texts cut into tokens by another rule. No text may be empty."""
    return Diversity(
        texts=len(some),
        tokens=sum(map(len, some)),
        bleu2=self_bleu(some, 2),
        bleu4=self_bleu(some, 4),
        distinct2=distinct(some, 2),
        entropy=entropy(some),
    )


def distinct(some: Sequence[Tokens], n: int) -> float | None:
    """Return different n-grams / n-grams over all texts (Li et al. 2016).

    An n-gram does not cross from one text to the next.
    """
    seen: set[tuple[str, ...]] = set()
    total = 0
    for text in some:
        text_ngrams = list(ngrams(text, n))
        total += len(text_ngrams)
        seen.update(text_ngrams)
    return len(seen) / total if total else None


def entropy(some: Sequence[Tokens]) -> float | None:
    """Return the Shannon entropy in bits of all tokens of all texts (plug-in estimate, no correction for n)."""
    counts = Counter(token for text in some for token in text)
    total = counts.total()
    if not total:
        return None
    # total / count rather than a minus sign in front: a single distinct token would otherwise give -0.0.
    return math.fsum(count / total * math.log2(total / count) for count in counts.values())


def self_bleu(some: Sequence[Tokens], order: int) -> float | None:
    """Return the mean BLEU of every text with all others as its references, None for fewer than two texts.

    Zhu et al. 2018. Uniform weights over 1 to `order`, smoothing method 1, brevity penalty by the closest length (the
    shorter of two that are equally close). Clipping needs the highest count of an n-gram among the *other* texts. The
    two highest counts of all texts are enough for that, so the cost is linear, where comparing every pair is quadratic.
    """
    if len(some) < 2:
        return None
    grams = [[Counter(ngrams(text, n)) for text in some] for n in range(1, order + 1)]
    highest = [_two_highest(counts_by_text) for counts_by_text in grams]
    lengths = sorted(map(len, some))
    scores = []
    for index, text in enumerate(some):
        matches = [
            _count_shared_ngrams(counts_by_text[index], highest_counts, index)
            for counts_by_text, highest_counts in zip(grams, highest, strict=True)
        ]
        totals = [max(1, counts_by_text[index].total()) for counts_by_text in grams]
        scores.append(_brevity(len(text), lengths) * _mean_precision(matches, totals))
    return math.fsum(scores) / len(scores)


_HighestCounts = tuple[int, int, int]
"""Highest count of an n-gram, the index of the text that has it, and the highest count among the others."""


def _two_highest(counts_by_text: Sequence[Counter[tuple[str, ...]]]) -> dict[tuple[str, ...], _HighestCounts]:
    highest_counts: dict[tuple[str, ...], _HighestCounts] = defaultdict(lambda: (0, -1, 0))
    for index, counts in enumerate(counts_by_text):
        for gram, count in counts.items():
            first, owner, second = highest_counts[gram]
            highest_counts[gram] = (count, index, first) if count > first else (first, owner, max(second, count))
    return highest_counts


def _count_shared_ngrams(
    counts: Counter[tuple[str, ...]], highest_counts: dict[tuple[str, ...], _HighestCounts], index: int
) -> int:
    """Count the n-grams of a text that another text has too, each at most as often as it occurs there."""
    matched = 0
    for gram, count in counts.items():
        first, owner, second = highest_counts[gram]
        matched += min(count, second if owner == index else first)
    return matched


def _mean_precision(matched: Sequence[int], totals: Sequence[int]) -> float:
    """Return the geometric mean of the precisions, which come by rising n.

    A text that shares no token has 0, as in nltk.
    """
    if not matched[0]:
        return 0.0
    logs = [math.log((match_count or SMOOTHED) / total) for match_count, total in zip(matched, totals, strict=True)]
    return math.exp(math.fsum(logs) / len(logs))


def _brevity(length: int, lengths: Sequence[int]) -> float:
    """Return the penalty of a text that is shorter than the closest of the others.

    `lengths` holds the lengths of all texts, sorted.
    """
    rank = bisect_left(lengths, length)
    below = lengths[rank - 1] if rank else None
    above = lengths[rank + 1] if rank + 1 < len(lengths) else None
    neighbours = [neighbour for neighbour in (below, above) if neighbour is not None]
    closest = min(neighbours, key=lambda neighbour_length: (abs(neighbour_length - length), neighbour_length))
    return 1.0 if length >= closest else math.exp(1 - closest / length)


def drawn_diversity(texts: Iterable[str], size: int, seed: int, draws: int = DRAWS) -> DrawnDiversity:
    """Measure the diversity of `draws` subsets of `size` texts each.

    Subsets are drawn without replacement under a seed. Where there are too few texts, all of them are measured once.
    """
    tokenised = [text_tokens for text in texts if (text_tokens := tokens(text))]
    size = min(size, len(tokenised))
    rng = random.Random(seed)
    draws = draws if size < len(tokenised) else 1
    measured = [diversity_of_tokens(rng.sample(tokenised, size)).values for _ in range(draws)]
    columns = {name: [measure for row in measured if (measure := row[name]) is not None] for name in METRICS}
    tail = (1 - LEVEL) / 2
    several = draws > 1
    return DrawnDiversity(
        texts=size,
        draws=draws,
        seed=seed,
        mean={name: math.fsum(measures) / len(measures) if measures else None for name, measures in columns.items()},
        low={
            name: float(np.quantile(measures, tail)) if measures and several else None
            for name, measures in columns.items()
        },
        high={
            name: float(np.quantile(measures, 1 - tail)) if measures and several else None
            for name, measures in columns.items()
        },
    )
