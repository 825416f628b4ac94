"""Contrastive pairs: the same reply to the same message as a question and as a statement (paper F.2).

A pair is valid if its two sides differ only in that: similar length, every sentence of the side's own type, the same
content, and no earlier pair like it. `overlaps` checks sets that must not share situations.
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
from cocoon.evaluation.questions.detection import questions

Problem = tuple[str, str]
Way = Literal["question", "statement"]
SHIPPED = "shipped"


class Pair(Record):
    """One reply in both forms. `situation` is the id of what was `said`. Pairs of one situation stay in one set."""

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
    """Limits for a valid pair.

    `length_gap` is the largest difference of the two lengths, as a share of the longer one (in characters). `likeness`
    is the smallest similarity of the wording (0 to 100) at which the meaning counts as the same. `duplicate` is the
    similarity to an earlier pair of the same situation from which a pair counts as its copy.
    """

    length_gap: float = 0.4
    likeness: float = 40.0
    duplicate: float = 90.0


def read_pairs(name: str) -> list[Pair]:
    """Read pairs from a JSONL file, or `shipped:en`, `shipped:zh`. Raises CocoonError if a line is not a pair."""
    path = _path(name)
    pairs = [parse_record(line, Pair, f"{path}: line {number}") for number, line in read_lines(path)]
    if not pairs:
        raise CocoonError(f"{path}: holds no pairs; write some with `cocoon steer pairs`, or take shipped:en")
    return pairs


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
    """Return why a pair is not valid as (reason, detail), or None if it is valid."""
    rules = rules or PairRules()
    return _type_problem(pair) or _length_problem(pair, rules) or _meaning_problem(pair, rules)


def _type_problem(pair: Pair) -> Problem | None:
    question_sentences = questions(pair.question, pair.language)
    statement_sentences = questions(pair.statement, pair.language)
    if not question_sentences or not all(sentence.genuine for sentence in question_sentences):
        wrong_type = next((sentence.text for sentence in question_sentences if not sentence.genuine), pair.question)
        return "mixed_types", f"no genuine question: {wrong_type!r}"
    if wrong_type := next(
        (sentence.text for sentence in statement_sentences if sentence.type not in ("none", "probe")), None
    ):
        return "mixed_types", f"no statement: {wrong_type!r}"
    return None


def _length_problem(pair: Pair, rules: PairRules) -> Problem | None:
    question_length, statement_length = len(pair.question), len(pair.statement)
    gap = abs(question_length - statement_length) / max(question_length, statement_length)
    if gap <= rules.length_gap:
        return None
    return (
        "length_gap",
        f"{question_length} and {statement_length} characters: {gap:.2f} apart, at most {rules.length_gap:g}",
    )


def _meaning_problem(pair: Pair, rules: PairRules) -> Problem | None:
    alike = likeness(pair.question, pair.statement, pair.language)
    if alike >= rules.likeness:
        return None
    return "meaning", f"the two sides share {alike:.0f} of 100 of their wording, at least {rules.likeness:g}"


def likeness(one: str, other: str, language: Language) -> float:
    """Return how much wording two texts share, 0 to 100, in any order: words for English, characters for Chinese."""
    if language == "zh":
        return token_set_ratio(" ".join(_normalised(one)), " ".join(_normalised(other)))
    return token_set_ratio(_normalised(one), _normalised(other))


def duplicates(pairs: Sequence[Pair], rules: PairRules | None = None) -> dict[str, Problem]:
    """Return by id why a pair is dropped, for every pair that repeats an earlier one of its situation."""
    rules = rules or PairRules()
    problems: dict[str, Problem] = {}
    distinct: dict[str, list[Pair]] = {}
    for pair in pairs:
        earlier = distinct.setdefault(pair.situation, [])
        same = next(
            (distinct_pair for distinct_pair in earlier if _alike(distinct_pair, pair) >= rules.duplicate), None
        )
        if same is None:
            earlier.append(pair)
        else:
            problems[pair.id] = ("duplicate", f"says what {same.id!r} says")
    return problems


def _alike(earlier: Pair, later: Pair) -> float:
    return max(ratio(earlier.question, later.question), ratio(earlier.statement, later.statement))


def _normalised(text: str) -> str:
    return "".join(char for char in text.lower() if char.isalnum() or char.isspace())


@dataclass(frozen=True)
class Overlap:
    """Two texts of different sets that are equal or nearly so (`likeness`, 0 to 100)."""

    one: str
    other: str
    likeness: float


def overlaps(one: Iterable[tuple[str, str]], other: Iterable[tuple[str, str]], near: float = 85.0) -> Iterator[Overlap]:
    """Yield every (id, text) of one set with a match in the other: the same id, or a likeness of at least `near`."""
    others = list(other)
    for name, text in one:
        for other_id, other_text in others:
            similarity = 100.0 if name == other_id else ratio(_normalised(text), _normalised(other_text))
            if similarity >= near:
                yield Overlap(name, other_id, similarity)
                break
