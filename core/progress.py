"""What long work tells about itself: what it is doing and how far it is. Without a display nothing is told."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

ItemT = TypeVar("ItemT")


@dataclass(eq=False)
class LongWork:
    """A piece of work that may take seconds. `done` counts towards `total`, which is None where nobody knows it."""

    what: str
    total: int | None = None
    done: int = 0
    began: float = field(default_factory=time.monotonic)
    stepped: float = 0.0

    def advance(self, steps: int = 1) -> None:
        """Count some steps as done."""
        self.done += steps
        self.stepped = time.monotonic()

    def seconds_left(self) -> float | None:
        """Return about how long it will still take, None before the first step and without a total."""
        if not self.total or not self.done:
            return None
        of_a_step = (self.stepped - self.began) / self.done
        return max(0.0, of_a_step * (self.total - self.done) - (time.monotonic() - self.stepped))


class WorkDisplay(Protocol):
    """Shows the work that is under way, such as on a terminal."""

    def begin(self, work: LongWork) -> None:
        """Show a piece of work, inside the one that is shown already, if any."""
        ...

    def end(self, work: LongWork) -> None:
        """Show a piece of work no longer."""
        ...


_DISPLAY: ContextVar[WorkDisplay | None] = ContextVar("display", default=None)


@contextmanager
def displayed_on(display: WorkDisplay) -> Iterator[None]:
    """Show the work inside the block on a display."""
    token = _DISPLAY.set(display)
    try:
        yield
    finally:
        _DISPLAY.reset(token)


@contextmanager
def working(what: str, total: int | None = None) -> Iterator[LongWork]:
    """Tell of the work inside the block, which counts its own steps with `advance`."""
    work, display = LongWork(what, total), _DISPLAY.get()
    if display is None:
        yield work
        return
    display.begin(work)
    try:
        yield work
    finally:
        display.end(work)


def with_progress(items: Sequence[ItemT], what: str) -> Iterator[ItemT]:
    """Yield the items, and tell how many are done."""
    with working(what, len(items)) as work:
        for item in items:
            yield item
            work.advance()
