"""JSON schemas in which every length is limited, so that a reply held to one comes to an end."""

import json
from typing import Any

from cocoon.core.errors import CocoonError

Schema = dict[str, Any]

STRING_CAP = 600
ARRAY_CAP = 32
OBJECT_CAP = 32
INTEGER_CAP = 10**9

_KEY = "^.{1,60}$"

_OF_NAMES = ("properties", "$defs", "definitions", "patternProperties")
_OF_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_OF_ONE = ("items", "additionalProperties")
_FIXED = ("enum", "const")


def schema_of(response_format: dict[str, Any] | None) -> Schema | None:
    """Return the schema that an OpenAI `response_format` asks for, with limits.

    It is None where the format asks for plain text. Raises CocoonError for an unknown format.
    """
    kind = (response_format or {}).get("type", "text")
    if response_format is None or kind == "text":
        return None
    if kind == "json_object":
        return _open_object(depth=2)
    if kind == "json_schema" and isinstance(response_format.get("json_schema", {}).get("schema"), dict):
        return bounded(response_format["json_schema"]["schema"])
    raise CocoonError(
        f"response_format {response_format!r} is not known; use json_schema (with a schema) or json_object"
    )


def bounded(schema: Schema) -> Schema:
    """Return a copy in which strings, arrays, integers and free-form objects without an upper limit have one.

    Limits that the schema states itself are kept. An object that lists its properties allows no others, unless it says
    that it does.
    """
    node = dict(schema)
    for key in _OF_NAMES:
        if isinstance(node.get(key), dict):
            node[key] = {name: _child(child) for name, child in node[key].items()}
    for key in _OF_LISTS:
        if isinstance(node.get(key), list):
            node[key] = [_child(child) for child in node[key]]
    for key in _OF_ONE:
        if node.get(key) is True or isinstance(node.get(key), dict):
            node[key] = _child(node[key])
    return node if any(key in node for key in _FIXED) else _bound_here(node)


def _child(schema: Schema | bool) -> Schema | bool:
    if schema is True or schema == {}:
        return _anything(depth=1)
    return bounded(schema) if isinstance(schema, dict) else schema


def _bound_here(node: Schema) -> Schema:
    kinds = node["type"] if isinstance(node.get("type"), list) else [node.get("type")]
    if "string" in kinds and "format" not in node:
        node.setdefault("maxLength", STRING_CAP)
    if "array" in kinds:
        node.setdefault("maxItems", max(ARRAY_CAP, node.get("minItems", 0)))
        if "prefixItems" not in node:
            node.setdefault("items", _anything(depth=1))
    if "integer" in kinds:
        _bound_integer(node)
    if "object" in kinds:
        node = _bound_object(node)
    return node


def _bound_integer(node: Schema) -> None:
    if "minimum" not in node and "exclusiveMinimum" not in node:
        node["minimum"] = -INTEGER_CAP
    if "maximum" not in node and "exclusiveMaximum" not in node:
        node["maximum"] = INTEGER_CAP


def _bound_object(node: Schema) -> Schema:
    if "properties" in node or "patternProperties" in node:
        return {"additionalProperties": False, **node}
    values = node.get("additionalProperties", {})
    return node if values is False else {"maxProperties": OBJECT_CAP, **node, **_free_members(values)}


def _open_object(depth: int) -> Schema:
    return {"type": "object", "maxProperties": OBJECT_CAP, **_free_members(_anything(depth))}


def _free_members(values: Schema) -> Schema:
    """Return members of any name with a limited length, which the engine can limit only by a pattern."""
    return {"patternProperties": {_KEY: values or _anything(depth=0)}, "additionalProperties": False}


def _anything(depth: int) -> Schema:
    choices: list[Schema] = [
        {"type": "string", "maxLength": STRING_CAP},
        {"type": "number"},
        {"type": "boolean"},
        {"type": "null"},
    ]
    if depth > 0:
        choices.append({"type": "array", "maxItems": ARRAY_CAP, "items": _anything(depth - 1)})
        choices.append(_open_object(depth - 1))
    return {"anyOf": choices}


def smallest(schema: Schema, root: Schema | None = None, depth: int = 0) -> Any:
    """Return about the shortest value that the schema allows, which a reply that must close has still to write."""
    root = schema if root is None else root
    if depth > 20 or not isinstance(schema, dict):
        return None
    if "const" in schema or "enum" in schema:
        return min([schema["const"]] if "const" in schema else schema["enum"], key=_length)
    if "$ref" in schema:
        return smallest(_follow(schema["$ref"], root), root, depth + 1)
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return min((smallest(child, root, depth + 1) for child in schema[key]), key=_length)
    return _smallest_of_kind(schema, root, depth)


def _smallest_of_kind(schema: Schema, root: Schema, depth: int) -> Any:
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        children = schema.get("properties", {})
        return {key: smallest(children.get(key, {}), root, depth + 1) for key in schema.get("required", [])}
    if kind == "array":
        return [smallest(schema.get("items", {}), root, depth + 1)] * schema.get("minItems", 0)
    plain = {"string": "x" * schema.get("minLength", 0), "integer": schema.get("minimum", 0), "number": 0}
    return plain.get(kind or "", False)


def _follow(reference: str, root: Schema) -> Schema:
    node: Any = root
    for name in reference.removeprefix("#").strip("/").split("/"):
        node = node.get(name, {}) if name and isinstance(node, dict) else node
    return node


def _length(value: Any) -> int:
    return len(json.dumps(value))
