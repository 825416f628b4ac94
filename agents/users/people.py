"""The trust rules `people`: what opens a person, and how long the answer is, fitted to clients of counsellors.

`benchmarks/evaluation/people_rules.py` fits them to AnnoMI and writes `people.yaml`: the rules in the middle of the fit
(`people`), and three draws of its uncertainty (`people-1` to `people-3`), which stand for several users. Naming,
probing, telling of oneself and pressing are not among the moves that AnnoMI's experts coded, and earn what they earn
under `attuned`.
"""

import functools
import hashlib
import math
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import yaml
from pydantic import ConfigDict

from cocoon.agents.users.attuned import ATTUNED, Gains
from cocoon.core.config import TrustRules
from cocoon.core.jsonl import parse_record
from cocoon.core.records import Language, Move, Record

FILE = Path(str(resources.files("cocoon.agents.users"))) / "people.yaml"
HAN_PER_WORD = 1.5
"""Chinese characters for an English word, for lengths: AnnoMI is English."""


class FittedRules(Record):
    """One set of fitted rules.

    `gains` are points of trust by move, `scale` the points for one new content, and `fading` how log(1 + new contents)
    changes with log(1 + turn), by which each further move on a layer earns less. `words` are ten quantiles (5 % to
    95 %) of log(1 + words) at the mean turn, whose logarithm is `mean_turn`, and `slope` how they change with log(1 +
    turn). `asks` is the share of answers that ask back.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    gains: dict[Move, float]
    scale: float
    fading: float
    words: dict[Move, list[float]]
    slope: float
    mean_turn: float
    asks: dict[Move, float]


class AnswerPlan(NamedTuple):
    """How long an answer is to be, in words (Chinese: characters), and whether it asks back."""

    words: int
    asks: bool


class FittedPeople(Record):
    """What `people.yaml` holds: rules by their name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    rules: dict[TrustRules, FittedRules]


@functools.cache
def fitted_people() -> FittedPeople:
    """Return the fitted rules that ship."""
    return parse_record(yaml.safe_load(FILE.read_text("utf-8")), FittedPeople, str(FILE))


def people_gains(rules: TrustRules) -> Gains:
    """Return what each move earns under a set of fitted rules."""
    fitted = fitted_people().rules[rules]
    return replace(ATTUNED, moves={**ATTUNED.moves, **fitted.gains}, slope=fitted.fading)


def answer_plan(rules: FittedRules, move: Move | None, person: str, turn: int, language: Language) -> AnswerPlan:
    """Return how long a person's answer to a move is to be, and whether it asks back.

    `turn` is the number of the user's turn, from 0. A person answers the same in every run. A move that is not fitted
    is answered as `other`.
    """
    known = move if move in rules.words else "other"
    quantiles = rules.words[known]
    log = _between(quantiles, _place(f"words:{person}:{turn}") * len(quantiles) - 0.5)
    words = math.expm1(max(0.0, log + rules.slope * (math.log1p(turn) - rules.mean_turn)))
    asks = _place(f"asks:{person}:{turn}") < rules.asks[known]
    return AnswerPlan(words=max(1, round(words * (HAN_PER_WORD if language == "zh" else 1))), asks=asks)


def _between(values: list[float], index: float) -> float:
    """Return the value at an index that lies between two, or the nearest value outside."""
    below = min(max(0, math.floor(index)), len(values) - 1)
    above = min(below + 1, len(values) - 1)
    share = min(max(0.0, index - below), 1.0)
    return values[below] + share * (values[above] - values[below])


def _place(name: str) -> float:
    """Return a number from 0 to 1 that a name stands for, the same in every run."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) / 2**32
