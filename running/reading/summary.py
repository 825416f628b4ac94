"""What the list of the trace page shows about a dialogue."""

import hashlib
from collections.abc import Sequence
from typing import Any

from cocoon.core.records import Dialogue, Rating
from cocoon.evaluation.facts import DialogueFacts, disclosed, facts_of
from cocoon.evaluation.groups import majority, mean_of_votes
from cocoon.evaluation.missing import missing_reasons
from cocoon.evaluation.safety.records import RISK_FLAGS
from cocoon.evaluation.success.outcomes import outcome_of
from cocoon.evaluation.success.verdicts import ATTRIBUTED, PAPER

COMFORT = "comfort"
_MEANS = (("affective_improvement", "aff"), ("negative_helper_evaluation", "neg"))
_SHOWN = 120


def summary_of(dialogue: Dialogue, facts: DialogueFacts, ratings: Sequence[Rating]) -> dict[str, Any]:
    """Return verdicts, question and probing ratio, comfort, and the texts that are searched.

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
        "probing": facts.questions.probing_ratio if facts.questions else None,
        "language": dialogue.language,
        "flags": sorted([*facts.flags, *facts.crisis]),
        "flagged": facts.flagged,
        "risk": sum(facts.crisis.get(flag, 0) for flag in RISK_FLAGS),
        "needed": dialogue.profile.need is not None,
        "difficulty": dialogue.difficulty,
        "stop": dialogue.stop_reason or "",
        "judged": _judged(ratings),
        "success": _verdict(scales.get(PAPER, [])),
        "attributed": _verdict(scales.get(ATTRIBUTED, [])),
        **{key: mean_of_votes(dimension)(scales.get(COMFORT, [])) for dimension, key in _MEANS},
        **_branch(dialogue),
    }


def _branch(dialogue: Dialogue) -> dict[str, Any]:
    """Return where a branch leaves which talk, its move, and the share of the chain that was open in the end."""
    if dialogue.parent is None:
        return {}
    return {
        "parent": dialogue.parent,
        "fork": dialogue.branched_at,
        "move": dialogue.move,
        "opened": disclosed(dialogue),
    }


def _judged(ratings: Sequence[Rating]) -> dict[str, dict[str, Any]]:
    """Return for each judge what it rated, how the need came to be named, and which values are missing and why."""
    by_judge: dict[str, list[Rating]] = {}
    for rating in ratings:
        if not rating.not_applicable:
            by_judge.setdefault(rating.judge, []).append(rating)
    return {
        judge: {
            "scales": list(dict.fromkeys(rating.scale for rating in own)),
            "outcome": outcome_of([rating for rating in own if rating.scale == ATTRIBUTED]),
            "missing": sorted({(rating.scale, reason) for rating in own for reason in missing_reasons(rating)}),
        }
        for judge, own in by_judge.items()
    }


def summary_under_way(dialogue: Dialogue) -> dict[str, Any]:
    """Return the summary of a dialogue that is being made, which has no ratings yet."""
    return summary_of(dialogue, facts_of(dialogue), []) | {"success": "making"}


def failed_summary(name: str) -> dict[str, Any]:
    """Return the summary of a dialogue that was never finished or that was dropped."""
    empty: dict[str, Any] = dict.fromkeys(("ratio", "probing", "attributed", "aff", "neg"))
    words = dict.fromkeys(("supporter", "emotion", "feeling", "need", "language", "difficulty", "stop"), "")
    counts = {"profile": name, "sample": 0, "turns": 0, "needed": False, "judged": {}}
    return {**words, **empty, **counts, "flags": [], "flagged": 0, "risk": 0, "success": "failed"}


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
