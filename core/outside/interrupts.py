"""Signals that ask this program to stop: Ctrl-C, and what Slurm, Docker or a terminal that closes send."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

EXIT_STATUS = 128
"""A program that a signal ends has this plus the number of the signal as its exit status."""
_TERMINATING = (signal.SIGTERM, signal.SIGHUP)


class TerminatedInterrupt(KeyboardInterrupt):
    """A signal other than Ctrl-C asked to stop. Whatever is prepared for Ctrl-C is prepared for this too."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def number_of(interrupt: KeyboardInterrupt) -> int:
    """Return the number of the signal that an interrupt stands for."""
    return interrupt.number if isinstance(interrupt, TerminatedInterrupt) else signal.SIGINT


def stop_signals() -> list[signal.Signals]:
    """Return the signals that ask this process to stop. One that is ignored, as under `nohup`, stays ignored."""
    return [signal.SIGINT, *(number for number in _TERMINATING if signal.getsignal(number) != signal.SIG_IGN)]


def terminate_as_ctrl_c() -> None:
    """From now on let SIGTERM and SIGHUP raise in the main thread, as Ctrl-C does."""
    for number in stop_signals():
        if number in _TERMINATING:
            signal.signal(number, _raise)


def _raise(number: int, frame: FrameType | None) -> None:
    del frame
    raise TerminatedInterrupt(number)


_HANDLES: list[Callable[[int], object]] = []
_BEFORE: dict[signal.Signals, Any] = {}


@contextmanager
def stop_requests(handle: Callable[[int], object]) -> Iterator[None]:
    """Call `handle` with the number of every signal that asks to stop, for the length of the block.

    Of several blocks at a time the one that was entered last is called, and they may end in any order. Signals reach
    the main thread alone. In another thread this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    if not _HANDLES:
        _BEFORE.update({number: signal.signal(number, _ask) for number in stop_signals()})
    _HANDLES.append(handle)
    try:
        yield
    finally:
        _HANDLES.remove(handle)
        if not _HANDLES:
            for number, handler in _BEFORE.items():
                signal.signal(number, handler)
            _BEFORE.clear()


def _ask(number: int, frame: FrameType | None) -> None:
    del frame
    _HANDLES[-1](number)
