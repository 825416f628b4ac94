"""A request and a schema for the tests of the server."""

from typing import Any

import openai

KEY = "a-key-of-the-tests"
BEARER = {"Authorization": f"Bearer {KEY}"}
TALK: Any = [{"role": "system", "content": "Listen."}, {"role": "user", "content": "I am tired."}]
SCHEMA = {
    "type": "object",
    "properties": {"score": {"type": "integer", "minimum": 1, "maximum": 7}, "why": {"type": "string", "maxLength": 9}},
    "required": ["score", "why"],
    "additionalProperties": False,
}
HELD: Any = {"type": "json_schema", "json_schema": {"name": "rating", "schema": SCHEMA, "strict": True}}


async def ask(client: openai.AsyncOpenAI, **given: Any) -> Any:
    """A completion of at most 20 tokens, greedy unless told."""
    return await client.chat.completions.create(
        **{"model": "plain", "messages": TALK, "temperature": 0, "max_tokens": 20, **given}
    )
