"""What refusals teach: each wording of the same fact, and nothing from a failure that has another cause."""

from typing import Any

import pytest

from cocoon.models.remote.capabilities import lesson

SENT: dict[str, Any] = {
    "messages": [{"role": "system", "content": "be kind"}, {"role": "assistant", "content": "You look tired."}],
    "temperature": 0.0,
    "seed": 1,
    "max_tokens": 9,
    "stream": True,
    "stream_options": {"include_usage": True},
}
# The wordings are our own.
TAUGHT = [
    (
        400,
        "Unsupported value: 'temperature' does not support 0.0 here. Only the default (1) is supported.",
        "temperature",
    ),
    (400, "Unsupported parameter: 'temperature' is not supported with this model.", "temperature"),
    (400, "`temperature` is deprecated for this model", "temperature"),
    (422, "invalid temperature: only 1 is allowed for this model", "temperature"),
    (400, "UnsupportedParamsError: this backend does not support parameters ['temperature'], model=m", "temperature"),
    (500, "BadRequestError: upstream - Unsupported value: 'temperature' does not support 0.0", "temperature"),
    (502, "provider returned 400: temperature is not supported", "temperature"),
    (400, "temperature must be strictly positive", None),
    (400, "temperature must be at most 1", None),
    (500, "cuda error while sampling with temperature", None),
    (503, "the temperature of the machine room is high, come back later", None),
    (400, "unknown field: seed", "seed"),
    (400, "Use 'max_completion_tokens' instead of 'max_tokens'", "limit"),
    (400, "stream_options is not permitted", "stream_options"),
    (422, "Extra inputs are not permitted: stream_options", "stream_options"),
    (400, "streaming is not available for this model", "stream"),
    (400, "the upstream server refused the prompt", None),
    (400, "System role not supported", "no_system"),
    (400, "Conversation roles must alternate user/assistant", "user_first"),
    (404, "temperature", None),
]


@pytest.mark.parametrize(("status", "words", "fact"), TAUGHT)
def test_a_refusal_teaches_what_it_says(status: int, words: str, fact: str | None) -> None:
    assert lesson(status, words, SENT, set()) == fact


def test_what_was_not_sent_teaches_nothing() -> None:
    bare = {"messages": SENT["messages"]}
    assert [lesson(status, words, bare, {"no_system", "user_first"}) for status, words, _ in TAUGHT] == [None] * 20
