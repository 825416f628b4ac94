"""Decide what counts as an answer to an item, whether it comes from a page or from a file."""

from collections.abc import Sequence

from cocoon.core.errors import CocoonError
from cocoon.evaluation.statistics.preference import TIE
from cocoon.human.items import Item, LikertItem, Material
from cocoon.human.store import DONE, SKIPPED

PREFERENCES = ("first", "second", TIE)


class InvalidAnswerError(CocoonError):
    """A page or a file has something invalid: an item of another rater, or a value that does not answer the item."""


def keys_of(material: Material, item: Item) -> list[str]:
    """Return the keys of all questions about an item.

    A key is `basic:3` for item 3 of a scale, or the id of a comparison question.
    """
    if isinstance(item, LikertItem):
        return [f"{scale.id}:{name}" for scale in material.scales for name in scale.item_ids]
    return [question.id for question in material.questions.questions]


def check_answer(material: Material, item: Item, key: object, value: object) -> None:
    """Raise RefusedError unless `value` is an answer to `key`: a whole number in range, None, or a preference."""
    known = isinstance(key, str) and key in keys_of(material, item)
    if not known or not any(value is answer or _same(value, answer) for answer in _values(material, item, str(key))):
        raise InvalidAnswerError(f"{str(value)[:40]!r} is not an answer to {str(key)[:40]!r}")


def check_mark(key: str, value: object) -> None:
    """Raise RefusedError unless `value` is true and the key is `done` or `skipped`."""
    if key not in (DONE, SKIPPED) or value is not True:
        raise InvalidAnswerError(f"{str(value)[:40]!r} is not an answer to {key[:40]!r}; the only answer is true")


def _same(value: object, answer: object) -> bool:
    # True and 1.0 are equal to 1, but they are not answers.
    return type(value) is type(answer) and value == answer


def _values(material: Material, item: Item, key: str) -> Sequence[object]:
    if not isinstance(item, LikertItem):
        return PREFERENCES
    scale = next(scale for scale in material.scales if scale.id == key.partition(":")[0])
    return [None, *range(scale.range[0], scale.range[1] + 1)]
