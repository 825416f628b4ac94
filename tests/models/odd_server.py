"""A server whose model name says what is odd about its replies, and which keeps every request."""

import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from cocoon.benchmarks.endpoint.schema_values import Instances
from cocoon.tests.commands import refused, server

WORDS = "It has been a hard week"
THOUGHT = "Somebody seems low. What would help here?"
REFUSAL = "I can't help with that."
OUTAGE = 25.0
"""Seconds from its start for which the model `outage` answers nobody."""
Request = dict[str, Any]
RATED = json.dumps({"named": False})
"""What a judge without any format answers, in the paper's mode of success."""


def refusal_of(request: Request) -> tuple[int, Any] | None:
    """Return status and body with which a server refuses a request, None where it takes it."""
    name, temperature = request["model"], request.get("temperature")
    form = (request.get("response_format") or {}).get("type")
    only_one = f"Unsupported value: 'temperature' does not support {temperature} with this model. Only 1 is supported."
    refusals = {
        "temp1": (400, only_one if temperature not in (None, 1) else ""),
        "notemp": (400, "Unsupported parameter: 'temperature'." if "temperature" in request else ""),
        "tempproxy": (500, f"BadRequestError: upstream said {only_one}" if temperature not in (None, 1) else ""),
        "temppast": (400, "temperature must be between 0 and 0.5" if temperature == 0.7 else ""),
        "rf500": (500, "JSON schema conversion failed: unrecognized schema" if form == "json_schema" else ""),
        "rf500all": (500, "response_format is not supported by this backend" if form else ""),
        "quota": (429, "You exceeded your current quota. insufficient_quota"),
        "badkey": (401, f"Incorrect API key provided: {request['authorization']}"),
        "forbidden": (403, "This account has no access."),
    }
    status, words = refusals.get(name, (200, ""))
    return refused(words, status) if words else None


@dataclass
class OddServer:
    """What the server was asked, and how it answers."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    def spec(self, name: str) -> str:
        """Return the spec of the model with this oddity."""
        return f"{self.url}#{name}"

    def sent(self) -> str:
        """Return every text of every request, one after the other."""
        return "\n".join(message["content"] for request in self.requests for message in request["messages"])

    def of(self, name: str) -> list[Request]:
        """Return the requests to one model."""
        return [request for request in self.requests if request["model"] == name]

    def answer(self, request: Request) -> tuple[int, Any]:
        """Return status and body for one request."""
        self.requests.append(request)
        if request["model"] == "outage" and time.monotonic() - self.started < OUTAGE:
            return refused("the service is overloaded", 503)
        if (refusal := refusal_of(request)) is not None:
            return refusal
        message, finish = _message(request)
        told = sum(len(message["content"]) for message in request["messages"]) // 4
        usage: dict[str, Any] = {"prompt_tokens": told, "completion_tokens": 12, "total_tokens": told + 12}
        if request["model"] == "reasoning":
            usage["completion_tokens_details"] = {"reasoning_tokens": 9}
            usage["prompt_tokens_details"] = {"cached_tokens": 32}
        if request["model"] in ("budget", "budget-large"):
            usage["completion_tokens_details"] = {"reasoning_tokens": 12}
        if request["model"] == "trunc":
            usage["prompt_tokens"] = 16
        choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
        whole = {"id": "1", "object": "chat.completion", "created": 0, "model": request["model"], "choices": [choice]}
        return 200, whole | {"usage": usage}


def _message(request: Request) -> tuple[dict[str, Any], str]:
    """Return the message that a model gives, and why it ended."""
    asked = request.get("response_format") or {}
    if asked and request["model"] == "emptyjson":
        return {"content": ""}, "stop"
    if request["model"] == "budget" or (request["model"] == "budget-large" and request["max_tokens"] < 1000):
        return {"content": ""}, "length"
    if "json_schema" not in asked and request["model"] in ("rf500", "rf500all", "emptyjson"):
        return {"content": RATED}, "stop"
    if schema := asked.get("json_schema", {}).get("schema"):
        draft, text = (json.dumps(Instances(random.Random(seed), schema, [], False).value(schema)) for seed in (1, 2))
        return _judged(request["model"], text, draft)
    number = len(request["messages"])
    return _spoken(request["model"], f"{WORDS}, after {number} messages.")


def _spoken(name: str, text: str) -> tuple[dict[str, Any], str]:
    spoken = {
        "think": f"<think>\n{THOUGHT}\n</think>\n\n{text}",
        "thinkopen": f"{THOUGHT}\n</think>\n\n{text}",
        "length": text[:-4],
        "prefix": f"User: {text}",
        "both": f"{text}\n\nSupporter: Tell me more?\n\nUser: I do not want to.",
        "special": f"{text}<|im_end|>\n<|im_start|>user\nhello",
    }
    if name == "refusal":
        return {"content": None, "refusal": REFUSAL}, "stop"
    fields = {"reasoning_content": THOUGHT} if name == "reasoning" else {}
    return {"content": spoken.get(name, text), **fields}, "length" if name == "length" else "stop"


def _judged(name: str, text: str, draft: str) -> tuple[dict[str, Any], str]:
    if name == "thinkdraft":
        return {"content": f"<think>\nPerhaps {draft}, but then again"}, "length"
    if name == "thinkrefuse":
        return {"content": f"<think>\nPerhaps {draft}.\n</think>\n\nThis talk is nothing that I can rate."}, "stop"
    if name == "thinkanswer":
        return {"content": f"<think>\nPerhaps {draft}.\n</think>\n\n{text}"}, "stop"
    if name in ("prefix", "both", "special"):
        return {"content": text}, "stop"
    return _spoken(name, text)


@contextmanager
def odd_server() -> Iterator[OddServer]:
    """Run the server in a thread."""
    odd = OddServer()
    with server(odd.answer) as spec:
        odd.url = spec.partition("#")[0]
        yield odd
