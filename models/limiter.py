"""Decide how many requests an endpoint takes at once: half after a refusal, more again within seconds (AIMD)."""

import time
from dataclasses import dataclass

# Seconds at the level that the endpoint accepted before the limiter tries more.
HOLD = 5.0


@dataclass
class Limiter:
    """The highest number of requests in flight, from 1 to `most`, learnt from 429s and successes.

    `refused_at` is the number of requests that the endpoint had accepted when it last refused one. Growth is quick up
    to there, rests there for HOLD seconds, and continues above. A refusal of a single request is not caused by the
    number in flight, so nothing is sent before `paused_until`. Times are those of `time.monotonic`.
    """

    most: int
    limit: float = 0.0
    refused_at: float = float("inf")
    cut_at: float = float("-inf")
    paused_until: float = float("-inf")

    def __post_init__(self) -> None:
        self.limit = self.limit or float(self.most)

    @property
    def pause_left(self) -> float:
        """Return the seconds until a request may be sent again, 0 when there is no pause."""
        return max(0.0, self.paused_until - time.monotonic())

    def room(self, in_flight: int) -> bool:
        """Return whether one more request may be sent beside those in flight."""
        return in_flight < int(self.limit) and self.pause_left == 0.0

    def succeeded(self, in_flight: int) -> None:
        """Grow after a success, but only while the limit is really in use.

        `in_flight` includes the answered request.
        """
        if self.limit >= self.most or in_flight < 0.8 * int(self.limit):
            return
        if self.limit < self.refused_at:
            self.limit = min(float(self.most), self.refused_at, self.limit + 1.0)
        elif time.monotonic() - self.cut_at >= HOLD:
            self.limit = min(float(self.most), self.limit + 0.5)

    def refused(self, sent_at: float, accepted: int, wait: float) -> None:
        """Halve the limit after a 429 to a request sent since the last cut.

        `accepted` others are in flight, and the endpoint asked to wait `wait` seconds. Refusals of requests sent before
        the cut belong to the same burst, and only show more exactly what was accepted.
        """
        now = time.monotonic()
        if sent_at >= self.cut_at:
            self.cut_at, self.refused_at = now, float("inf")
            self.limit /= 2
        self.refused_at = max(1.0, min(self.refused_at, float(accepted)))
        self.limit = max(1.0, min(self.limit, self.refused_at))
        if accepted == 0:
            self.paused_until = max(self.paused_until, now + wait)
