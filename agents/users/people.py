"""The trust rules `people`: gains and lengths fitted to how clients answered each move of a counsellor (AnnoMI).

`benchmarks/people_rules.py` fits them and writes `people.yaml`. Every person draws gains and lengths of their own
within the uncertainty of the fit, from the profile's id. Naming the unsaid, probing and pressing are not among the moves that
AnnoMI's experts coded, and keep the gains of `attuned`.
"""

import functools
import hashlib
from importlib import resources
from pathlib import Path
from statistics import NormalDist

import yaml
from pydantic import ConfigDict

from cocoon.agents.users.attuned import ATTUNED, Gains
from cocoon.core.jsonl import parse_record
from cocoon.core.records import Appraisal, Language, Move, Record

FILE = Path(str(resources.files("cocoon.agents.users"))) / "people.yaml"
HAN_PER_WORD = 1.5
"""Chinese characters for an English word, for lengths: AnnoMI is English."""


class FittedValue(Record):
    """A value with its standard error over transcripts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: float
    error: float


class FittedMove(Record):
    """How people answer a move: trust in points, words, and how many answers it was seen in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    gain: FittedValue
    words: FittedValue
    answers: int


class FittedMoves(Record):
    """What `people.yaml` holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    moves: dict[Move, FittedMove]


@functools.cache
def read_fitted() -> FittedMoves:
    """Return the fitted values that ship."""
    return parse_record(yaml.safe_load(FILE.read_text("utf-8")), FittedMoves, str(FILE))


@functools.cache
def gains_of(person: str | None = None) -> Gains:
    """Return the gains that a person has, and those of people in the middle without one."""
    fitted = {move: _value(one.gain, person, f"gain:{move}") for move, one in read_fitted().moves.items()}
    return Gains(moves={**ATTUNED.moves, **fitted}, naming=ATTUNED.naming, fading=ATTUNED.fading)


def words_after(move: Move | None, person: str, language: Language) -> int | None:
    """Return about how many words (Chinese: characters) a person says after a move, None where that is not known."""
    fitted = read_fitted().moves.get(move) if move is not None else None
    if fitted is None:
        return None
    words = _value(fitted.words, person, f"words:{move}")
    return max(1, round(words * (HAN_PER_WORD if language == "zh" else 1)))


def people(appraisal: Appraisal) -> float:
    """Change of trust by the move, for the first turn of a talk with people in the middle."""
    return gains_of().of(appraisal)


def _value(fitted: FittedValue, person: str | None, name: str) -> float:
    if person is None:
        return fitted.value
    place = int.from_bytes(hashlib.sha256(f"{name}:{person}".encode()).digest()[:4])
    return max(0.0, fitted.value + fitted.error * NormalDist().inv_cdf((place + 0.5) / 2**32))
