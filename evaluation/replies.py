"""How many of a role's replies were cut, had foreign text, or came with a thought."""

from collections.abc import Iterable, Sequence

from pydantic import ConfigDict

from cocoon.core.records import Record, Role, Turn
from cocoon.evaluation.questions.detection import counted_turns


class ReplyCounts(Record):
    """Counts of turns, with the fixed opening not counted.

    `cut`: the server ended the reply before its end. `foreign`: role labels, lines of the other side or template tokens
    were cut off. `thoughts`: a reasoning model's thought was kept apart.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    turns: int = 0
    cut: int = 0
    foreign: int = 0
    thoughts: int = 0


class CallCounts(Record):
    """Counts of a model's calls in one role, whatever became of them. `role` is the step of a graph, such as `user`.

    `short_prompts`: calls of which the server counted far fewer tokens than were sent. Tokens are sums.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: str
    model: str
    calls: int = 0
    cut: int = 0
    refused: int = 0
    thoughts: int = 0
    short_prompts: int = 0
    tokens_reasoning: int = 0
    tokens_cached: int = 0


def count_replies(turns: Sequence[Turn], role: Role) -> ReplyCounts:
    """Return the counts of one role in one dialogue."""
    counted = counted_turns(turns, role)
    return ReplyCounts(
        turns=len(counted),
        cut=sum(turn.finish is not None for turn in counted),
        foreign=sum(bool(turn.foreign) for turn in counted),
        thoughts=sum(turn.thought is not None and bool(turn.thought.reasoning) for turn in counted),
    )


def pooled_counts(counts: Iterable[ReplyCounts]) -> ReplyCounts:
    """Return the sums over dialogues."""
    items = list(counts)
    return ReplyCounts(**{name: sum(getattr(item, name) for item in items) for name in ReplyCounts.model_fields})
