"""JSON schemas in which every length is limited, so that a reply held to one comes to an end."""

import json
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.models.request_errors import RefusedError

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
_COUNTS = ("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties")
_LISTS = (*_OF_LISTS, "enum", "required")
_ANY: Schema = {}
SHORTEST_CAP = 20_000


def requested_schema(response_format: dict[str, Any] | None) -> Schema | None:
    """Return the schema that an OpenAI `response_format` asks for, with limits.

    It is None where the format asks for plain text. Raises CocoonError for an unknown format.
    """
    kind = (response_format or {}).get("type", "text")
    if response_format is None or kind == "text":
        return None
    if kind == "json_object":
        return _open_object(depth=2)
    named = response_format.get("json_schema")
    if kind == "json_schema" and isinstance(named, dict) and isinstance(named.get("schema"), dict):
        return bounded(named["schema"])
    raise CocoonError(
        f"response_format {response_format!r} is not known; use json_schema (with a schema) or json_object"
    )


def bounded(schema: Schema) -> Schema:
    """Return a copy in which strings, arrays, integers and free-form objects without an upper limit have one.

    Limits that the schema states itself are kept. An object that lists its properties allows no others, unless it says
    that it does. Raises RefusedError for a keyword whose value is of another kind than JSON Schema says.
    """
    _check_keywords(schema)
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


def _check_keywords(node: Schema) -> None:
    """Refuse what the functions below could not read. What else is wrong with a schema the engine says."""
    for key in _COUNTS:
        if not (isinstance(node.get(key, 0), int) and node.get(key, 0) >= 0):
            raise _unreadable(key, "a whole number from 0")
    for key in _OF_NAMES:
        if not isinstance(node.get(key, _ANY), dict):
            raise _unreadable(key, "an object")
    for key in _LISTS:
        if key in node and not (isinstance(node[key], list) and (node[key] or key == "required")):
            raise _unreadable(key, "a list")
    if not all(isinstance(name, str) for name in [*node.get("required", []), node.get("$ref", "")]):
        raise _unreadable("required and $ref", "names")


def _unreadable(key: str, kind: str) -> RefusedError:
    return RefusedError(400, f"this schema cannot be enforced: {key} must be {kind}")


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


def shortest_reply(schema: Schema) -> str:
    """Return about the shortest JSON text that a schema allows, which a reply that must close has still to write.

    Raises RefusedError where that has more than `SHORTEST_CAP` characters, which no reply has room for.
    """
    return _ShortestReply(schema).text(schema, 0)


class _ShortestReply:
    """Finds the text of each part of a schema once for each depth, however often the schema refers to itself."""

    def __init__(self, root: Schema) -> None:
        self._root = root
        self._texts: dict[tuple[int, int], str] = {}

    def text(self, schema: Any, depth: int) -> str:
        if depth > 20 or not isinstance(schema, dict):
            return "null"
        part = id(schema), depth
        if part not in self._texts:
            self._texts[part] = _within_cap(self._find(schema, depth))
        return self._texts[part]

    def _find(self, schema: Schema, depth: int) -> str:
        if "const" in schema or "enum" in schema:
            values = [schema["const"]] if "const" in schema else schema["enum"]
            return min((json.dumps(value, ensure_ascii=False) for value in values), key=_size)
        if "$ref" in schema:
            return self.text(_follow(schema["$ref"], self._root), depth + 1)
        for key in ("anyOf", "oneOf"):
            if key in schema:
                return min((self.text(child, depth + 1) for child in schema[key]), key=_size)
        return self._of_kind(schema, depth)

    def _of_kind(self, schema: Schema, depth: int) -> str:
        kinds = schema["type"] if isinstance(schema.get("type"), list) else [schema.get("type")]
        kind = next(iter(kinds), None)
        if kind == "object":
            children = schema.get("properties", {})
            members = [
                f"{json.dumps(name, ensure_ascii=False)}: {self.text(children.get(name, _ANY), depth + 1)}"
                for name in schema.get("required", [])
            ]
            return "{" + ", ".join(members) + "}"
        if kind == "array":
            count = schema.get("minItems", 0)
            item = self.text(schema.get("items", _ANY), depth + 1) if count else ""
            return "[" + ", ".join(_repeated([item], count)) + "]"
        if kind == "string":
            return '"' + "".join(_repeated("x", schema.get("minLength", 0))) + '"'
        return {"integer": json.dumps(schema.get("minimum", 0)), "number": "0"}.get(kind or "", "false")


def _repeated(part: Any, count: int) -> Any:
    if count > SHORTEST_CAP:
        raise _too_long()
    return part * count


def _within_cap(text: str) -> str:
    if len(text) > SHORTEST_CAP:
        raise _too_long()
    return text


def _too_long() -> RefusedError:
    return RefusedError(400, f"this schema cannot be enforced: its shortest reply has over {SHORTEST_CAP:,} characters")


def _follow(reference: str, root: Schema) -> Any:
    node: Any = root
    for name in reference.removeprefix("#").strip("/").split("/"):
        node = node.get(name, _ANY) if name and isinstance(node, dict) else node
    return node


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
