"""Rating scales: shown to a judge, read item by item, keyed and scored.

A scale is data (`prompts/scales/<id>.yaml`). Licensed wording comes from a file of the user's own with the same keys.
An item that was not answered is missing with a reason, and a dimension with a missing item has no value.
"""

import functools
import random
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from cocoon.core.answers import Missing, TypedAnswer, variant_of, worded
from cocoon.core.errors import CocoonError
from cocoon.core.records import Language
from cocoon.evaluation.scales.files import load_scale, shipped_scales
from cocoon.evaluation.scales.records import Dimension, Scale, ScaleItem, Variant

__all__ = [
    "CANNOT_TELL",
    "Dimension",
    "Scale",
    "ScaleAnswer",
    "ScaleItem",
    "Variant",
    "load_scale",
    "permuted",
    "prompt_inputs",
    "read_items",
    "read_value",
    "scale_answer",
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


class ItemAnswers(TypedAnswer):
    """What a judge answered to each item of a scale. One that cannot be used is missing by itself, with the reason."""

    def by_id(self) -> dict[str, int | Missing]:
        """Return the answers by the id of their item."""
        return {str(field.alias): getattr(self, name) for name, field in type(self).model_fields.items()}


class ScaleAnswer(TypedAnswer):
    """A judge's answer to a whole scale."""

    items: ItemAnswers


def scale_answer(scale: Scale) -> type[ScaleAnswer]:
    """Return the form of an answer to a scale: every item an integer in range, or null for 'cannot tell'."""
    return _scale_answer(tuple(scale.item_ids), *scale.range)


@functools.cache
def _scale_answer(item_ids: Sequence[str], low: int, high: int) -> type[ScaleAnswer]:
    value = Annotated[Annotated[int, Field(ge=low, le=high)] | None, WrapValidator(_read_item)]
    # An id may be any text, so it is the key and not the name of the field.
    fields: dict[str, Any] = {
        f"item_{number}": (value, Field(alias=item, default_factory=lambda: Missing("not answered")))
        for number, item in enumerate(item_ids)
    }
    items = variant_of(ItemAnswers, **fields)
    whole = Annotated[items, worded("no object of items in the answer")]
    return variant_of(ScaleAnswer, items=(whole, Field(None, validate_default=True)))


def _read_item(raw: object, read: ValidatorFunctionWrapHandler) -> int | Missing:
    try:
        value = read(_as_integer(raw))
    except ValidationError as error:
        outside = error.errors()[0]["type"] in ("greater_than_equal", "less_than_equal")
        return Missing("outside the range" if outside else "not a whole number")
    return Missing(CANNOT_TELL) if value is None else value


def _as_integer(raw: object) -> object:
    # Not int(raw), because that turns 6.5 into 6. 6.0 is an integer by JSON Schema, and so it is here.
    if isinstance(raw, float) and raw.is_integer():
        return int(raw)
    return int(raw) if isinstance(raw, str) and _DIGITS.fullmatch(raw) else raw


def read_items(scale: Scale, answer: ScaleAnswer) -> tuple[dict[str, int | None], dict[str, str]]:
    """Return the values of an answer by item id, and the reasons why others are missing, both in the scale's order.

    Each item is read only under its own key, so an omitted or added item does not shift the others.
    """
    answers = answer.items.by_id()
    ordered = {item: answers[item] for item in scale.item_ids}
    values = {item: None if isinstance(value, Missing) else value for item, value in ordered.items()}
    return values, {item: value.reason for item, value in ordered.items() if isinstance(value, Missing)}


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
