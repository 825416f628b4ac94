"""Records of what is counted about one simulated user in one dialogue."""

from pydantic import ConfigDict

from cocoon.core.records import Language, Record


class UserTurnFacts(Record):
    """One user turn. `round` counts from 1. Texts of the profile are compared by shared contents, not by meaning.

    `disclosed` lists parts of the profile (`need`, `chain 1`, `memory 3`) that this turn tells and nobody told before.
    `untouched` lists those of them that the supporter's turn before had not touched. `locked` lists parts that were
    told although the guarded user's prompt could not contain them. `foreign` lists persons and numbers that neither the
    profile nor the supporter had named.
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

    `need_round` is the round in which the user's own words first told the need, and None if they never did.
    `need_leaked` is whether the need was told in the first reply or while it was locked, and None for a profile without
    need. `openings` are the first words of every turn, and `lengths` their numbers of characters.
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
