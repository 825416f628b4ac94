"""How the need came to be named, in one word for each dialogue, from the votes in the attributed mode."""

from collections import Counter
from collections.abc import Sequence

from cocoon.core.records import Rating

MISSING = "missing"
NOBODY = "nobody"
OUTCOMES = (
    "supporter, after reflection",
    "supporter, after question",
    "user, after reflection",
    "user, after question",
    "volunteered",
    "leaked",
    NOBODY,
    MISSING,
)


def need_outcome(rating: Rating) -> str:
    """Return one of OUTCOMES for one vote in the attributed mode."""
    verdict = rating.verdict
    if verdict is None or verdict.success is None:
        return MISSING
    if verdict.named_by == "nobody" or verdict.how is None:
        return NOBODY if verdict.named_by == "nobody" else MISSING
    return verdict.how if verdict.how in OUTCOMES else f"{verdict.named_by}, {verdict.how.replace('_', ' ')}"


def outcome_of(votes: Sequence[Rating]) -> str:
    """Return the outcome that most votes on one dialogue share.

    It is missing on a tie, or when every vote is missing.
    """
    counts = Counter(need_outcome(vote) for vote in votes)
    del counts[MISSING]
    top = counts.most_common(2)
    if not top or (len(top) == 2 and top[0][1] == top[1][1]):
        return MISSING
    return top[0][0]
