"""Bodies of the endpoint's replies, in the shapes of the OpenAI API."""

from typing import Any

import orjson

from cocoon.benchmarks.endpoint.answers import Prompt


def error_body(message: str) -> bytes:
    """An error object with the message."""
    return orjson.dumps({"error": {"message": message, "type": "benchmark_endpoint", "code": None}})


def models_body(name: str) -> bytes:
    """A list of one model."""
    model = {"id": name, "object": "model", "created": 0, "owned_by": "benchmark"}
    return orjson.dumps({"object": "list", "data": [model]})


def completion_body(prompt: Prompt, text: str, now: float) -> bytes:
    """A chat completion of one choice."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    body = _frame(prompt, "chat.completion", now) | {"choices": [choice], "usage": _usage(prompt, text)}
    return orjson.dumps(body)


def events_body(prompt: Prompt, text: str, now: float) -> bytes:
    """The same for `stream: true`, sent as a whole, for what is measured here needs no small chunks."""
    frame = _frame(prompt, "chat.completion.chunk", now)
    said = {"index": 0, "finish_reason": None, "delta": {"role": "assistant", "content": text}}
    stop = {"index": 0, "finish_reason": "stop", "delta": {}}
    events = [frame | {"choices": [said]}, frame | {"choices": [stop]}]
    events.append(frame | {"choices": [], "usage": _usage(prompt, text)})
    return b"".join(b"data: %s\n\n" % orjson.dumps(each) for each in events) + b"data: [DONE]\n\n"


def _frame(prompt: Prompt, kind: str, now: float) -> dict[str, Any]:
    return {"id": f"chatcmpl-{prompt.sha[:24]}", "object": kind, "created": int(now), "model": prompt.model}


def _usage(prompt: Prompt, text: str) -> dict[str, int]:
    given = len(text) // 4
    return {
        "prompt_tokens": prompt.tokens,
        "completion_tokens": given,
        "total_tokens": prompt.tokens + given,
    }
