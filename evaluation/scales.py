"""Rating scales: shown to a judge, read item by item, keyed and scored.

A scale is data (`prompts/scales/<id>.yaml`); licensed wording comes from a file of the user's own with the
same keys. An item that was not answered is missing with a reason, and a dimension with a missing item has
no value.
"""

import random
import re
from collections.abc import Mapping
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.core.records import Language
from cocoon.evaluation.scale_files import load_scale, shipped_scales
from cocoon.evaluation.scale_records import Dimension, Scale, ScaleItem, Variant

__all__ = [
    "CANNOT_TELL",
    "Dimension",
    "Scale",
    "ScaleItem",
    "Variant",
    "load_scale",
    "permuted",
    "prompt_inputs",
    "read_items",
    "read_value",
    "schema",
    "score",
    "score_variant",
    "shipped_scales",
]

CANNOT_TELL = "cannot tell"
_DIGITS = re.compile(r"[0-9]{1,4}")


def prompt_inputs(scale: Scale, language: Language) -> dict[str, Any]:
    """The scale's part of the inputs of prompt `judge/scale`: instruction, items, anchors, low, high."""
    if language not in scale.languages:
        raise CocoonError(
            f"Scale {scale.id!r} has no {language!r} wording (it has {', '.join(scale.languages)}); "
            f"add {language} texts to its file or judge dialogues in a language it has"
        )
    anchors: Mapping[int, str] = getattr(scale.anchors, language) or {}
    return {
        "instruction": getattr(scale.instruction, language),
        "items": [{"id": item.id, "text": getattr(item, language)} for item in scale.items],
        "anchors": [{"value": value, "text": anchors[value]} for value in sorted(anchors)],
        "low": scale.range[0],
        "high": scale.range[1],
    }


def permuted(scale: Scale, vote: int) -> Scale:
    """The scale with its items in the order in which a vote asks them; vote 0 keeps the scale's own.

    An order depends on the scale's id and the vote alone. Its `sha` is another one: identify by the scale as it is.
    """
    if vote == 0:
        return scale
    items = list(scale.items)
    random.Random(f"{scale.id} {vote}").shuffle(items)
    return scale.model_copy(update={"items": items})


def schema(scale: Scale) -> dict[str, Any]:
    """JSON schema of the judge's answer: every item an integer in range, or null for 'cannot tell'."""
    low, high = scale.range
    value = {"anyOf": [{"type": "integer", "minimum": low, "maximum": high}, {"type": "null"}]}
    items = {
        "type": "object",
        "properties": dict.fromkeys(scale.item_ids, value),
        "required": scale.item_ids,
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"items": items},
        "required": ["items"],
        "additionalProperties": False,
    }


def read_items(scale: Scale, answer: object) -> tuple[dict[str, int | None], dict[str, str]]:
    """Values of a parsed JSON answer by item id, and why others are missing.

    Each item is read under its own key alone, so an omitted or added item moves no other. When the answer
    as a whole cannot be read, every item is none and the reason stands once, under `*`.
    """
    given = answer.get("items") if isinstance(answer, dict) else None
    if not isinstance(given, dict):
        return dict.fromkeys(scale.item_ids), {"*": "no object of items in the answer"}
    values: dict[str, int | None] = {}
    missing: dict[str, str] = {}
    for item in scale.item_ids:
        value, reason = _read(given[item], scale.range) if item in given else (None, "not answered")
        values[item] = value
        if reason:
            missing[item] = reason
    return values, missing


def read_value(scale: Scale, reply: str) -> tuple[int | None, str]:
    """The value that a bare reply is, or (none, why not): nothing is searched for in a longer text."""
    said = reply.strip()
    value = int(said) if _DIGITS.fullmatch(said) else None
    low, high = scale.range
    if value is None or not low <= value <= high or str(value) != said:
        return None, f"not one of {', '.join(map(str, range(low, high + 1)))}" if said else "empty reply"
    return value, ""


def _read(raw: object, allowed: tuple[int, int]) -> tuple[int | None, str]:
    """One answer as (value, "") or (none, why not)."""
    if raw is None:
        return None, CANNOT_TELL
    number = _integer(raw)
    if number is None:
        return None, "not a whole number"
    if not allowed[0] <= number <= allowed[1]:
        return None, "outside the range"
    return number, ""


def _integer(raw: object) -> int | None:
    # Not int(raw): that turns 6.5 into 6 and true into 1. 6.0 is an integer by JSON Schema, and so here.
    if isinstance(raw, bool):
        return None
    if isinstance(raw, float):
        return int(raw) if raw.is_integer() else None
    if isinstance(raw, str):
        return int(raw) if _DIGITS.fullmatch(raw) else None
    return raw if isinstance(raw, int) else None


def score(scale: Scale, items: Mapping[str, int | None]) -> dict[str, float | None]:
    """Dimension id -> mean of its keyed items times `multiply`; none when any of its items is missing."""
    return {dimension.id: _mean(scale, dimension, items) for dimension in scale.dimensions}


def score_variant(scale: Scale, variant: str, items: Mapping[str, int | None]) -> dict[str, float | None]:
    """As `score`, by the dimensions of the scale's variant of that id."""
    for one in scale.variants:
        if one.id == variant:
            return {dimension.id: _mean(scale, dimension, items) for dimension in one.dimensions}
    known = ", ".join(repr(one.id) for one in scale.variants) or "none"
    raise CocoonError(f"Scale {scale.id!r} has no variant {variant!r}; it has {known}")


def _mean(scale: Scale, dimension: Dimension, items: Mapping[str, int | None]) -> float | None:
    reverse = {item.id for item in scale.items if item.reverse}
    low, high = scale.range
    total = 0
    for item in dimension.items:
        value = items.get(item)
        if value is None:
            return None
        if not low <= value <= high:
            raise ValueError(f"item {item!r} of scale {scale.id!r} has value {value!r} outside [{low}, {high}]")
        total += low + high - value if item in reverse else value
    return total / len(dimension.items) * dimension.multiply
