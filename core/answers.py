"""Typed answers: every structured reply is a pydantic model, and its JSON schema is what the model is sent.

Why unknown keys are passed over, and why lengths are asked for and not enforced: docs/decisions/typed-answers.md.
"""

import functools
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    GetJsonSchemaHandler,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    create_model,
)
from pydantic_core import CoreSchema, PydanticCustomError

from cocoon.core.text import printable_line

_WORDED = "worded"
# What pydantic adds for readers of the schema, and what is written anew here.
_LEFT_OUT = {"title", "description", "default", "$defs", "properties", "required"}


@dataclass(frozen=True)
class Missing:
    """There is no rating or answer, and why."""

    reason: str


class TypedAnswer(BaseModel):
    """Base of every structured reply. Values are read strictly, so nothing is converted or guessed."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


AnswerT = TypeVar("AnswerT", bound=TypedAnswer)


@dataclass(frozen=True)
class Longest:
    """The greatest length of a text, in characters. The model is told it, and a longer text is read all the same."""

    characters: int

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(schema) | {"maxLength": self.characters}


def otherwise(value: object) -> WrapValidator:
    """Return a validator that reads `value` where the reply holds nothing that can be read."""

    def read(raw: object, handler: ValidatorFunctionWrapHandler) -> object:
        try:
            return handler(raw)
        except ValidationError:
            return value

    return WrapValidator(read)


def worded(problem: str) -> WrapValidator:
    """Return a validator that reports `problem` where a value cannot be read, in place of pydantic's words."""

    def read(raw: object, handler: ValidatorFunctionWrapHandler) -> object:
        try:
            return handler(raw)
        except ValidationError:
            raise PydanticCustomError(_WORDED, "{problem}", {"problem": problem}) from None

    return WrapValidator(read)


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


def _not_empty(text: str) -> str:
    if not text:
        raise PydanticCustomError("empty_text", "a text is needed")
    return text


Line = Annotated[str, AfterValidator(_on_one_line), otherwise("")]
"""A text on one line, empty where there is none."""
NeededLine = Annotated[Line, AfterValidator(_not_empty)]
"""A text on one line that must not be empty."""


def read_answer(value: object, kind: type[AnswerT]) -> AnswerT | Missing:
    """Return a parsed JSON value as the answer that was asked for, or what is wrong with it."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        return Missing(_problem(error))


def _problem(error: ValidationError) -> str:
    # Prompts ask for the reason before the value that it explains, and the value matters more.
    last = error.errors(include_url=False)[-1]
    key = printable_line(".".join(map(str, last["loc"])), 80)
    if last["type"] == "missing":
        return f"no {key!r} in the answer"
    return f"key {key!r}: {last['msg']}" if key and last["type"] != _WORDED else last["msg"]


def forced_reason(mass: float) -> str:
    """Return why an answer is missing that only the constraint brought about."""
    return f"forced: legal answers had probability {mass:.3f}"


def variant_of(kind: type[AnswerT], **fields: Any) -> type[AnswerT]:
    """Return a kind of answer with some fields replaced, as (type, default), for a form that only the run decides."""
    return create_model(kind.__name__, __base__=kind, **fields)


@functools.cache
def schema_of(kind: type[TypedAnswer]) -> dict[str, Any]:
    """Return the JSON schema of an answer in the plain form that servers take for strict structured output.

    Every property is required and no other is admitted. References are written out, and titles, descriptions and
    defaults are left out.
    """
    schema = kind.model_json_schema()
    return _plain(schema, schema.get("$defs", {}))


def _plain(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_plain(child, definitions) for child in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _plain(definitions[node["$ref"].rpartition("/")[2]], definitions)
    plain = {keyword: _plain(child, definitions) for keyword, child in node.items() if keyword not in _LEFT_OUT}
    if "properties" in node:
        properties = {key: _plain(child, definitions) for key, child in node["properties"].items()}
        plain |= {"properties": properties, "required": list(properties), "additionalProperties": False}
    return plain
