"""Structured replies: a ladder of ways to ask for JSON, strict reading, one repair retry, and then *missing*.

Rungs, best first: `json_schema`, `json_object`, `prompt` (the prompt alone; every prompt states the format anyway,
because some servers answer 200 and ignore the schema). A rung that the endpoint refuses is left for the next one; a
reply that cannot be read is shown its error once. Nothing here invents a value.
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import orjson

from cocoon.core.errors import CallFailedError
from cocoon.core.prompts import Prompt
from cocoon.models.by_name import Model
from cocoon.models.calls import Caller, Message, Reply, Settings
from cocoon.models.journal.store import Place
from cocoon.models.request_errors import RefusedError, one_line

RUNGS = ("json_schema", "json_object", "prompt")
Reader = Callable[[Any], str | None]


@dataclass
class Answer:
    """A JSON value as answered (none: missing, and `problem` says why), with every reply that was asked for.

    `problem` may stand beside a value that was read in part: the caller decides item by item.
    """

    value: Any | None
    problem: str | None
    replies: list[Reply]

    @property
    def keys(self) -> list[str]:
        """Journal keys of the replies."""
        return [reply.key for reply in self.replies]

    @property
    def rung(self) -> str | None:
        """The rung of the last reply."""
        return self.replies[-1].entry.rung if self.replies else None

    @property
    def legal_mass(self) -> dict[str, float]:
        """Probability that the unmasked model gave to the legal answers, per key path; empty where not known."""
        return self.replies[-1].entry.legal_mass if self.replies else {}


async def ask_json(
    caller: Caller,
    model: Model,
    place: Place,
    messages: Sequence[Message],
    settings: Settings,
    *,
    schema: dict[str, Any],
    name: str,
    check: Reader,
    repair: Prompt,
    judging: bool = False,
) -> Answer:
    """Ask for a JSON object; `check` returns what is wrong with a parsed value, none where nothing is.

    Raises CallFailedError when the model gives no reply at all; an unreadable reply is an Answer without a value.
    """
    asked = list(messages)
    replies: list[Reply] = []
    value: Any | None = None
    problem: str | None = None
    for attempt in range(2):
        reply = await _climb_down(
            caller, model, place._replace(attempt=attempt), asked, settings, schema, name, judging
        )
        replies.append(reply)
        value, problem = read_json(reply.text)
        problem = problem or check(value)
        if problem is None:
            break
        shown = {"role": "assistant", "content": reply.text or "-"}
        asked = [*messages, shown, {"role": "user", "content": repair.render(error=one_line(problem, 500))}]
    return Answer(value, problem, replies)


async def _climb_down(
    caller: Caller,
    model: Model,
    place: Place,
    messages: Sequence[Message],
    settings: Settings,
    schema: dict[str, Any],
    name: str,
    judging: bool,
) -> Reply:
    refusal: RefusedError | None = None
    for number in range(model.rung, len(RUNGS)):
        form = response_format(RUNGS[number], schema, name)
        try:
            reply = await caller.ask(
                model,
                place,
                messages,
                settings,
                schema=schema,
                response_format=form,
                rung=RUNGS[number],
                judging=judging,
            )
        except RefusedError as error:
            refusal = error
            continue
        # Learnt only from an answer: a refusal alone may have another cause, such as a prompt that is too long.
        model.rung = max(model.rung, number)
        return reply
    raise CallFailedError(str(refusal.status if refusal else "refused"), f"{model.label}: {refusal}")


def response_format(rung: str, schema: dict[str, Any], name: str) -> dict[str, Any] | None:
    """What the OpenAI protocol sends for a rung."""
    if rung == "json_schema":
        return {"type": "json_schema", "json_schema": {"name": name, "schema": schema, "strict": True}}
    return {"type": "json_object"} if rung == "json_object" else None


def read_json(text: str) -> tuple[Any | None, str | None]:
    """The one JSON object in a reply (fences and words around it are passed over), or none and what is wrong.

    Keys that occur twice with different values, or several different objects, make the whole unreadable: nobody
    can say which one was meant. So does an object that breaks off or breaks the rules: what stands inside it is a part
    and not the answer.
    """
    try:
        found = list(_objects(text))
        forms = {_form(value) for value in found}
    except (ValueError, TypeError, RecursionError) as error:
        return None, one_line(f"the JSON cannot be read: {error}")
    if len(forms) > 1:
        return None, "several different JSON objects in the reply; give one"
    return (found[0], None) if found else (None, "no JSON object in the reply")


_OBJECT = re.compile(r"\{\s*[\"}]")
_BRACE = re.compile(r"[{}]")


def _objects(text: str) -> Iterator[Any]:
    """The outermost objects of a text; braces that begin no JSON object are passed over with all that is in them.

    Every part of the text is read once, however hostile it is.
    """
    # Line breaks inside strings are against the rules, common, and harm nothing.
    decoder = json.JSONDecoder(
        object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite, strict=False
    )
    end = 0
    while (start := text.find("{", end)) >= 0:
        if _OBJECT.match(text, start):
            value, end = decoder.raw_decode(text, start)
            yield value
        else:
            end = _closing(text, start)


def _closing(text: str, start: int) -> int:
    depth = 0
    for brace in _BRACE.finditer(text, start):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            return brace.end()
    raise ValueError("a brace is opened and never closed")


def _form(value: Any) -> bytes:
    """Equal values, and only those, give equal bytes; TypeError for what no record could store: lone surrogates,
    integers above 64 bits, nesting without end."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found and _form(found[key]) != _form(value):
            raise ValueError(f"key {key!r} stands there twice with different values")
        found[key] = value
    return found


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{one_line(digits, 40)} is too large a number")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")
