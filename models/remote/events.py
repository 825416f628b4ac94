"""A streamed reply put together: server-sent events in, one chat completion out, as a server gives it in one piece."""

from collections.abc import Iterator
from typing import Any

import orjson

from cocoon.core.outside.private_text import THOUGHT_FIELDS

DONE = b"[DONE]"
_PIECES = (*THOUGHT_FIELDS, "refusal")
_HEADS = (b"data:", b"event:", b"id:", b"retry:", b":")


class BrokenOffError(ValueError):
    """A stream ended before its reply did."""


def is_stream(content_type: str, body: bytes | bytearray) -> bool:
    """Return whether a body has events. Some servers stream without saying so."""
    return content_type == "text/event-stream" or bytes(body[:80]).lstrip().startswith(_HEADS)


def completion_of(body: bytes | bytearray) -> dict[str, Any]:
    """Return the chat completion that a stream's events make up. An event with an error is returned as it is.

    Raises BrokenOffError for a stream without an end, and ValueError or TypeError for what is no stream of a reply.
    """
    completion: dict[str, Any] = {}
    choices: list[dict[str, Any]] = []
    is_done = False
    for data in _data(body):
        if data == DONE:
            is_done = True
            continue
        event = orjson.loads(data)
        if event.get("error") and not event.get("choices"):
            return event
        choices += [choice for choice in event.get("choices") or () if not choice.get("index")]
        if not completion or event.get("usage"):
            completion = {**event, **completion, "usage": event.get("usage")}
    finish = next((choice["finish_reason"] for choice in reversed(choices) if choice.get("finish_reason")), None)
    if not is_done and finish is None:
        raise BrokenOffError("the stream broke off")
    if not choices:
        raise ValueError("the stream has no reply")
    message = _message([choice.get("delta") or choice.get("message") or {} for choice in choices])
    completion["choices"] = [{"index": 0, "message": message, "finish_reason": finish}]
    return completion | {"object": "chat.completion"}


def _data(body: bytes | bytearray) -> Iterator[bytes]:
    return (bytes(line[5:]).strip() for line in body.splitlines() if line.startswith(b"data:"))


def _message(pieces: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the message of which `pieces` are the deltas. Content in parts stays in parts."""
    contents = [piece["content"] for piece in pieces if piece.get("content")]
    content = "".join(contents) if all(isinstance(text, str) for text in contents) else _parts(contents)
    message: dict[str, Any] = {"role": "assistant", "content": content}
    for name in _PIECES:
        if texts := [piece[name] for piece in pieces if isinstance(piece.get(name), str)]:
            message[name] = "".join(texts)
    return message


def _parts(contents: list[Any]) -> list[Any]:
    parts: list[Any] = []
    for content in contents:
        parts += [{"type": "text", "text": content}] if isinstance(content, str) else content
    return parts
