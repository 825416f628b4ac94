"""Rating scales: shown to a judge, read item by item, keyed and scored.

A scale is data (`prompts/scales/<id>.yaml`). Licensed wording comes from a file of the user's own with the same keys.
An item that was not answered is missing with a reason, and a dimension with a missing item has no value.
"""

import random
import re
from collections.abc import Mapping
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.core.records import Language
from cocoon.evaluation.scales.files import load_scale, shipped_scales
from cocoon.evaluation.scales.records import Dimension, Scale, ScaleItem, Variant

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
    """Return the scale's part of the inputs of prompt `judge/scale`: instruction, items, anchors, low, high.

    Raises CocoonError for a language that the scale lacks.
    """
    if language not in scale.languages:
        raise CocoonError(
            f"Scale {scale.id!r} has no {language!r} wording (it has {', '.join(scale.languages)}). "
            f"Add {language} texts to its file, or judge dialogues in a language that it has"
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
    """Return the scale with its items in the order in which a vote asks them. Vote 0 keeps the scale's own order.

    An order depends only on the scale's id and the vote. The `sha` of the returned scale is different, so identify
    ratings by the original scale.
    """
    if vote == 0:
        return scale
    items = list(scale.items)
    random.Random(f"{scale.id} {vote}").shuffle(items)
    return scale.model_copy(update={"items": items})


def schema(scale: Scale) -> dict[str, Any]:
    """Return the JSON schema of the judge's answer: every item an integer in range, or null for 'cannot tell'."""
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
    """Return the values of a parsed JSON answer by item id, and the reasons why others are missing.

    Each item is read only under its own key, so an omitted or added item does not shift the others. When the answer as
    a whole cannot be read, every item is None and the reason is listed once, under `*`.
    """
    answers = answer.get("items") if isinstance(answer, dict) else None
    if not isinstance(answers, dict):
        return dict.fromkeys(scale.item_ids), {"*": "no object of items in the answer"}
    values: dict[str, int | None] = {}
    missing: dict[str, str] = {}
    for item in scale.item_ids:
        value, reason = _read_answer(answers[item], scale.range) if item in answers else (None, "not answered")
        values[item] = value
        if reason:
            missing[item] = reason
    return values, missing


def read_value(scale: Scale, reply: str) -> tuple[int | None, str]:
    """Return the value of a reply that is only a number, or (None, why not).

    No value is searched for in a longer text.
    """
    text = reply.strip()
    value = int(text) if _DIGITS.fullmatch(text) else None
    low, high = scale.range
    if value is None or not low <= value <= high or str(value) != text:
        return None, f"not one of {', '.join(map(str, range(low, high + 1)))}" if text else "empty reply"
    return value, ""


def _read_answer(raw: object, allowed: tuple[int, int]) -> tuple[int | None, str]:
    """Return one answer as (value, "") or (None, why not)."""
    if raw is None:
        return None, CANNOT_TELL
    number = _as_integer(raw)
    if number is None:
        return None, "not a whole number"
    if not allowed[0] <= number <= allowed[1]:
        return None, "outside the range"
    return number, ""


def _as_integer(raw: object) -> int | None:
    # Not int(raw), because that turns 6.5 into 6 and true into 1. 6.0 is an integer by JSON Schema, and so it is here.
    if isinstance(raw, bool):
        return None
    if isinstance(raw, float):
        return int(raw) if raw.is_integer() else None
    if isinstance(raw, str):
        return int(raw) if _DIGITS.fullmatch(raw) else None
    return raw if isinstance(raw, int) else None


def score(scale: Scale, items: Mapping[str, int | None]) -> dict[str, float | None]:
    """Return dimension id -> mean of its keyed items times `multiply`.

    The mean is None when any of the items is missing.
    """
    return {dimension.id: _keyed_mean(scale, dimension, items) for dimension in scale.dimensions}


def score_variant(scale: Scale, variant: str, items: Mapping[str, int | None]) -> dict[str, float | None]:
    """Score like `score`, by the dimensions of the scale's variant with that id."""
    for keying in scale.variants:
        if keying.id == variant:
            return {dimension.id: _keyed_mean(scale, dimension, items) for dimension in keying.dimensions}
    known = ", ".join(repr(keying.id) for keying in scale.variants) or "none"
    raise CocoonError(f"Scale {scale.id!r} has no variant {variant!r}. Its variants: {known}")


def _keyed_mean(scale: Scale, dimension: Dimension, items: Mapping[str, int | None]) -> float | None:
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
