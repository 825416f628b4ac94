"""How many rows a batcher writes at a time."""

import threading
from typing import Any

import pytest

from cocoon.models.local.batch import Batcher


def watch(monkeypatch: pytest.MonkeyPatch, batcher: Batcher, expected: int) -> list[int]:
    """Return a list of the most rows that are written at a time, one number for each time from none to none again.

    Nothing is written before as many rows as `expected` are submitted: on a busy machine the first one may be under
    way before the last one comes.
    """
    submit, add, step = batcher.submit, batcher.writer.add, batcher.writer.step
    submitted, writing, peaks, there = list[Any](), list[Any](), list[int](), threading.Event()

    def counted_submit(row: Any) -> Any:
        future = submit(row)
        submitted.append(row)
        if len(submitted) == expected:
            there.set()
        return future

    def counted_add(row: Any) -> None:
        if not writing:
            peaks.append(0)
        writing.append(row)
        peaks[-1] = max(peaks[-1], len(writing))
        add(row)

    def counted_step() -> list[Any]:
        there.wait(60)
        written = step()
        for row in written:
            writing.remove(row)
        return written

    monkeypatch.setattr(batcher, "submit", counted_submit)
    monkeypatch.setattr(batcher.writer, "add", counted_add)
    monkeypatch.setattr(batcher.writer, "step", counted_step)
    return peaks
