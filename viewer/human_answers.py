"""What counts as an answer to an item, whether it comes from a page or from a file."""

from collections.abc import Sequence

from cocoon.core.errors import CocoonError
from cocoon.evaluation.preference import TIE
from cocoon.viewer.human_items import Item, LikertItem, Material
from cocoon.viewer.human_store import DONE, SKIPPED

PREFERENCES = ("first", "second", TIE)


class RefusedError(CocoonError):
    """Something a page or a file holds that cannot be: no item of this rater, or no answer to it."""


def keys_of(material: Material, item: Item) -> list[str]:
    """All that is asked about an item: `basic:3` for item 3 of a scale, or a comparison's question."""
    if isinstance(item, LikertItem):
        return [f"{scale.id}:{name}" for scale in material.scales for name in scale.item_ids]
    return [question.id for question in material.questions.questions]


def check(material: Material, item: Item, key: object, value: object) -> None:
    """Raise RefusedError unless `value` is an answer to `key`: a whole number in range or none, or a preference."""
    known = isinstance(key, str) and key in keys_of(material, item)
    if not known or not any(value is one or _same(value, one) for one in _values(material, item, str(key))):
        raise RefusedError(f"{str(value)[:40]!r} is no answer to {str(key)[:40]!r}")


def check_mark(key: str, value: object) -> None:
    """Raise RefusedError unless `done` or `skipped` is true."""
    if key not in (DONE, SKIPPED) or value is not True:
        raise RefusedError(f"{str(value)[:40]!r} is no answer to {key[:40]!r}; it is true")


def _same(value: object, one: object) -> bool:
    # true and 1.0 are equal to 1, but no answers.
    return type(value) is type(one) and value == one


def _values(material: Material, item: Item, key: str) -> Sequence[object]:
    if not isinstance(item, LikertItem):
        return PREFERENCES
    scale = next(one for one in material.scales if one.id == key.partition(":")[0])
    return [None, *range(scale.range[0], scale.range[1] + 1)]
