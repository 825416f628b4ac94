"""A server that answers every call of a run at once as asked, and counts the calls and the tokens that it reported."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cocoon.tests.commands import said, server

CACHED = 8
_FIXED: dict[str, dict[str, Any]] = {
    "appraisal": {"accuracy": "none", "pressure": 0, "touched": None, "asked": False},
    "success_paper": {"reason": "It stays on the surface.", "named": False},
    "success_attributed": {"named_by": None, "how": None, "turn": None, "quote": ""},
}


class CountingServer:
    """What the server was asked so far. `prompts` are those of all calls, in their order."""

    def __init__(self) -> None:
        self.spec = ""
        self.counts: Counter[str] = Counter()
        self.prompts: list[list[dict[str, str]]] = []

    def answer(self, request: dict[str, Any]) -> tuple[int, Any]:
        """Return status and body for one request."""
        tokens = sum(len(message["content"]) for message in request["messages"]) // 4
        text = reply_to(request)
        self.prompts.append(request["messages"])
        self.counts.update(calls=1, tokens_in=tokens, tokens_cached=CACHED, tokens_out=len(text) // 4)
        usage = {"prompt_tokens": tokens, "completion_tokens": len(text) // 4, "total_tokens": 0}
        return said(text, usage=usage | {"prompt_tokens_details": {"cached_tokens": CACHED}})

    def cost(self, price: tuple[float, float, float]) -> float:
        """Return the money for all calls, at a price for a million tokens in, out and cached."""
        counts = self.counts
        fresh = counts["tokens_in"] - counts["tokens_cached"]
        return (fresh * price[0] + counts["tokens_out"] * price[1] + counts["tokens_cached"] * price[2]) / 1e6


def reply_to(request: dict[str, Any]) -> str:
    """Return words, or the answer that a schema asks for, with 3 for every item of a scale."""
    asked = (request.get("response_format") or {}).get("json_schema")
    if asked is None:
        return f"It has been a long week, and this is message {len(request['messages'])} about it."
    items = asked["schema"]["properties"].get("items", {}).get("properties", {})
    return json.dumps(_FIXED.get(asked["name"]) or {"items": dict.fromkeys(items, 3)})


@contextmanager
def counting_server() -> Iterator[CountingServer]:
    """Run the server in a thread."""
    counting = CountingServer()
    with server(counting.answer) as counting.spec:
        yield counting
