"""Structured replies: a ladder of ways to ask for JSON, strict reading, one repair retry, and then *missing*.

Rungs, best first: `json_schema`, `json_object`, `prompt` (the prompt alone). Every prompt states the format anyway,
because some servers answer 200 and ignore the schema. A rung that the endpoint refuses, or under which its replies
stay empty, is left for the next one. A model whose reply cannot be read is shown its error once. Nothing here invents a
value.
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

import orjson

from cocoon.core.answers import AnswerT, Missing, read_answer, schema_of
from cocoon.core.errors import CallFailedError
from cocoon.core.prompts import Prompt
from cocoon.core.text import printable_line
from cocoon.models.by_name import Model
from cocoon.models.calls import Caller, Message, Reply, Settings
from cocoon.models.journal.store import Place
from cocoon.models.reply import ModelReply
from cocoon.models.request_errors import RefusedError

RUNGS = ("json_schema", "json_object", "prompt")
# Empty replies under a format, and none with words, after which it is left.
_BLANKS = 2


async def ask_json(
    caller: Caller,
    model: Model,
    place: Place,
    messages: Sequence[Message],
    settings: Settings,
    *,
    kind: type[AnswerT],
    name: str,
    check: Callable[[AnswerT], str | None] | None,
    repair: Prompt,
    partial: bool = False,
    judging: bool = False,
) -> tuple[AnswerT | Missing, list[Reply]]:
    """Return an answer of `kind`, or why there is none, with every reply that was asked for.

    `check` returns what is wrong with an answer that could be read, or None. What is wrong is shown to the model once.
    With `partial`, an answer that `check` still complains of then is returned, and the caller decides part by part.
    Raises CallFailedError when the model gives no reply at all.
    """

    async def ask(attempt: int, conversation: Sequence[Message], last: Reply | None) -> Reply:
        return await _climb_down(
            *(caller, model, place._replace(attempt=attempt), conversation, settings, schema_of(kind), name, judging),
            least=_next_rung(model, last),
            larger=last is not None and last.spent_on_thoughts,
        )

    replies = [await ask(0, messages, None)]
    answer, problem = _read(replies[0].parts, kind, check)
    if problem is None or replies[0].parts.finish == "refused":
        return answer, replies
    error = repair.render(error=printable_line(problem, 500))
    correction = [{"role": "assistant", "content": replies[0].speech or "-"}, {"role": "user", "content": error}]
    while len(replies) == 1 or all(_lower_rung(reply) for reply in replies):
        replies.append(await ask(len(replies), [*messages, *correction], replies[-1]))
    answer, problem = _read(replies[-1].parts, kind, check)
    if problem is None and replies[-2].spent_on_thoughts:
        model.note_larger()
    return answer if problem is None or partial else Missing(problem), replies


def _lower_rung(reply: Reply) -> int | None:
    """Return the rung below that of a reply that stayed empty under a format, None for every other reply."""
    rung, parts = RUNGS.index(reply.entry.rung or RUNGS[-1]), reply.parts
    blank = not reply.text.strip() and parts.finish in (None, "stop")
    return rung + 1 if blank and rung + 1 < len(RUNGS) else None


def _next_rung(model: Model, last: Reply | None) -> int:
    """Return the best rung to ask by. A format under which a server has twice given nothing is left for good."""
    lower = None if last is None else _lower_rung(last)
    if lower is None:
        return model.rung
    model.blanks[lower - 1] += 1
    if model.blanks[lower - 1] >= _BLANKS and lower - 1 not in model.formats:
        model.rung = max(model.rung, lower)
    return max(model.rung, lower)


def _read(
    reply: ModelReply, kind: type[AnswerT], check: Callable[[AnswerT], str | None] | None
) -> tuple[AnswerT | Missing, str | None]:
    """Return the answer in the speech of a reply and what is wrong with it.

    A reply that was cut at its limit is read all the same, because an object that is whole was not cut.
    """
    if reply.finish not in (None, "stop", "length") or reply.unended:
        reason = reply.obstacle or "there is no reply"
        return Missing(reason), reason
    value, problem = read_json(reply.speech)
    if problem and reply.obstacle:
        problem = f"{reply.obstacle} ({problem})"
    answer = Missing(problem) if problem else read_answer(value, kind)
    if isinstance(answer, Missing):
        return answer, answer.reason
    return answer, check(answer) if check else None


async def _climb_down(
    caller: Caller,
    model: Model,
    place: Place,
    messages: Sequence[Message],
    settings: Settings,
    schema: dict[str, Any],
    name: str,
    judging: bool,
    *,
    least: int,
    larger: bool,
) -> Reply:
    refusal: RefusedError | None = None
    for number in range(least, len(RUNGS)):
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
                larger=larger,
            )
        except RefusedError as error:
            refusal = error
            continue
        # Learnt only from an answer: a refusal alone may have another cause, such as a prompt that is too long.
        answered_at = max(number, RUNGS.index(reply.entry.rung)) if reply.entry.rung in RUNGS else number
        if refusal is not None or answered_at > number:
            model.rung = max(model.rung, answered_at)
        if reply.text.strip():
            model.formats.add(answered_at)
        return reply
    raise CallFailedError(str(refusal.status if refusal else "refused"), f"{model.label}: {refusal}")


def response_format(rung: str, schema: dict[str, Any], name: str) -> dict[str, Any] | None:
    """Return what the OpenAI protocol sends for a rung, None for the prompt alone."""
    if rung == "json_schema":
        return {"type": "json_schema", "json_schema": {"name": name, "schema": schema, "strict": True}}
    return {"type": "json_object"} if rung == "json_object" else None


def read_json(text: str) -> tuple[Any | None, str | None]:
    """Return the one JSON object in a reply and None, or None and what is wrong.

    Fences and words around the object are passed over. Keys that occur twice with different values, or several
    different objects, make the whole unreadable, because nobody can say which one was meant. So does an object that
    breaks off or breaks the rules: what stands inside it is a part and not the answer.
    """
    try:
        objects = list(_objects(text))
        forms = {_form(value) for value in objects}
    except (ValueError, TypeError, RecursionError) as error:
        return None, printable_line(f"the JSON cannot be read: {error}")
    if len(forms) > 1:
        return None, "several different JSON objects in the reply; give one"
    return (objects[0], None) if objects else (None, "no JSON object in the reply")


_OBJECT = re.compile(r"\{\s*[\"}]")
_BRACE = re.compile(r"[{}]")


def _objects(text: str) -> Iterator[Any]:
    """Yield the outermost objects of a text. Braces that begin no JSON object are skipped with all that is in them.

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
    """Equal values, and only those, give equal bytes.

    Raises TypeError for what no record could store: lone surrogates, integers above 64 bits, nesting without end.
    """
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique: dict[str, Any] = {}
    for key, value in pairs:
        if key in unique and _form(unique[key]) != _form(value):
            raise ValueError(f"key {key!r} stands there twice with different values")
        unique[key] = value
    return unique


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{printable_line(digits, 40)} is too large a number")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")
