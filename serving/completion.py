"""Chat completions and their chunks, as JSON objects of OpenAI's API."""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessage


@dataclass(frozen=True)
class Head:
    """The fields that an answer and all its chunks share.

    `extra` has fields of our own, such as the coefficient in use.
    """

    model: str
    fingerprint: str | None
    extra: dict[str, Any] = field(default_factory=dict)
    id: str = field(default_factory=lambda: f"chatcmpl-{secrets.token_hex(12)}")
    created: int = field(default_factory=lambda: int(time.time()))

    def _object(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.fingerprint,
            "choices": choices,
            **self.extra,
        }

    def completion(self, replies: Sequence[AIMessage]) -> dict[str, Any]:
        """Return the complete answer, with one choice for each reply."""
        choices = [_choice(number, reply) for number, reply in enumerate(replies)]
        return {**self._object("chat.completion", choices), "usage": usage(replies)}

    def chunk(self, number: int, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        """Return a piece of choice `number`."""
        choice = {"index": number, "delta": delta, "logprobs": None, "finish_reason": finish}
        return self._object("chat.completion.chunk", [choice])

    def last_chunk(self, replies: Sequence[AIMessage]) -> dict[str, Any]:
        """Return the chunk that ends a stream whose client asked for the token counts."""
        return {**self._object("chat.completion.chunk", []), "usage": usage(replies)}


def _choice(number: int, reply: AIMessage) -> dict[str, Any]:
    message = {"role": "assistant", "content": str(reply.content), "refusal": None}
    finish = reply.response_metadata.get("finish_reason")
    return {"index": number, "message": message, "logprobs": None, "finish_reason": finish}


def usage(replies: Sequence[AIMessage]) -> dict[str, int]:
    """Return the token counts. The prompt counts once, for any number of choices."""
    counts = [reply.usage_metadata for reply in replies if reply.usage_metadata]
    prompt_tokens = counts[0]["input_tokens"] if counts else 0
    completion_tokens = sum(count["output_tokens"] for count in counts)
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }
