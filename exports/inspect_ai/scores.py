"""Ratings as Inspect's scores. A missing value stays missing: NaN, which Inspect leaves out of every mean, or null."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from cocoon.core.records import Rating
from cocoon.evaluation.groups import majority, mean_of_votes
from cocoon.evaluation.scales.scoring import Scale
from cocoon.evaluation.success.verdicts import ATTRIBUTED, PAPER
from cocoon.exports.material import success_words

# Inspect's sign for "not scored". JSON has no such number, and Inspect writes it like this.
UNSCORED = orjson.Fragment(b"NaN")
_SUCCESS = (PAPER, ATTRIBUTED)
Score = dict[str, Any]


def named_scores(ratings: Sequence[Rating], *, several_judges: bool) -> dict[str, list[Rating]]:
    """Return votes by the name of their score: the scale, with the judge where a run has several, success first.

    Ratings of one scale and judge under several prompts are separated by the prompt's hash.
    """
    prompts: dict[tuple[str, str], set[str]] = defaultdict(set)
    for rating in ratings:
        prompts[rating.scale, rating.judge].add(rating.prompt_sha)
    votes: dict[str, list[Rating]] = defaultdict(list)
    for rating in sorted(ratings, key=_order):
        name = f"{rating.scale} by {rating.judge}" if several_judges else rating.scale
        if len(prompts[rating.scale, rating.judge]) > 1:
            name = f"{name} under {rating.prompt_sha}"
        votes[name].append(rating)
    return dict(votes)


def _order(rating: Rating) -> tuple[int, str, str, str, int]:
    return _rank(rating.scale), rating.scale, rating.judge, rating.prompt_sha, rating.vote


def _rank(scale: str) -> int:
    return _SUCCESS.index(scale) if scale in _SUCCESS else len(_SUCCESS)


def score_of(votes: Sequence[Rating], scale: Scale | None) -> Score:
    """Return the score of one or more votes on one scale."""
    if votes[0].scale in _SUCCESS or any(vote.verdict for vote in votes):
        return _success(votes)
    return _scale(votes, scale)


def _success(votes: Sequence[Rating]) -> Score:
    applicable = [vote for vote in votes if not vote.not_applicable]
    success = majority(applicable)
    score: Score = {
        "value": UNSCORED if success is None else "C" if success else "I",
        "explanation": "\n".join(map(success_words, votes)),
        "metadata": {**_score_facts(votes), "votes": [_verdict(vote) for vote in votes]},
    }
    if success is None:
        tie = any(vote.verdict and vote.verdict.success is not None for vote in applicable)
        score["reason"] = ("tie" if tie else "missing") if applicable else "not_applicable"
    return score


def _verdict(vote: Rating) -> dict[str, Any]:
    verdict = vote.verdict.model_dump(mode="json") if vote.verdict else {"success": None}
    return {"vote": vote.vote, **verdict, "missing_reasons": vote.missing, **_reliability(vote)}


def _scale(votes: Sequence[Rating], scale: Scale | None) -> Score:
    rated = dict.fromkeys(dimension for vote in votes for dimension in vote.dimensions)
    names = [dimension.id for dimension in scale.dimensions] if scale else list(rated)
    values = {name: mean_of_votes(name)(list(votes)) for name in names}
    reversed_items = [item.id for item in scale.items if item.reverse] if scale else []
    score: Score = {
        "value": values or UNSCORED,
        "explanation": "\n".join(_missing(votes)) or None,
        "metadata": {**_score_facts(votes), "reversed": reversed_items, "votes": [_items(vote) for vote in votes]},
    }
    if all(value is None for value in values.values()):
        score["reason"] = "not_applicable" if all(vote.not_applicable for vote in votes) else "missing"
    return {name: value for name, value in score.items() if value is not None}


def _items(vote: Rating) -> dict[str, Any]:
    return {"vote": vote.vote, "items": vote.items, "missing": vote.missing, **_reliability(vote)}


def _missing(votes: Sequence[Rating]) -> Iterable[str]:
    for vote in votes:
        reasons = [f"item {name}: {reason}" for name, reason in vote.missing.items()]
        reasons += [f"item {name}: no value" for name, value in vote.items.items() if value is None and not reasons]
        if reasons:
            yield f"vote {vote.vote}, missing: {'; '.join(reasons)}"


def _score_facts(votes: Sequence[Rating]) -> dict[str, Any]:
    first = votes[0]
    return {"scale": first.scale, "judge": first.judge, "prompt": f"{first.prompt_id} {first.prompt_sha}"}


def _reliability(vote: Rating) -> dict[str, Any]:
    return {"rung": vote.rung, "legal_mass": vote.legal_mass}


@dataclass
class Tally:
    """The mean of what was scored, and the number of dialogues without a score."""

    metric: str
    scored: int = 0
    unscored: int = 0
    total: float = 0.0

    def add(self, value: float | None) -> None:
        """Count one dialogue."""
        if value is None:
            self.unscored += 1
        else:
            self.scored += 1
            self.total += value


class Tallies:
    """Means over all dialogues, by score and by its dimensions."""

    def __init__(self) -> None:
        self._tallies: dict[tuple[str, str], Tally] = {}

    def add(self, scores: Mapping[str, Score]) -> None:
        """Add the scores of one dialogue."""
        for name, score in scores.items():
            value = score["value"]
            if isinstance(value, dict):
                for dimension, number in value.items():
                    self._tallies.setdefault((name, dimension), Tally("mean")).add(number)
            else:
                known = float(value == "C") if isinstance(value, str) else None
                self._tallies.setdefault((name, name), Tally("accuracy")).add(known)

    def results(self) -> list[dict[str, Any]]:
        """Return Inspect's EvalScores: accuracy of a success, mean of a dimension, no metric where nothing was scored.

        There is no standard error, because dialogues of one profile are not independent (see `cocoon report`).
        """
        results = []
        for (name, part), tally in self._tallies.items():
            mean = {"name": tally.metric, "value": tally.total / tally.scored} if tally.scored else None
            counts = {"scored_samples": tally.scored, "unscored_samples": tally.unscored}
            results.append({"name": part, "scorer": name, **counts, "metrics": {tally.metric: mean} if mean else {}})
        return results
