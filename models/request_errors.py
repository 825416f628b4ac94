"""What can happen to a request, separated by what helps: wait, try again, or nothing."""

import math
import re
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from cocoon.core.text import printable_line


class RateLimitedError(Exception):
    """The endpoint answered 429. `retry_after` is in seconds where the endpoint stated it."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TransientError(Exception):
    """A failure that is worth another try: a 5xx, a broken connection, or an answer that is not a reply.

    `kind` is one word for tables. `retry_after` is in seconds where the endpoint stated it. `status` is 0 where there
    was no answer at all.
    """

    def __init__(self, kind: str, message: str, retry_after: float | None = None, status: int = 0) -> None:
        super().__init__(message)
        self.kind = kind
        self.retry_after = retry_after
        self.status = status


class RefusedError(Exception):
    """The endpoint refuses this request finally (4xx): `status` and its words."""

    def __init__(self, status: int, message: str) -> None:
        head = f"HTTP {status}"
        super().__init__(message if message.startswith(head) else f"{head} {message}".rstrip())
        self.status = status


_RETRIABLE_STATUS: frozenset[int] = frozenset({408, 409, 425, 500, 502, 503, 504, 520, 522, 524, 529})
# What waiting cannot fix, because the account is out of credit.
_NO_CREDIT = re.compile(
    r"insufficient[ _](quota|balance|credit|funds)|credit balance is too low|billing_hard_limit", re.I
)
_ABOUT_THE_WORDS = re.compile(r"moderation|flagged|content.?policy", re.I)


def error_for_status(status: int, text: str, retry_after: float | None) -> Exception:
    """Return the error that an HTTP status stands for: rate limit, worth another try, or final."""
    line = printable_line(text, 500)
    if status == 429 and not _NO_CREDIT.search(text):
        return RateLimitedError(f"HTTP 429 {line}", retry_after)
    if status in _RETRIABLE_STATUS:
        return TransientError(str(status), f"HTTP {status} {line}", retry_after, status)
    return RefusedError(status, line)


def denies_access(error: RefusedError) -> bool:
    """Return whether every other call would be refused too, for the key or the account and not for this request."""
    words = str(error)
    if error.status == 403:
        return not _ABOUT_THE_WORDS.search(words)
    return error.status in (401, 402, 407) or _NO_CREDIT.search(words) is not None


_FORMAT = re.compile(r"schema|response.?format|json_object|grammar|guided|structured", re.IGNORECASE)


def refuses_format(error: RefusedError | TransientError) -> bool:
    """Return whether a request with a response format may have failed for its format. Some servers answer 5xx then."""
    return error.status in (400, 415, 422, 501) or (error.status >= 500 and _FORMAT.search(str(error)) is not None)


def classify_error(error: Exception) -> Exception:
    """Map another library's error (any LangChain chat model) to ours by its HTTP status or kind.

    Any other error is returned as it is.
    """
    if isinstance(error, RateLimitedError | TransientError | RefusedError):
        return error
    status = next(_statuses(error), None)
    if status is not None:
        headers = getattr(getattr(error, "response", None), "headers", None) or {}
        return error_for_status(status, str(error), retry_after(headers))
    names = " ".join(kind.__name__ for kind in type(error).__mro__)
    if any(word in names for word in ("Connection", "Timeout", "TransportError")):
        kind = "timeout" if "Timeout" in names else "connection"
        return TransientError(kind, printable_line(f"{type(error).__name__}: {error}"))
    return error


def _statuses(error: Exception) -> Iterator[int]:
    for holder in (error, getattr(error, "response", None)):
        for name in ("status_code", "http_status", "status", "code"):
            value = getattr(holder, name, None)
            if isinstance(value, int) and 400 <= value < 600:
                yield int(value)


def retry_after(headers: Mapping[str, Any]) -> float | None:
    """Return the seconds that an endpoint asks to wait, by its Retry-After header, or None without one.

    The header has seconds or a date. `headers` may be a case-insensitive mapping of an HTTP library or a plain one in
    lower case.
    """
    header = headers.get("retry-after")
    return seconds(str(header)) if header is not None else None


def seconds(header: str) -> float | None:
    """Return a Retry-After header in seconds from now, at least 0, or None for one that cannot be read."""
    try:
        wait = float(header)
    except ValueError:
        try:
            wait = parsedate_to_datetime(header).timestamp() - time.time()
        except (ValueError, TypeError, OverflowError):
            return None
    return max(0.0, wait) if math.isfinite(wait) else None
