"""What the list of the trace page shows about a dialogue."""

import hashlib
from collections.abc import Sequence
from typing import Any

from cocoon.core.records import Dialogue, Rating
from cocoon.evaluation.facts import DialogueFacts
from cocoon.evaluation.groups import majority, mean_of_votes
from cocoon.evaluation.success.verdicts import ATTRIBUTED, PAPER

COMFORT = "comfort"
_MEANS = (("affective_improvement", "aff"), ("negative_helper_evaluation", "neg"))
_SHOWN = 120


def summary_of(dialogue: Dialogue, facts: DialogueFacts, ratings: Sequence[Rating]) -> dict[str, Any]:
    """Return verdicts, question ratio, comfort, and the texts that are searched.

    A verdict is true, false, `missing`, `na`, or None where there was no judge.
    """
    scales: dict[str, list[Rating]] = {}
    for rating in ratings:
        scales.setdefault(rating.scale, []).append(rating)
    return {
        "profile": dialogue.profile.id,
        "supporter": dialogue.supporter,
        "sample": dialogue.sample,
        "emotion": dialogue.profile.emotion,
        "feeling": dialogue.profile.feeling[:_SHOWN],
        "need": (dialogue.profile.need or "")[:_SHOWN],
        "turns": len(dialogue.turns),
        "ratio": facts.questions.ratio if facts.questions else None,
        "success": _verdict(scales.get(PAPER, [])),
        "attributed": _verdict(scales.get(ATTRIBUTED, [])),
        **{key: mean_of_votes(dimension)(scales.get(COMFORT, [])) for dimension, key in _MEANS},
    }


def failed_summary(name: str) -> dict[str, Any]:
    """Return the summary of a dialogue that was never finished or that was dropped."""
    empty: dict[str, Any] = dict.fromkeys(("ratio", "attributed", "aff", "neg"))
    words = dict.fromkeys(("supporter", "emotion", "feeling", "need"), "")
    return {**words, **empty, "profile": name, "sample": 0, "turns": 0, "success": "failed"}


def _verdict(ratings: Sequence[Rating]) -> bool | str | None:
    if not ratings:
        return None
    if all(rating.not_applicable for rating in ratings):
        return "na"
    success = majority([rating for rating in ratings if not rating.not_applicable])
    return "missing" if success is None else success


def file_of(name: str) -> str:
    """Return a name for the file of a dialogue, whatever its id contains."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
