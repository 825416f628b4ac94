"""What is counted of one simulated user in one dialogue, and where."""

from pydantic import ConfigDict

from cocoon.core.records import Language, Record


class UserTurnFacts(Record):
    """One user turn. `round` counts from 1; texts of the profile are compared by shared contents, not by meaning.

    `disclosed`: parts of the profile (`need`, `chain 1`, `memory 3`) that this turn tells and nobody told before;
    `untouched`: those of them that the supporter's turn before had not touched. `locked`: parts told although the
    guarded user's prompt could not hold them. `foreign`: persons and numbers that neither the profile nor the
    supporter had named.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    turn: int
    round: int
    disclosed: list[str] = []
    untouched: list[str] = []
    locked: list[str] = []
    foreign: list[str] = []


class UserFacts(Record):
    """One simulated user in one dialogue.

    `need_round`: the round in which the user's own words first told the need, none where they never did;
    `need_leaked`: told in the first reply or while locked; none for a profile without need. `openings`: the first words
    of every turn, `lengths` their characters.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dialogue: str
    profile: str
    supporter: str
    language: Language
    user_kind: str
    difficulty: str
    turns: list[UserTurnFacts]
    need_round: int | None
    need_leaked: bool | None
    has_need: bool
    openings: list[str]
    lengths: list[int]
