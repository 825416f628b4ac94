"""Branches: where a dialogue leaves another, with the other's words and the user's memory of them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cocoon.agents.protocols import Memory
from cocoon.core.errors import CocoonError
from cocoon.core.records import Dialogue, Turn
from cocoon.graphs.conversation import memory_after


@dataclass(frozen=True)
class Fork:
    """A place in a dialogue: just before the supporter's reply of a round, counted from 1. The opening is round 0.

    `only` names the one supporter that goes on from there, None for all. `move` is what the supporter does in that
    round (see `cocoon.agents.writers.moves`), None where it speaks for itself. `samples` is the number of futures,
    None for that of the run. `needs` are other moves that must be possible there too, since all are compared.
    """

    parent: Dialogue
    round: int
    only: str | None = None
    move: str | None = None
    samples: int | None = None
    needs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The fork's name, with which the ids of its branches begin."""
        return fork_name(self.parent.id, self.round, self.move)

    @property
    def length(self) -> int | None:
        """How many turns the branch shares with its parent, None where the parent has no such round."""
        replies = [index for index, turn in enumerate(self.parent.turns) if turn.role == "supporter"]
        opened = int(bool(replies) and replies[0] == 0)
        number = self.round - 1 + opened
        return replies[number] if number < len(replies) and replies[number] > 0 else None

    @property
    def words(self) -> str:
        """What the supporter really said in that round."""
        return self.parent.turns[self.length or 0].content

    def prefix(self) -> list[Turn]:
        """Return the shared turns, which took no call of the branch."""
        return [turn.model_copy(update={"calls": []}) for turn in self.parent.turns[: self.length]]

    @property
    def memory(self) -> Memory:
        """What the user carried on from its last shared turn."""
        return memory_after(self.parent.turns[(self.length or 0) - 1])


def fork_name(parent: str, number: int, move: str | None) -> str:
    """Return the name of a fork: the dialogue, the round and the move."""
    return f"{parent}@{number}{f'-{move}' if move else ''}"


def forks_of(dialogues: Iterable[Dialogue], rounds: Sequence[int] | None) -> Iterator[Fork]:
    """Yield where each dialogue is left: before the supporter's reply of each of these rounds, or of every round.

    Dialogues that ended earlier are passed over. Raises CocoonError for a round below 1, and for dialogues that are
    branches themselves.
    """
    if wrong := [number for number in rounds or () if number < 1]:
        raise CocoonError(f"--turn {wrong[0]}: rounds are counted from 1, the supporter's first reply")
    for dialogue in dialogues:
        if dialogue.parent is not None:
            raise CocoonError(f"{dialogue.id} is a branch of {dialogue.parent}. Branch the run of that one instead.")
        for number in rounds or range(1, len(dialogue.turns)):
            if (fork := Fork(dialogue, number)).length is not None:
                yield fork
