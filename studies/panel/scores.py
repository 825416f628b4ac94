"""The scores of a panel's folder, one for each dialogue, judge and measure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from cocoon.core.errors import CocoonError
from cocoon.core.records import Rating
from cocoon.evaluation.measures import MEASURES
from cocoon.evaluation.statistics.generalisability import PanelScore
from cocoon.reports.tables.judging.reliability import Measure, measure_label, ratings_by_measure, value_of
from cocoon.running.folder import read_run

USERS = "users"
ScoresByMeasure = Mapping[str, list[PanelScore]]
_LABELS = {(measure.scale, measure.dimension): measure.label for measure in MEASURES}


def runs_of(out: Path) -> list[Path]:
    """Return the run folders of a panel's users. Raises CocoonError where there is none."""
    runs = sorted(file.parent for file in (out / USERS).glob("*/dialogues.jsonl"))
    if not runs:
        raise CocoonError(f"{out} holds no dialogues of a panel. Make some with `cocoon panel --out {out}`.")
    return runs


def panel_scores(out: Path) -> ScoresByMeasure:
    """Return the scores of all users of a panel by measure. A judge's score is the mean of its votes."""
    scores: dict[str, list[PanelScore]] = defaultdict(list)
    for run in runs_of(out):
        ratings = [rating for rating in read_run(run, "ratings.jsonl", Rating) if not rating.not_applicable]
        for measure, measured in ratings_by_measure(ratings).items():
            scores[_LABELS.get(measure, measure_label(measure))] += _scores(run.name, measure, measured)
    order = [*_LABELS.values(), *sorted(scores)]
    return {name: scores[name] for name in dict.fromkeys(order) if name in scores}


def _scores(user: str, measure: Measure, ratings: Iterable[Rating]) -> list[PanelScore]:
    votes: dict[tuple[str, str, str, int], list[float]] = defaultdict(list)
    for rating in ratings:
        value = value_of(rating, measure)
        votes[rating.supporter, rating.profile, rating.judge, rating.sample] += [] if value is None else [value]
    return [
        PanelScore(supporter, user, profile, judge, sample, sum(values) / len(values) if values else None)
        for (supporter, profile, judge, sample), values in votes.items()
    ]
