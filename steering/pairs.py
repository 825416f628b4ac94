"""Contrastive pairs: the same reply to the same words as a question and as a statement (paper F.2).

A pair is kept when its two sides differ in that alone: similar length, every sentence of the side's own type, the same
content, and no pair like it before. Sets that must not see each other's situations are checked with `overlaps`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

from pydantic import Field
from rapidfuzz.fuzz import ratio, token_set_ratio

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import parse_record, read_lines
from cocoon.core.records import Language, Record
from cocoon.evaluation.questions import questions

Problem = tuple[str, str]
Way = Literal["question", "statement"]
SHIPPED = "shipped"


class Pair(Record):
    """One reply in both forms. `situation` is the id of what was `said`; pairs of one situation stay in one set."""

    id: str = Field(min_length=1)
    situation: str = Field(min_length=1)
    language: Language
    said: str = Field(min_length=1)
    question: str = Field(min_length=1)
    statement: str = Field(min_length=1)
    source: str = "own"
    licence: str = ""


@dataclass(frozen=True)
class PairRules:
    """When a pair is kept.

    `length_gap`: largest difference of the two lengths as a share of the longer (characters). `likeness`: smallest
    likeness of their wording (characters in common, 0 to 100), by which the same meaning is taken to be kept.
    `duplicate`: likeness to an earlier pair of the same situation, from which a pair counts as its copy.
    """

    length_gap: float = 0.4
    likeness: float = 40.0
    duplicate: float = 90.0


def read_pairs(name: str) -> list[Pair]:
    """Pairs of a JSONL file, or `shipped:en`, `shipped:zh`; raises CocoonError for a line that is none."""
    path = _path(name)
    found = [parse_record(line, Pair, f"{path}: line {number}") for number, line in read_lines(path)]
    if not found:
        raise CocoonError(f"{path}: holds no pairs; write some with `cocoon steer pairs`, or take shipped:en")
    return found


def _path(name: str) -> Path:
    kind, _, language = name.partition(":")
    if kind != SHIPPED:
        path = Path(name).expanduser()
        if not path.is_file():
            raise CocoonError(f"pairs {name!r} are not there; give a JSONL file, shipped:en or shipped:zh")
        return path
    if language not in ("en", "zh"):
        raise CocoonError(f"pairs {name!r}: shipped pairs are shipped:en and shipped:zh")
    return Path(str(files("cocoon.steering") / "shipped" / f"pairs.{language}.jsonl"))


def pair_problem(pair: Pair, rules: PairRules | None = None) -> Problem | None:
    """Why a pair is not kept, as (reason, detail), or none."""
    rules = rules or PairRules()
    return _type_problem(pair) or _length_problem(pair, rules) or _meaning_problem(pair, rules)


def _type_problem(pair: Pair) -> Problem | None:
    asked = questions(pair.question, pair.language)
    stated = questions(pair.statement, pair.language)
    if not asked or not all(sentence.genuine for sentence in asked):
        odd = next((sentence.text for sentence in asked if not sentence.genuine), pair.question)
        return "mixed_types", f"no genuine question: {odd!r}"
    if odd := next((sentence.text for sentence in stated if sentence.type != "none"), None):
        return "mixed_types", f"no statement: {odd!r}"
    return None


def _length_problem(pair: Pair, rules: PairRules) -> Problem | None:
    one, other = len(pair.question), len(pair.statement)
    gap = abs(one - other) / max(one, other)
    if gap <= rules.length_gap:
        return None
    return "length_gap", f"{one} and {other} characters: {gap:.2f} apart, at most {rules.length_gap:g}"


def _meaning_problem(pair: Pair, rules: PairRules) -> Problem | None:
    alike = likeness(pair.question, pair.statement, pair.language)
    if alike >= rules.likeness:
        return None
    return "meaning", f"the two sides share {alike:.0f} of 100 of their wording, at least {rules.likeness:g}"


def likeness(one: str, other: str, language: Language) -> float:
    """Wording in common, 0 to 100: words for English, characters for Chinese, in whatever order."""
    if language == "zh":
        return token_set_ratio(" ".join(_bare(one)), " ".join(_bare(other)))
    return token_set_ratio(_bare(one), _bare(other))


def duplicates(pairs: Sequence[Pair], rules: PairRules | None = None) -> dict[str, Problem]:
    """Id -> why it is dropped, for every pair that says what an earlier one of its situation says."""
    rules = rules or PairRules()
    found: dict[str, Problem] = {}
    kept: dict[str, list[Pair]] = {}
    for pair in pairs:
        earlier = kept.setdefault(pair.situation, [])
        same = next((one for one in earlier if _alike(one, pair) >= rules.duplicate), None)
        if same is None:
            earlier.append(pair)
        else:
            found[pair.id] = ("duplicate", f"says what {same.id!r} says")
    return found


def _alike(one: Pair, other: Pair) -> float:
    return max(ratio(one.question, other.question), ratio(one.statement, other.statement))


def _bare(text: str) -> str:
    return "".join(char for char in text.lower() if char.isalnum() or char.isspace())


@dataclass(frozen=True)
class Overlap:
    """Two texts of different sets that are the same or nearly so (`likeness`, 0 to 100)."""

    one: str
    other: str
    likeness: float


def overlaps(one: Iterable[tuple[str, str]], other: Iterable[tuple[str, str]], near: float = 85.0) -> Iterator[Overlap]:
    """Every (id, text) of one set that has its like in the other: the same id, or a likeness of at least `near`."""
    known = list(other)
    for name, text in one:
        for there, words in known:
            alike = 100.0 if name == there else ratio(_bare(text), _bare(words))
            if alike >= near:
                yield Overlap(name, there, alike)
                break
