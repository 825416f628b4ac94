"""A model of one process at work: dialogues that wait for connections, answers that take their time, one processor.

As in the real pool the least advanced dialogue goes first and judges wait, a connection is held until its answer is
stored, and a bounded number of dialogues is admitted. All that happens is an event with a time.
"""

import heapq
import itertools
import random
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cocoon.models.pool import DIALOGUE, JUDGE, Priority
from cocoon.running.scale.workload import Answers, PlannedCall, Workload

SIMULATED = 2000
"""Dialogues that are simulated at most. Each further one takes what one of the later half of these adds."""
Then = Callable[[], None]


@dataclass(frozen=True, slots=True)
class _Request:
    call: PlannedCall
    priority: Priority
    then: Then


def seconds_of(workload: Workload, answers: Answers, connections: int, cpu: float, dialogues: int) -> float:
    """Return how long one process takes for so many dialogues. See `Process`."""

    def simulated(number: int) -> float:
        return Process(workload, answers, connections, cpu).seconds(number)

    if dialogues <= SIMULATED:
        return simulated(dialogues)
    most, half = simulated(SIMULATED), SIMULATED // 2
    return most + (dialogues - SIMULATED) * (most - simulated(half)) / (SIMULATED - half)


class Process:
    """One process with `connections` to each host. `cpu` are the seconds that its processor works for a call."""

    def __init__(self, workload: Workload, answers: Answers, connections: int, cpu: float) -> None:
        self.workload, self.answers = workload, answers
        self._connections, self._cpu = connections, cpu
        self._now = self._busy_until = 0.0
        self._draw, self._count = random.Random(0), itertools.count()
        self._events: list[tuple[float, int, Then]] = []
        self._waiting: dict[str, list[tuple[Priority, int, _Request]]] = defaultdict(list)
        self._in_flight: dict[str, int] = defaultdict(int)
        self._talks = iter(())
        self._judging = -(-workload.window // max(1, len(workload.ratings)))
        self._made = deque[Then]()

    def seconds(self, dialogues: int) -> float:
        """Return how long so many dialogues take, with what is measured once at the end."""
        self._talks = itertools.islice(itertools.cycle(self.workload.talks), dialogues)
        for _ in range(min(self.workload.window, dialogues)):
            self._begin()
        self._run()
        for call in self.workload.last:
            self._ask(call, (DIALOGUE, 0), lambda: None)
        self._run()
        return self._now

    def _run(self) -> None:
        while self._events:
            self._now, _, then = heapq.heappop(self._events)
            then()

    def _at(self, time: float, then: Then) -> None:
        heapq.heappush(self._events, (time, next(self._count), then))

    def _begin(self) -> None:
        """Admit the next dialogue, if there is one."""
        talk = next(self._talks, None)
        if talk is not None:
            self._talk(talk, 0)

    def _talk(self, talk: Sequence[PlannedCall], calls: int) -> None:
        if calls < len(talk):
            self._ask(talk[calls], (DIALOGUE, calls), lambda: self._talk(talk, calls + 1))
        elif not self.workload.ratings:
            self._begin()
        else:
            self._made.append(lambda: self._rate(calls))
            self._judge_next()

    def _judge_next(self) -> None:
        if self._judging and self._made:
            self._judging -= 1
            self._made.popleft()()

    def _rate(self, calls: int) -> None:
        pending = [len(self.workload.ratings)]

        def rated() -> None:
            pending[0] -= 1
            if not pending[0]:
                self._judging += 1
                self._judge_next()
                self._begin()

        for number, call in enumerate(self.workload.ratings):
            self._ask(call, (JUDGE, calls + number), rated)

    def _ask(self, call: PlannedCall, priority: Priority, then: Then) -> None:
        heapq.heappush(self._waiting[call.queue], (priority, next(self._count), _Request(call, priority, then)))
        self._send(call.queue)

    def _send(self, queue: str) -> None:
        waiting = self._waiting[queue]
        while waiting and self._in_flight[queue] < self._connections:
            _, _, request = heapq.heappop(waiting)
            self._in_flight[queue] += 1
            self._at(self._now + self._seconds_of(request.call.step), lambda request=request: self._answered(request))

    def _seconds_of(self, step: str) -> float:
        measured = self.answers.measured.get(step)
        return self._draw.choice(measured) if measured else self.answers.seconds

    def _answered(self, request: _Request) -> None:
        """Let the processor, which does one thing at a time, read and store an answer."""
        self._busy_until = max(self._now, self._busy_until) + self._cpu
        self._at(self._busy_until, lambda: self._stored(request))

    def _stored(self, request: _Request) -> None:
        self._in_flight[request.call.queue] -= 1
        again = self.answers.repeats.get(request.call.step, 0.0)
        if self._draw.random() < again / (1 + again):
            self._ask(request.call, request.priority, request.then)
        else:
            request.then()
        self._send(request.call.queue)
