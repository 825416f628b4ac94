"""Whether a run says what became of every dialogue, and whether every score stands in a journalled reply.

Replies are read here with the standard library's JSON reader, not with the code that made the ratings.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cocoon.core.records import Dialogue, Failure, Rating
from cocoon.evaluation.scales.scoring import load_scale
from cocoon.evaluation.success.verdicts import ATTRIBUTED, PAPER
from cocoon.models.journal.store import Entry, Journal
from cocoon.running.folder import read_run

Replies = dict[tuple[str, str], Entry]


@dataclass
class Audit:
    """What a run folder came to. `invented`: values that no journalled reply states, and means over missing items;
    `unsaid`: dialogues neither made and rated nor listed as failures."""

    ratings: int = 0
    ratings_missing: int = 0
    values: int = 0
    values_missing: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    invented: list[str] = field(default_factory=list)
    unsaid: list[str] = field(default_factory=list)


def audit(run: Path, dialogues: list[str], judges: int) -> Audit:
    """Check a finished run of `dialogues`, each to be rated `judges` times."""
    found = Audit()
    journal = Journal(run / "journal.sqlite")
    replies = {(entry.place.dialogue, entry.place.key): entry for entry in journal.entries()}
    journal.close()
    made = {dialogue.id: dialogue for dialogue in read_run(run, "dialogues.jsonl", Dialogue)}
    failures = list(read_run(run, "failures.jsonl", Failure))
    found.failures.update(f"{failure.stage}: {failure.reason}" for failure in failures)
    told = Counter(failure.dialogue for failure in failures)
    for rating in read_run(run, "ratings.jsonl", Rating):
        told[rating.dialogue] += 1
        _check(found, rating, made[rating.dialogue], _stated(rating, replies))
    found.unsaid = [name for name in dialogues if told[name] != (judges if name in made else 1)]
    return found


def _check(found: Audit, rating: Rating, dialogue: Dialogue, stated: dict[str, Any]) -> None:
    values = dict(_values(rating))
    given = {name: value for name, value in values.items() if value is not None}
    found.ratings += 1
    found.ratings_missing += not given
    found.values += len(given)
    found.values_missing += len(values) - len(given)
    found.reasons.update(reason.split(":")[0][:60] for reason in rating.missing.values())
    wrong = [f"{name}={value!r}" for name, value in given.items() if stated.get(name) != value]
    wrong += [*_means_over_missing(rating), *_quote_elsewhere(rating, dialogue)]
    found.invented += [f"{rating.dialogue} {rating.scale} {each}" for each in wrong]


def _values(rating: Rating) -> Iterator[tuple[str, Any]]:
    """All that a judge answers, by the name it has in the reply."""
    yield from ((f"items.{name}", value) for name, value in rating.items.items())
    if rating.scale == PAPER and rating.verdict:
        yield "named", rating.verdict.success
    if rating.scale == ATTRIBUTED and rating.verdict:
        yield "named_by", rating.verdict.named_by
        yield "quote", rating.verdict.quote
        if rating.verdict.how != "leaked":  # What the transcript shows, whatever the judge said of it.
            yield "how", rating.verdict.how


def _stated(rating: Rating, replies: Replies) -> dict[str, Any]:
    """The values in the rating's last reply, `items.N` for the items of a scale; empty if it is not JSON."""
    if not rating.calls:
        return {}
    try:
        value = json.loads(replies[rating.dialogue, rating.calls[-1]].text)
    except ValueError:
        return {}
    items = value.get("items", {}) if isinstance(value, dict) else None
    if not isinstance(items, dict):
        return {}
    return value | {f"items.{name}": each for name, each in items.items()}


def _means_over_missing(rating: Rating) -> Iterator[str]:
    if rating.scale in (PAPER, ATTRIBUTED):
        return
    for dimension in load_scale(rating.scale).dimensions:
        mean = rating.dimensions[dimension.id]
        if mean is not None and any(rating.items[item] is None for item in dimension.items):
            yield f"{dimension.id}={mean} over missing items"


def _quote_elsewhere(rating: Rating, dialogue: Dialogue) -> Iterator[str]:
    verdict = rating.verdict
    if verdict is None or verdict.quote is None:
        return
    spoken = dialogue.turns[verdict.turn].content if verdict.turn is not None else ""
    if " ".join(verdict.quote.split()) not in " ".join(spoken.split()):
        yield f"quote {verdict.quote[:40]!r} is not in turn {verdict.turn}"
