"""What the shards of one run share while they are made together: the budget, the outages of endpoints, their progress.

Nothing here knows what the shards run on. Whoever starts them lends the budget, hears their reports and answers each
with what it is to do now.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cocoon.core.config import BudgetConfig
from cocoon.models.ledger import Ledger
from cocoon.models.pool import Pool
from cocoon.running.work import Progress

_PORTIONS = 4
_LEAST = 1000
"""A portion is what is left by so many times the shards, and no less than the budget by `_LEAST`."""
_SILENT = 10.0
"""Seconds after which a shard that says nothing no longer speaks for an endpoint."""


@dataclass(frozen=True)
class Amounts:
    """What was spent: calls (those under way too), tokens, and money."""

    calls: int = 0
    tokens: int = 0
    money: float = 0.0

    @classmethod
    def of(cls, ledger: Ledger) -> "Amounts":
        """Return what a ledger has entered."""
        return cls(ledger.calls + ledger.open, ledger.tokens_in + ledger.tokens_out, ledger.spent)


class SharedBudget:
    """A run's budget, of which its shards borrow portions, so that all together start no call too many.

    A shard that has spent its portion gets another one, as long as something is left that nobody holds. Portions shrink
    with what is left. `spent` is what shards spent in earlier sessions.
    """

    def __init__(self, budget: BudgetConfig, shards: int, spent: Mapping[int, Amounts]) -> None:
        self._limits = {name: limit for name, limit in dict(budget).items() if limit is not None}
        self._shards = shards
        self._held = {name: {shard: getattr(each, name) for shard, each in spent.items()} for name in self._limits}

    def lend(self, shard: int, spent: Amounts) -> BudgetConfig:
        """Return up to where a shard may spend. It is what the shard has spent where nothing is left."""
        lent = {name: self._lend(name, shard, getattr(spent, name)) for name in self._limits}
        return BudgetConfig.model_validate(lent)

    def give_back(self, shard: int, spent: Amounts) -> None:
        """Take back what a shard has borrowed and not spent."""
        for name, held in self._held.items():
            held[shard] = getattr(spent, name)

    def _lend(self, name: str, shard: int, spent: float) -> float:
        held, limit = self._held[name], self._limits[name]
        held[shard] = max(held.get(shard, 0), spent)
        left = limit - sum(held.values())
        if held[shard] <= spent and left > 0:
            portion = max(left / (_PORTIONS * self._shards), limit / _LEAST)
            held[shard] += min(left, portion if name == "money" else math.ceil(portion))
        return held[shard]


@dataclass(frozen=True)
class EndpointState:
    """What a shard sees of an endpoint: how many calls it answered, and for how many seconds it has answered nobody.

    `down_for` is None for an endpoint that is not taken to be down.
    """

    answered: int
    down_for: float | None

    @classmethod
    def of(cls, pool: Pool) -> "EndpointState":
        """Return the state of a pool's endpoint."""
        breaker = pool.breaker
        return cls(breaker.answered, breaker.down_for if breaker.is_open else None)


@dataclass
class _Endpoint:
    """What is known of an endpoint. `down_since` has the shards that find it down, the one that asks it first."""

    answers: dict[int, int] = field(default_factory=dict)
    answered_at: float = float("-inf")
    down_since: dict[int, float] = field(default_factory=dict)


class Outages:
    """Endpoints that answer no shard: one shard asks such an endpoint now and then, and the others wait.

    An endpoint that has answered any shard since the failures began is not down for all. Times are those of `clock`.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._endpoints: dict[str, _Endpoint] = {}
        self._heard: dict[int, float] = {}

    def hear(self, shard: int, states: Mapping[str, EndpointState]) -> list[str]:
        """Take in what a shard sees, and return the endpoints to which it is to send nothing for now."""
        now = self._heard[shard] = self._clock()
        for name, state in states.items():
            endpoint = self._endpoints.setdefault(name, _Endpoint())
            if state.answered > endpoint.answers.get(shard, 0):
                endpoint.answered_at = now
            endpoint.answers[shard] = state.answered
            if state.down_for is None:
                endpoint.down_since.pop(shard, None)
            else:
                endpoint.down_since.setdefault(shard, now - state.down_for)
        return [name for name in states if self._asking(name) not in (None, shard)]

    def forget(self, shard: int) -> None:
        """Forget a shard that has ended."""
        for endpoint in self._endpoints.values():
            endpoint.answers.pop(shard, None)
            endpoint.down_since.pop(shard, None)

    @property
    def down(self) -> list[str]:
        """The endpoints that answer no shard."""
        return sorted(name for name in self._endpoints if self._asking(name) is not None)

    def _asking(self, name: str) -> int | None:
        """Return the shard that asks an endpoint which is down, or None for one that is not."""
        endpoint, silent = self._endpoints[name], self._clock() - _SILENT
        speaking = {shard: since for shard, since in endpoint.down_since.items() if self._heard[shard] >= silent}
        if not speaking or endpoint.answered_at >= min(speaking.values()):
            return None
        return next(iter(speaking))


@dataclass(frozen=True)
class Orders:
    """What a shard is to do now: stop cleanly, and send nothing to the endpoints of `wait_for`."""

    stop: bool
    wait_for: Sequence[str]


@dataclass(frozen=True)
class News:
    """What happened since the last look: lines to print, progress by shard, endpoints that answer nobody."""

    lines: Sequence[str]
    progress: Mapping[int, Progress]
    down: Sequence[str]


class Hub:
    """What all shards of a run report to. `spent` is what shards spent in earlier sessions."""

    def __init__(self, budget: BudgetConfig, shards: int, spent: Mapping[int, Amounts]) -> None:
        self._budget = SharedBudget(budget, shards, spent)
        self._outages = Outages()
        self._progress: dict[int, Progress] = {}
        self._lines: list[str] = []
        self._stopped = False

    def report(self, shard: int, progress: Progress, states: Mapping[str, EndpointState]) -> Orders:
        """Take in how far a shard is, and return what it is to do."""
        self._progress[shard] = progress
        return Orders(self._stopped, self._outages.hear(shard, states))

    def lend(self, shard: int, spent: Amounts) -> BudgetConfig:
        """Return up to where a shard may spend."""
        return self._budget.lend(shard, spent)

    def end(self, shard: int, progress: Progress, spent: Amounts) -> None:
        """Take in how a shard ended. Another one may borrow what it did not spend."""
        self._progress[shard] = progress
        self._budget.give_back(shard, spent)
        self._outages.forget(shard)

    def say(self, lines: Iterable[str]) -> None:
        """Take in lines for whoever started the run."""
        self._lines.extend(lines)

    def stop(self) -> None:
        """Let every shard stop cleanly."""
        self._stopped = True

    def is_stopping(self) -> bool:
        """Return whether everything is to stop cleanly."""
        return self._stopped

    def news(self) -> News:
        """Return what happened since this was last called."""
        lines, self._lines = self._lines, []
        return News(lines, dict(self._progress), self._outages.down)
