"""How busy and how well the servers of one list are: which of them a dialogue goes to, and which of them rest."""

import time
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from cocoon.models.remote.silence import Line

FIRST_REST, LONGEST_REST = 2.0, 60.0
"""Seconds in which a server is not asked after its first failure, and after many in a row."""
_REMEMBERED = 100_000


@dataclass
class ServerState:
    """One server: requests under way, dialogues that are with it, failures in a row, and how long it rests.

    Times are those of `time.monotonic`. `line` is what was heard of it.
    """

    in_flight: int = 0
    dialogues: int = 0
    failures: int = 0
    rested_at: float = float("-inf")
    rests_until: float = float("-inf")
    line: Line = field(default_factory=Line)

    def fail(self, sent_at: float, seconds: float | None = None) -> None:
        """Leave the server alone, for `seconds` or twice as long with every failure in a row.

        A request that was sent before it last began to rest says nothing new.
        """
        now = time.monotonic()
        if sent_at >= self.rested_at:
            rest = FIRST_REST * 2**self.failures if seconds is None else seconds
            self.rested_at, self.rests_until = now, now + min(LONGEST_REST, rest)
            self.failures += 1

    def succeed(self) -> None:
        """Take the server for well."""
        self.failures, self.rests_until = 0, float("-inf")


@runtime_checkable
class SharesLoad(Protocol):
    """A model at several servers, which may know of what other models ask of them."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """The servers, in their order."""
        ...

    @property
    def load(self) -> "ServerLoad":
        """How busy and how well the servers are."""
        ...

    def share_load(self, load: "ServerLoad") -> None:
        """Go by what is known of the same servers from other models as well."""
        ...


class ServerLoad:
    """The servers of one list, for all models that are asked of them."""

    def __init__(self, count: int) -> None:
        self.servers = [ServerState() for _ in range(count)]
        self._server_of: OrderedDict[str, int] = OrderedDict()

    def choose(self, dialogue: str) -> int:
        """Return the number of the server to ask: that of the dialogue unless it rests. Where all rest, one of all."""
        chosen = self.choose_other(dialogue, ())
        # The dialogue stays where it is until some server is known to be well.
        return self._least_busy(range(len(self.servers))) if chosen is None else chosen

    def choose_other(self, dialogue: str, tried: Collection[int]) -> int | None:
        """Return the number of a server that is well and was not tried, that of the dialogue first, or None."""
        now = time.monotonic()
        well = [
            number for number, server in enumerate(self.servers) if server.rests_until <= now and number not in tried
        ]
        assigned = self._server_of.get(dialogue)
        if assigned in well:
            self._server_of.move_to_end(dialogue)
            return assigned
        if not well:
            return None
        chosen = self._least_busy(well)
        if dialogue:
            self._assign(dialogue, chosen)
        return chosen

    def _least_busy(self, numbers: Collection[int]) -> int:
        return min(numbers, key=lambda number: (self.servers[number].in_flight, self.servers[number].dialogues))

    def _assign(self, dialogue: str, number: int) -> None:
        former = self._server_of.pop(dialogue, None)
        if former is None and len(self._server_of) >= _REMEMBERED:
            _, former = self._server_of.popitem(last=False)
        if former is not None:
            self.servers[former].dialogues -= 1
        self._server_of[dialogue] = number
        self.servers[number].dialogues += 1
