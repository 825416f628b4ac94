"""Rows of the tidy tables, of one dialogue at a time: column name -> value, none where it is missing."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from cocoon.core.journal_reader import Call
from cocoon.core.records import Failure, Rating
from cocoon.evaluation.scales import Scale
from cocoon.viewer.export_material import Material, role_of

Row = dict[str, Any]


def rows_of(material: Material, scales: Mapping[str, Scale], *, journal: bool) -> Iterator[tuple[str, Row]]:
    """(table, row) of everything that belongs to a dialogue; `journal`: whether its calls are known."""
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


def _dialogue(material: Material, *, journal: bool) -> Row:
    one, profile = material.dialogue, material.dialogue.profile
    entries = [call.entry for call in material.calls.values()]
    return {
        "dialogue": one.id,
        "profile": profile.id,
        "supporter": one.supporter,
        "sample": one.sample,
        "language": one.language,
        "emotion": profile.emotion or None,
        "feeling": profile.feeling or None,
        "need": profile.need,
        "scenario": profile.scenario or None,
        "chain_steps": len(profile.chain),
        "memories": len(profile.memory),
        "user_kind": one.user_kind or None,
        "difficulty": one.difficulty or None,
        "rules": one.rules or None,
        "turns": len(one.turns),
        "counted_turns": sum(material.counted),
        "asking_turns": material.asking,
        "question_ratio": material.question_ratio,
        "stage_boundary": one.stage_boundary,
        "stop_reason": one.stop_reason,
        "calls": len(entries) if journal else None,
        "tokens_in": _whole([entry.tokens_in for entry in entries]) if journal else None,
        "tokens_out": _whole([entry.tokens_out for entry in entries]) if journal else None,
        "facts": _json(one.facts),
        "source": one.source,
        "licence": one.licence or None,
    }


def _whole(counts: list[int | None]) -> int | None:
    """The sum, none where a part of it is not known."""
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _json(value: Any) -> str | None:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode() if value else None


def _turn(material: Material, number: int) -> Row:
    turn, boundary = material.dialogue.turns[number], material.dialogue.stage_boundary
    asked = material.asked[number]
    kinds = Counter(asked or [])
    state = turn.state
    appraisal = state.appraisal if state else None
    return {
        "dialogue": material.dialogue.id,
        "turn": number,
        "role": turn.role,
        "content": turn.content,
        "characters": len(turn.content),
        "stage": None if boundary is None else "listening" if number < boundary else "suggestion",
        "counted": None if asked is None else material.counted[number],
        "open_questions": None if asked is None else kinds["open"],
        "closed_questions": None if asked is None else kinds["closed"],
        "tag_questions": None if asked is None else kinds["tag"],
        "rhetorical_questions": None if asked is None else kinds["rhetorical"],
        "analysis": turn.thought.analysis if turn.thought else None,
        "strategy": turn.thought.strategy if turn.thought else None,
        "draft": turn.draft,
        "trust": state.trust if state else None,
        "unlocked": len(state.unlocked) if state else None,
        "newly": len(state.newly) if state else None,
        "accuracy": appraisal.accuracy if appraisal else None,
        "pressure": appraisal.pressure if appraisal else None,
        "calls": len(turn.calls),
        "scores": _json(turn.scores),
    }


def _whose(rating: Rating) -> Row:
    names = ("dialogue", "profile", "supporter", "sample", "scale", "judge", "vote", "prompt_sha")
    return {name: getattr(rating, name) for name in names}


def _items(rating: Rating, scale: Scale | None) -> Iterator[Row]:
    """The items as answered and the dimensions; of a scale that is missing whole, every item as missing."""
    whose, whole = _whose(rating), rating.missing.get("*")
    reverse = {item.id: item.reverse for item in scale.items} if scale else {}
    known = reverse if not rating.items and not rating.verdict and not rating.not_applicable else {}
    for name in dict.fromkeys([*known, *rating.items, *(name for name in rating.missing if name != "*")]):
        value = rating.items.get(name)
        why = None if value is not None else rating.missing.get(name) or whole or "not answered"
        yield {**whose, "kind": "item", "item": name, "value": value, "missing": why, "reverse": reverse.get(name)}
    for name, mean in rating.dimensions.items():
        why = None if mean is not None else whole or "an item is missing"
        yield {**whose, "kind": "dimension", "item": name, "value": mean, "missing": why, "reverse": None}


def _rating(rating: Rating) -> Row:
    verdict = rating.verdict
    return {
        **_whose(rating),
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
        "role": role_of(entry.place),
        "turn": turns.get(entry.place.key),
        "attempt": entry.place.attempt,
        "model": entry.model,
        "tokens_in": entry.tokens_in,
        "tokens_out": entry.tokens_out,
        "latency": entry.latency,
        "retries": entry.retries,
        "rung": entry.rung,
        "finish": entry.finish,
        "reply_characters": len(entry.text),
        "answered_at": entry.answered_at,
    }


def failure_row(failure: Failure) -> Row:
    """A failure's row."""
    return failure.model_dump(mode="json")
