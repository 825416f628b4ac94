"""The labelled turns of tests/data/user_flags, and how well the detectors tell them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from cocoon.core.jsonl import read_records
from cocoon.core.records import Language, Record
from cocoon.evaluation.fidelity.flags.records import USER_FLAGS, UserFlag, UserMoment
from cocoon.evaluation.fidelity.flags.turns import flags_of_turn
from cocoon.tests.conversations import ROOT, shipped_profiles

Half = Literal["development", "held_out", "unusual", "last", "others", "blind"]
_FILES: Mapping[str, str] = {"unusual": "unusual.", "last": "unusual.", "others": "others.", "blind": "blind."}


class LabelledTurn(Record):
    """A turn of a simulated user with its labels. See tests/data/user_flags/GUIDELINE.md."""

    half: Half
    profile: str
    earlier: str
    supporter: str
    text: str
    flags: list[UserFlag]
    where: dict[UserFlag, str] = {}


@dataclass(frozen=True)
class Told:
    """A labelled turn, and the flags that the detectors gave it."""

    turn: LabelledTurn
    flags: list[UserFlag]


@dataclass(frozen=True)
class Score:
    """Counts of right flags, flags too many and flags that were missed."""

    right: int
    extra: int
    missed: int

    @property
    def f1(self) -> float:
        return 2 * self.right / (2 * self.right + self.extra + self.missed)


def labelled_turns(language: Language, half: Half | None = None) -> list[LabelledTurn]:
    """The labelled turns of a language: both halves of the hundred, one of them, or turns of another file."""
    name = f"{_FILES.get(half or '', '')}{language}"
    turns = read_records(ROOT / "tests" / "data" / "user_flags" / f"{name}.jsonl", LabelledTurn)
    return [turn for turn in turns if half in (None, turn.half)]


def labelled_flags(half: Half) -> Sequence[UserFlag]:
    """The flags that the turns of a half are labelled with."""
    return ("role_inversion", "thought_leak", "empty_agreement") if half == "others" else USER_FLAGS


def tell(half: Half, languages: Sequence[Language] = get_args(Language)) -> list[Told]:
    """Every labelled turn of a half with the flags that it is given."""
    profiles = {profile.id: profile for profile in shipped_profiles()}
    return [
        Told(turn, flags_of_turn(UserMoment(turn.text, turn.supporter, turn.earlier, language, profiles[turn.profile])))
        for language in languages
        for turn in labelled_turns(language, half)
    ]


def score(told: Iterable[Told], flags: Sequence[UserFlag]) -> Score:
    pairs = [(flag in one.turn.flags, flag in one.flags) for one in told for flag in flags]
    return Score(pairs.count((True, True)), pairs.count((False, True)), pairs.count((True, False)))
