"""What a rating scale consists of: items, range, keying, dimensions and their variants."""

import hashlib
import json
from collections.abc import Sequence
from typing import Literal, Self

from pydantic import ConfigDict, Field, model_validator

from cocoon.core.records import Language, Record


class _ScaleRecord(Record):
    """Base of the records of a scale. Ids may be numbers (`id: 1`), since YAML reads an unquoted 1 as a number."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class Wording(_ScaleRecord):
    """One text in the available languages. A user's own file may have only one language."""

    zh: str | None = Field(default=None, min_length=1)
    en: str | None = Field(default=None, min_length=1)


class Anchors(_ScaleRecord):
    """What the values mean, per language: value -> text. Values without an anchor are allowed."""

    zh: dict[int, str] | None = None
    en: dict[int, str] | None = None


class ScaleItem(_ScaleRecord):
    """One statement. `reverse` items are keyed as low + high - answer."""

    id: str = Field(min_length=1)
    reverse: bool = False
    zh: str | None = Field(default=None, min_length=1)
    en: str | None = Field(default=None, min_length=1)


class Dimension(_ScaleRecord):
    """The mean of some keyed items, times `multiply`. `label` heads its column in tables."""

    id: str = Field(min_length=1)
    label: str = Field(min_length=1)
    items: list[str] = Field(min_length=1)
    better: Literal["higher", "lower"] = "higher"
    multiply: float = Field(default=1, gt=0, allow_inf_nan=False)


class Variant(_ScaleRecord):
    """Another way to score the same answers, reported beside the scale and never instead of it."""

    id: str = Field(min_length=1)
    note: str = ""
    dimensions: list[Dimension] = Field(min_length=1)


class Scale(_ScaleRecord):
    """A rating scale. `range` is (low, high) of an answer. `missing: strict` is the only rule that exists.

    `wording` says whose words the items are: our own, or the licensed words that a user loaded. `needs_need`: the items
    cannot be judged without the profile's need. `ask`: all items in one call that answers JSON (`together`), or each in
    a call of its own that answers only the number (`each`), for scorers that can do nothing else.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    name: Wording
    source: str = ""
    licence: str = ""
    wording: Literal["own", "licensed"]
    range: tuple[int, int]
    missing: Literal["strict"] = "strict"
    needs_need: bool = False
    ask: Literal["together", "each"] = "together"
    instruction: Wording
    anchors: Anchors = Field(default_factory=Anchors)
    items: list[ScaleItem] = Field(min_length=1)
    dimensions: list[Dimension] = Field(min_length=1)
    variants: list[Variant] = Field(default_factory=list)

    @property
    def item_ids(self) -> list[str]:
        """Return the item ids in the order in which they are asked."""
        return [item.id for item in self.items]

    @property
    def languages(self) -> list[Language]:
        """Return the languages in which this scale can be asked."""
        supported: tuple[Language, Language] = ("zh", "en")
        return [language for language in supported if getattr(self.instruction, language)]

    @property
    def sha(self) -> str:
        """Return the first 12 hex digits of the content's SHA-256.

        Another wording or keying gives other scores, so it has another hash.
        """
        # `ask` was added later: scales that do not set it keep the hash of earlier ratings.
        unset_fields = {"ask"} if self.ask == "together" else set[str]()
        content = json.dumps(self.model_dump(mode="json", exclude=unset_fields), ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:12]

    @model_validator(mode="after")
    def _range_and_anchors_agree(self) -> Self:
        low, high = self.range
        if low >= high:
            raise ValueError(f"range [{low}, {high}] must rise from low to high")
        for language in ("zh", "en"):
            for value in getattr(self.anchors, language) or {}:
                if not low <= value <= high:
                    raise ValueError(f"anchors.{language}: value {value} lies outside the range [{low}, {high}]")
        return self

    @model_validator(mode="after")
    def _every_text_is_there(self) -> Self:
        if not self.languages:
            raise ValueError("instruction has no text; give zh, en or both")
        for language in self.languages:
            for item in self.items:
                if not getattr(item, language):
                    raise ValueError(f"item {item.id!r} has no {language} text although the instruction has")
        return self

    @model_validator(mode="after")
    def _ids_are_known_and_single(self) -> Self:
        _check_unique("item", self.item_ids)
        _check_unique("variant", [variant.id for variant in self.variants])
        for dimensions in [self.dimensions, *(variant.dimensions for variant in self.variants)]:
            _check_unique("dimension", [dimension.id for dimension in dimensions])
            for dimension in dimensions:
                _check_items_known(dimension, self.item_ids)
        return self


def _check_items_known(dimension: Dimension, items: Sequence[str]) -> None:
    _check_unique(f"dimension {dimension.id!r}: item", dimension.items)
    unknown = [item for item in dimension.items if item not in items]
    if unknown:
        raise ValueError(f"dimension {dimension.id!r} names item {unknown[0]!r}, which the scale lacks")


def _check_unique(what: str, ids: Sequence[str]) -> None:
    repeated = sorted({name for name in ids if ids.count(name) > 1})
    if repeated:
        raise ValueError(f"{what} id {repeated[0]!r} occurs more than once")
