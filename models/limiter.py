"""Decide how many requests an endpoint takes at once: half after a refusal, more again within seconds (AIMD).

An endpoint that answers nobody gets one request at a time, to find out when it is back.
"""

import time
from dataclasses import dataclass, field

# Seconds at the level that the endpoint accepted before the limiter tries more.
HOLD = 5.0
# The same after a wait in vain, in multiples of that wait.
_HOLDS = 10.0


@dataclass
class Limiter:
    """The highest number of requests in flight, from 1 to `most`, learnt from 429s and successes.

    `refused_at` is the number of requests that the endpoint had accepted when it last refused one. Growth is quick up
    to there, rests there for `hold` seconds, and continues above. A refusal of a single request is not caused by the
    number in flight, so nothing is sent before `paused_until`. Times are those of `time.monotonic`.
    """

    most: int
    limit: float = 0.0
    refused_at: float = float("inf")
    cut_at: float = float("-inf")
    paused_until: float = float("-inf")
    hold: float = HOLD

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
        elif time.monotonic() - self.cut_at >= self.hold:
            self.limit = min(float(self.most), self.limit + 0.5)

    def refused(self, sent_at: float, accepted: int, wait: float) -> None:
        """Halve the limit after a 429 to a request sent since the last cut.

        `accepted` others are in flight, and the endpoint asked to wait `wait` seconds. Refusals of requests sent before
        the cut belong to the same burst, and only show more exactly what was accepted.
        """
        now = time.monotonic()
        if sent_at >= self.cut_at:
            self.cut_at, self.refused_at, self.hold = now, float("inf"), HOLD
            self.limit /= 2
        self.refused_at = max(1.0, min(self.refused_at, float(accepted)))
        self.limit = max(1.0, min(self.limit, self.refused_at))
        if accepted == 0:
            self.paused_until = max(self.paused_until, now + wait)

    def overloaded(self, sent_at: float, answered: int) -> None:
        """Lower the limit after a request, sent since the last cut, that waited in vain while `answered` others were
        answered: more than these cannot be answered in that time.
        """
        now = time.monotonic()
        if sent_at >= self.cut_at:
            # Trying more is dear here, because it is found out only after as long a wait.
            self.cut_at, self.hold = now, max(HOLD, _HOLDS * (now - sent_at))
            self.limit = self.refused_at = max(1.0, min(self.limit / 2, float(answered)))

    def pause(self, sent_at: float, wait: float) -> bool:
        """Send nothing for `wait` seconds, then one request at a time, until one is answered.

        Failures of requests that were sent before the last cut change nothing. Returns whether this one does.
        """
        now, is_news = time.monotonic(), sent_at >= self.cut_at
        if is_news:
            self.cut_at, self.refused_at, self.limit = now, float("inf"), 1.0
            self.paused_until = max(self.paused_until, now + wait)
        return is_news


# Failures in a row, with no answer to anybody between them, after which an endpoint is taken to be down.
_DOWN_AFTER = 3
# What a server says that is not there for the moment. Anything else may be wrong for good until it has answered once.
_AWAY = frozenset({"502", "503", "504", "520", "522", "524", "529"})


@dataclass
class Breaker:
    """Whether an endpoint answers at all. `failures` have come since the last of the `answered` calls, from `since` on.

    Times are those of `time.monotonic`. `problem` is the last failure on one line, `callers` are those that failed, and
    `probes` counts the requests that found the endpoint still down.
    """

    answered: int = 0
    failures: int = 0
    since: float = 0.0
    problem: str = ""
    callers: set[int] = field(default_factory=set)
    probes: int = 0

    @property
    def is_open(self) -> bool:
        """Whether the endpoint is taken to be down."""
        return self.failures >= _DOWN_AFTER

    @property
    def down_for(self) -> float:
        """Return the seconds since the first of the failures in a row, 0 without one."""
        return time.monotonic() - self.since if self.failures else 0.0

    def succeeded(self) -> None:
        """Count an answer."""
        self.answered += 1
        self.failures = self.probes = 0
        self.callers.clear()

    def failed(self, caller: int, problem: str) -> None:
        """Count a failure of a caller's call."""
        if not self.failures:
            self.since = time.monotonic()
        self.failures += 1
        self.callers.add(caller)
        self.problem = problem

    def comes_back(self, kind: str) -> bool:
        """Return whether a failure of this kind is the endpoint's and will pass, however often it has come.

        What fails one caller alone may be that caller's own matter.
        """
        return kind in _AWAY or (self.answered > 0 and (kind == "connection" or len(self.callers) > 1))
