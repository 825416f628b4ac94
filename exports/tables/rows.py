"""Rows of the tidy tables, for one dialogue at a time: column name -> value, None where it is missing."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from cocoon.core.records import Failure, Rating
from cocoon.evaluation.scales.scoring import Scale
from cocoon.exports.material import ExportMaterial, role_of_call
from cocoon.models.journal.reader import Call

Row = dict[str, Any]


def rows_of(material: ExportMaterial, scales: Mapping[str, Scale], *, journal: bool) -> Iterator[tuple[str, Row]]:
    """Yield (table, row) for everything that belongs to a dialogue.

    `journal` says whether the calls are known.
    """
    yield "dialogues", _dialogue(material, journal=journal)
    for number in range(len(material.dialogue.turns)):
        yield "turns", _turn(material, number)
    for rating in material.ratings:
        yield "ratings", _rating(rating)
        for row in _items(rating, scales.get(rating.scale)):
            yield "items", row
    turns = {key: number for number, turn in enumerate(material.dialogue.turns) for key in turn.calls}
    for call in material.calls.values():
        yield "calls", _call(call, turns)
    for failure in material.failures:
        yield "failures", failure_row(failure)


def _dialogue(material: ExportMaterial, *, journal: bool) -> Row:
    dialogue, profile = material.dialogue, material.dialogue.profile
    entries = [call.entry for call in material.calls.values()]
    return {
        "dialogue": dialogue.id,
        "profile": profile.id,
        "supporter": dialogue.supporter,
        "sample": dialogue.sample,
        "language": dialogue.language,
        "emotion": profile.emotion or None,
        "feeling": profile.feeling or None,
        "need": profile.need,
        "scenario": profile.scenario or None,
        "chain_steps": len(profile.chain),
        "memories": len(profile.memory),
        "user_kind": dialogue.user_kind or None,
        "difficulty": dialogue.difficulty or None,
        "rules": dialogue.rules or None,
        "turns": len(dialogue.turns),
        "counted_turns": sum(material.counted),
        "asking_turns": material.asking,
        "question_ratio": material.question_ratio,
        "probing_turns": material.probing,
        "probing_ratio": material.probing_ratio,
        "stage_boundary": dialogue.stage_boundary,
        "stop_reason": dialogue.stop_reason,
        "calls": len(entries) if journal else None,
        "tokens_in": _complete_sum([entry.tokens_in for entry in entries]) if journal else None,
        "tokens_out": _complete_sum([entry.tokens_out for entry in entries]) if journal else None,
        "facts": _json(dialogue.facts),
        "source": dialogue.source,
        "licence": dialogue.licence or None,
    }


def _complete_sum(counts: list[int | None]) -> int | None:
    """Return the sum, or None where a part of it is not known."""
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _json(value: Any) -> str | None:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode() if value else None


def _turn(material: ExportMaterial, number: int) -> Row:
    turn, boundary = material.dialogue.turns[number], material.dialogue.stage_boundary
    question_types = material.asked[number]
    type_counts = Counter(question_types or [])
    state = turn.state
    appraisal = state.appraisal if state else None
    return {
        "dialogue": material.dialogue.id,
        "turn": number,
        "role": turn.role,
        "content": turn.content,
        "characters": len(turn.content),
        "stage": None if boundary is None else "listening" if number < boundary else "suggestion",
        "counted": None if question_types is None else material.counted[number],
        "open_questions": None if question_types is None else type_counts["open"],
        "closed_questions": None if question_types is None else type_counts["closed"],
        "tag_questions": None if question_types is None else type_counts["tag"],
        "probes": None if question_types is None else type_counts["probe"],
        "rhetorical_questions": None if question_types is None else type_counts["rhetorical"],
        "reported_questions": None if question_types is None else type_counts["reported"],
        "analysis": (turn.thought.analysis or None) if turn.thought else None,
        "strategy": (turn.thought.strategy or None) if turn.thought else None,
        "draft": turn.draft,
        "trust": state.trust if state else None,
        "unlocked": len(state.unlocked) if state else None,
        "newly": len(state.newly) if state else None,
        "accuracy": appraisal.accuracy if appraisal else None,
        "pressure": appraisal.pressure if appraisal else None,
        "move": appraisal.move if appraisal else None,
        "rupture": state.ruptured if state else None,
        "flags": _json(material.flags[number]),
        "calls": len(turn.calls),
        "scores": _json(turn.scores),
    }


def _rating_keys(rating: Rating) -> Row:
    names = ("dialogue", "profile", "supporter", "sample", "scale", "judge", "vote", "prompt_sha")
    return {name: getattr(rating, name) for name in names}


def _items(rating: Rating, scale: Scale | None) -> Iterator[Row]:
    """Yield the items as answered and the dimensions. For a scale that is missing completely, every item is missing."""
    rating_keys, scale_reason = _rating_keys(rating), rating.missing.get("*")
    reverse = {item.id: item.reverse for item in scale.items} if scale else {}
    known = reverse if not rating.items and not rating.verdict and not rating.not_applicable else {}
    for name in dict.fromkeys([*known, *rating.items, *(name for name in rating.missing if name != "*")]):
        value = rating.items.get(name)
        reason = None if value is not None else rating.missing.get(name) or scale_reason or "not answered"
        yield {
            **rating_keys,
            "kind": "item",
            "item": name,
            "value": value,
            "missing": reason,
            "reverse": reverse.get(name),
        }
    for name, mean in rating.dimensions.items():
        reason = None if mean is not None else scale_reason or "an item is missing"
        yield {**rating_keys, "kind": "dimension", "item": name, "value": mean, "missing": reason, "reverse": None}


def _rating(rating: Rating) -> Row:
    verdict = rating.verdict
    return {
        **_rating_keys(rating),
        "prompt_id": rating.prompt_id,
        "not_applicable": rating.not_applicable,
        "success": verdict.success if verdict else None,
        "named_by": verdict.named_by if verdict else None,
        "how": verdict.how if verdict else None,
        "turn": verdict.turn if verdict else None,
        "quote": verdict.quote if verdict else None,
        "missing": (verdict.missing if verdict else None) or rating.missing.get("*"),
        "rung": rating.rung,
        "legal_mass": rating.legal_mass,
    }


def _call(call: Call, turns: Mapping[str, int]) -> Row:
    entry = call.entry
    return {
        "dialogue": entry.place.dialogue,
        "call": entry.place.key,
        "node": entry.place.node,
        "role": role_of_call(entry.place),
        "turn": turns.get(entry.place.key),
        "attempt": entry.place.attempt,
        **entry.took(),
        "finish": entry.finish,
        "reply_characters": len(entry.text),
        "answered_at": entry.answered_at,
    }


def failure_row(failure: Failure) -> Row:
    """Return the row of a failure."""
    return failure.model_dump(mode="json")
