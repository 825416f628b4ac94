"""A server whose model name says what is odd about its replies, and which keeps every request."""

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from cocoon.benchmarks.endpoint.schema_values import Instances
from cocoon.tests.commands import server

WORDS = "It has been a hard week"
THOUGHT = "Somebody seems low. What would help here?"
REFUSAL = "I can't help with that."
Request = dict[str, Any]


@dataclass
class OddServer:
    """What the server was asked, and how it answers."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)

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
        message, finish = _message(request)
        usage: dict[str, Any] = {"prompt_tokens": 40, "completion_tokens": 12, "total_tokens": 52}
        if request["model"] == "reasoning":
            usage["completion_tokens_details"] = {"reasoning_tokens": 9}
            usage["prompt_tokens_details"] = {"cached_tokens": 32}
        choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
        whole = {"id": "1", "object": "chat.completion", "created": 0, "model": request["model"], "choices": [choice]}
        return 200, whole | {"usage": usage}


def _message(request: Request) -> tuple[dict[str, Any], str]:
    """Return the message that a model gives, and why it ended."""
    asked = request.get("response_format") or {}
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
