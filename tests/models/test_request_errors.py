"""Errors of requests: told apart by what helps, whoever's library raised them."""

import time
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from cocoon.benchmarks.endpoint.server import serve
from cocoon.benchmarks.endpoint.settings import Settings as ServerSettings
from cocoon.core.text import printable_line
from cocoon.models.request_errors import (
    RateLimitedError,
    RefusedError,
    TransientError,
    classify_error,
    denies_access,
    error_for_status,
    retry_after,
    seconds,
)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, RateLimitedError), (500, TransientError), (503, TransientError), (529, TransientError),
     (408, TransientError), (400, RefusedError), (401, RefusedError), (404, RefusedError), (301, RefusedError)],
)  # fmt: skip
def test_status_tells_what_helps(status: int, kind: type[Exception]) -> None:
    error = error_for_status(status, "line one\nline two", 3.0)
    assert type(error) is kind and str(error) == f"HTTP {status} line one line two"
    assert getattr(error, "retry_after", 3.0) == 3.0


def test_an_empty_account_is_not_waited_for() -> None:
    assert isinstance(error_for_status(429, '{"error": {"code": "insufficient_quota"}}', None), RefusedError)


class _Response:
    def __init__(self, status: int, headers: dict[str, str]) -> None:
        self.status_code, self.headers = status, headers


class APITimeoutError(Exception):
    """Named as another library's."""


class BadStatusError(Exception):
    """Another library's error with an HTTP answer."""

    def __init__(self, status: int, headers: dict[str, str] | None = None) -> None:
        super().__init__("too\nmuch")
        self.response = _Response(status, headers or {})


def test_other_libraries_errors_are_classified() -> None:
    limited = classify_error(BadStatusError(429, {"retry-after": "7"}))
    assert isinstance(limited, RateLimitedError) and limited.retry_after == 7.0
    refused = classify_error(BadStatusError(401))
    assert isinstance(refused, RefusedError) and refused.status == 401 and str(refused) == "HTTP 401 too much"
    assert classify_error(refused) is refused and classify_error(limited) is limited
    kinds = [(APITimeoutError("a"), "timeout"), (ConnectionResetError("b"), "connection"), (TimeoutError(), "timeout")]
    for error, kind in kinds:
        mapped = classify_error(error)
        assert isinstance(mapped, TransientError) and mapped.kind == kind
    odd = KeyError("odd")
    assert classify_error(odd) is odd


@pytest.mark.parametrize(
    ("fault", "kind", "told"),
    [
        ("429", RateLimitedError, 7.0),
        ("500", TransientError, "500"),
        ("cut", TransientError, "connection"),
        ("hang", TransientError, "timeout"),
    ],
)
async def test_errors_of_the_openai_sdk_are_classified(fault: Any, kind: type[Exception], told: Any) -> None:
    async with serve(ServerSettings(faults={fault: 1.0}, retry_after=7)) as server:
        patience = 0.2 if fault == "hang" else 30.0
        chat = ChatOpenAI(model="m", base_url=server.url, api_key=SecretStr("none"), max_retries=0, timeout=patience)
        with pytest.raises(Exception) as raised:
            await chat.ainvoke("hello")
        await chat.root_async_client.close()
    ours = classify_error(raised.value)
    assert type(ours) is kind
    assert (ours.retry_after if isinstance(ours, RateLimitedError) else getattr(ours, "kind", None)) == told


def test_retry_after_in_seconds_as_a_date_and_as_nonsense() -> None:
    assert seconds("2.5") == 2.5 and seconds("-3") == 0.0
    soon = seconds(formatdate(time.time() + 100, usegmt=True))
    assert soon is not None and 60 < soon <= 100
    assert seconds(formatdate(0, usegmt=True)) == 0.0 == seconds("Mon, 01 Jan 1900 00:00:00 GMT")
    assert [seconds(word) for word in ("soon", "", "nan", "inf", "99999999999999999999-01-01")] == [None] * 5
    assert retry_after({}) is None and retry_after({"retry-after": 4}) == 4.0


@given(st.text(st.characters(), max_size=400), st.integers(1, 50))
def test_one_line_is_one_short_printable_line(text: str, most: int) -> None:
    line = printable_line(text, most)
    assert len(line) <= most and line.isprintable()


@pytest.mark.parametrize(
    ("status", "words", "denied"),
    [
        (401, "Incorrect API key provided", True),
        (402, "Insufficient Balance", True),
        (403, "no access from this country", True),
        (403, "your input was flagged by moderation", False),
        (407, "Proxy Authentication Required", True),
        (429, "insufficient_quota", True),
        (400, "Your credit balance is too low", True),
        (404, "no such model", False),
        (400, "the prompt is too long", False),
    ],
)
def test_only_a_key_or_an_account_denies_access_to_every_call(status: int, words: str, denied: bool) -> None:
    assert denies_access(RefusedError(status, words)) is denied


def test_a_limit_per_minute_in_the_words_of_a_quota_is_waited_out() -> None:
    words = "You exceeded your current quota. Quota metric: requests per minute. RESOURCE_EXHAUSTED"
    assert isinstance(error_for_status(429, words, None), RateLimitedError)
