"""The records of question detection: types of sentences, and counts of them with their shares."""

from collections.abc import Mapping
from typing import Literal, get_args

from pydantic import ConfigDict, Field

from cocoon.core.records import Record

QuestionType = Literal["none", "open", "closed", "tag", "probe", "rhetorical", "reported"]
QUESTION_TYPES: tuple[QuestionType, ...] = get_args(QuestionType)
GENUINE: frozenset[QuestionType] = frozenset(("open", "closed", "tag"))
"""Types that ask the listener for an answer by the form of a question. A probe asks without that form."""


class Sentence(Record):
    """A sentence as written, and its type."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str
    type: QuestionType

    @property
    def genuine(self) -> bool:
        """Return whether it asks the listener for an answer."""
        return self.type in GENUINE


class QuestionStats(Record):
    """Questions of one role. Shares lie in 0 to 1 and are None where there is nothing to count.

    `ratio`: turns with a genuine question / turns. `probing_ratio`: turns with a probe / turns. A turn may be in both.
    `sentence_share`: genuine questions / sentences. `mark_share`: turns that contain "?" or "？" / turns. `types`
    counts sentences.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    turns: int = Field(ge=0)
    asking_turns: int = Field(ge=0)
    probing_turns: int = Field(ge=0)
    marked_turns: int = Field(ge=0)
    types: dict[QuestionType, int]
    ratio: float | None
    probing_ratio: float | None
    sentence_share: float | None
    mark_share: float | None


def stats_of(turns: int, asking: int, probing: int, marked: int, types: Mapping[QuestionType, int]) -> QuestionStats:
    """Return counts with their shares. A type that is not in `types` counts 0."""
    counts: dict[QuestionType, int] = {kind: types.get(kind, 0) for kind in QUESTION_TYPES}
    genuine = sum(counts[kind] for kind in GENUINE)
    return QuestionStats(
        turns=turns,
        asking_turns=asking,
        probing_turns=probing,
        marked_turns=marked,
        types=counts,
        ratio=_share(asking, turns),
        probing_ratio=_share(probing, turns),
        sentence_share=_share(genuine, sum(counts.values())),
        mark_share=_share(marked, turns),
    )


def _share(part: int, total: int) -> float | None:
    return part / total if total else None
