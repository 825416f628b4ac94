"""Instances of a JSON schema drawn by a seeded generator, valid ones and broken ones.

Keywords honoured: $ref (local), const, enum, anyOf/oneOf, allOf, type (also a list), minimum/maximum (also
exclusive), minLength/maxLength, items, prefixItems, minItems/maxItems, properties. Not: `pattern`, `format`.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cocoon.benchmarks.endpoint.words import sentences

Schema = dict[str, Any]
NULL_SHARE = 0.02
QUOTE_LENGTH = 60
_WAYS: dict[str, list[str | None]] = {
    "supporter": ["after_reflection", "after_question"],
    "user": ["after_reflection", "after_question", "volunteered", "leaked"],
}
_LINE = re.compile(r"^\[(\d+)\]\s*(User|Supporter|用户|支持者)\s*[:：]\s*(\S.*?)\s*$", re.MULTILINE)
_ROLES = {"User": "user", "用户": "user", "Supporter": "supporter", "支持者": "supporter"}


@dataclass(frozen=True, slots=True)
class Line:
    """One numbered line of a transcript that stands in a prompt."""

    number: int
    role: str
    text: str


def transcript_lines(text: str) -> list[Line]:
    """Every line of the form `[3] User: ...` or `[3] 用户：...`."""
    return [Line(int(number), _ROLES[role], words) for number, role, words in _LINE.findall(text)]


@dataclass(frozen=True, slots=True)
class Instances:
    """Draws values for the schema `root`; quotes are cut from `lines`."""

    draw: random.Random
    root: Schema
    lines: list[Line]
    chinese: bool

    def value(self, schema: Schema) -> Any:
        """A valid value of the schema."""
        schema = self.resolve(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._one_of(schema["enum"], [each for each in schema["enum"] if each is None])
        if options := schema.get("anyOf") or schema.get("oneOf"):
            return self.value(self._one_of(options, [each for each in options if each.get("type") == "null"]))
        return self._typed(schema)

    def resolve(self, schema: Schema) -> Schema:
        """Follow a local `$ref` and merge `allOf`."""
        while "$ref" in schema:
            found: Any = self.root
            for step in schema["$ref"].removeprefix("#").strip("/").split("/"):
                found = found[step]
            schema = found
        for part in schema.get("allOf", []):
            schema = {**self.resolve(part), **{key: kept for key, kept in schema.items() if key != "allOf"}}
        return schema

    def _one_of(self, options: list[Any], nulls: list[Any]) -> Any:
        others = [each for each in options if each not in nulls]
        if nulls and (not others or self.draw.random() < NULL_SHARE):
            return nulls[0]
        return self.draw.choice(others)

    def _typed(self, schema: Schema) -> Any:
        kinds = schema.get("type", "object" if "properties" in schema else "string")
        kind = kinds if isinstance(kinds, str) else self._one_of(kinds, [each for each in kinds if each == "null"])
        match kind:
            case "object":
                return self._object(schema)
            case "array":
                return self._array(schema)
            case "integer":
                return self.draw.randint(*integer_range(schema))
            case "number":
                low = schema.get("minimum", 0)
                return round(self.draw.uniform(low, schema.get("maximum", low + 1)), 3)
            case "boolean":
                return self.draw.random() < 0.5
            case "null":
                return None
        return self._text(schema)

    def _text(self, schema: Schema) -> str:
        low, high = schema.get("minLength", 0), schema.get("maxLength")
        return sentences(self.draw, max(40, 4 * low), self.chinese)[: high if high is not None else None]

    def _array(self, schema: Schema) -> list[Any]:
        fixed = [self.value(each) for each in schema.get("prefixItems", [])]
        low = schema.get("minItems", 0 if fixed else 1)
        count = self.draw.randint(low, max(low, min(schema.get("maxItems", low + 2), low + 2)))
        return fixed + [self.value(schema.get("items") or {}) for _ in range(count - len(fixed))]

    def _object(self, schema: Schema) -> dict[str, Any]:
        made = {name: self.value(each) for name, each in schema.get("properties", {}).items()}
        if isinstance(made.get("quote"), str) and self.lines:
            self._cite(made)
        return made

    def _cite(self, made: dict[str, Any]) -> None:
        named = [line for line in self.lines if line.role == made.get("named_by")]
        line = self.draw.choice(named or self.lines)
        made["quote"] = line.text[:QUOTE_LENGTH].strip()
        if "turn" in made:
            made["turn"] = line.number
        if "how" in made:
            # A verdict that contradicts itself would be asked again, which is for the faults to bring about.
            ways = _WAYS.get(made.get("named_by") or "nobody", [])
            made["how"] = made["how"] if made["how"] in ways else self.draw.choice(ways or [None])

    def break_(self, made: Any, schema: Schema) -> Any:
        """The instance with one thing wrong: a key lost, a number out of range, or a wrong type."""
        spots = list(self._spots(made, schema))
        lost = [spot for spot in spots if spot.required]
        beyond = [spot for spot in spots if spot.maximum is not None]
        kind = self.draw.randrange(3)
        if not spots:
            return {"unexpected": [made]}
        if kind == 0 and lost:
            spot = self.draw.choice(lost)
            del spot.holder[spot.key]
        elif kind == 1 and beyond:
            spot = self.draw.choice(beyond)
            spot.holder[spot.key] = int(spot.maximum or 0) + self.draw.randint(1, 90)
        else:
            spot = self.draw.choice(spots)
            spot.holder[spot.key] = [{"unexpected": spot.holder[spot.key]}]
        return made

    def _spots(self, made: Any, schema: Schema) -> Iterator["_Spot"]:
        schema = self.resolve(schema)
        properties = schema.get("properties", {}) if isinstance(made, dict) else {}
        for key, inner in properties.items():
            inner = self.resolve(inner)
            options = [self.resolve(each) for each in inner.get("anyOf", [inner])]
            tops = [each["maximum"] for each in options if "maximum" in each]
            yield _Spot(made, key, key in schema.get("required", []), max(tops) if tops else None)
            yield from self._spots(made[key], inner)


@dataclass(frozen=True, slots=True)
class _Spot:
    """One place of an instance that can be spoilt."""

    holder: dict[str, Any]
    key: str
    required: bool
    maximum: float | None


def integer_range(schema: Schema) -> tuple[int, int]:
    """Inclusive bounds; ten values from the lower bound where the schema leaves the upper end open."""
    low = schema["exclusiveMinimum"] + 1 if "exclusiveMinimum" in schema else schema.get("minimum", 0)
    high = schema["exclusiveMaximum"] - 1 if "exclusiveMaximum" in schema else schema.get("maximum", low + 9)
    return int(low), int(high)
