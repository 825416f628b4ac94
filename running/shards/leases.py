"""Leases on a folder that several workers share: who works on what, and when a worker counts as dead.

A lease is a row of files `NAME.lease-1`, `NAME.lease-2` and so on, one for each time that it was taken. The last one
counts. A file is made with a flag that lets only one process make it, on network file systems too, and its holder
writes a new beat into it from time to time. Whoever waits counts the seconds without a new beat on its own clock, so
that clocks of different machines need not agree.
"""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import orjson

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import dump_line, parse_record, write_whole
from cocoon.core.records import Record

BEATS = 4
"""Beats in the seconds after which a holder counts as dead."""


class Holder(Record):
    """Who holds a lease. `seconds` without a new beat mean that the holder is dead."""

    worker: str
    seconds: float
    beat: int = 0
    released: bool = False


class Lease:
    """A lease that this process holds inside a `with` block, with a thread that writes its beats.

    `lost` says whether another worker took it over, because this process was silent for too long. `on_loss` is called
    once then, in that thread.
    """

    def __init__(self, path: Path, holder: Holder, on_loss: Callable[[], None]) -> None:
        self.path = path
        self.lost = False
        self._holder = holder
        self._on_loss = on_loss
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)

    def __enter__(self) -> "Lease":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        if not self.lost:
            self._write(released=True)

    def _beat(self) -> None:
        while not self._ended.wait(self._holder.seconds / BEATS):
            if _next(self.path).exists():
                self.lost = True
                self._on_loss()
                return
            # A beat that could not be written is one beat too few, and no reason to stop.
            with contextlib.suppress(CocoonError):
                self._write(beat=self._holder.beat + 1)

    def _write(self, **changes: object) -> None:
        self._holder = self._holder.model_copy(update=changes)
        write_whole(self.path, [dump_line(self._holder)])


class Leases:
    """The leases of a shared folder, as one worker sees them. A holder is dead after `seconds` without a beat."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self.folder = folder
        self.worker = f"{socket.gethostname()}:{os.getpid()}"
        self._seconds = seconds
        self._seen: dict[Path, tuple[Holder | None, float]] = {}

    def take(self, name: str, on_loss: Callable[[], None] = lambda: None) -> Lease | None:
        """Return the lease of a name, or None where another worker holds it or was faster."""
        last = self._last(name)
        if last is not None and not self._is_free(last):
            return None
        path = _next(last) if last is not None else self.folder / f"{name}.lease-1"
        holder = Holder(worker=self.worker, seconds=self._seconds)
        try:
            with path.open("xb") as file:
                file.write(dump_line(holder))
        except FileExistsError:
            return None
        except OSError as error:
            raise CocoonError(f"{path}: cannot be written ({error.strerror}); check the shared folder") from None
        return Lease(path, holder, on_loss)

    def holder_of(self, name: str) -> str | None:
        """Return the worker that holds a name, or None."""
        last = self._last(name)
        holder = _read(last) if last is not None else None
        return None if holder is None or holder.released else holder.worker

    def _last(self, name: str) -> Path | None:
        return max(self.folder.glob(f"{name}.lease-*"), key=_number, default=None)

    def _is_free(self, path: Path) -> bool:
        """Return whether a lease was given back, or had no new beat since this worker saw it, for too long."""
        holder, now = _read(path), time.monotonic()
        if holder is not None and holder.released:
            return True
        before, since = self._seen.setdefault(path, (holder, now))
        if before != holder:
            self._seen[path] = (holder, now)
            return False
        return now - since > (self._seconds if holder is None else holder.seconds)


def _read(path: Path) -> Holder | None:
    """Return what a lease's file says, or None while it is being written."""
    try:
        return parse_record(orjson.loads(path.read_bytes()), Holder, str(path))
    except (OSError, orjson.JSONDecodeError):
        return None


def _number(path: Path) -> int:
    digits = path.name.rpartition("-")[2]
    return int(digits) if digits.isdecimal() else 0


def _next(path: Path) -> Path:
    return path.with_name(f"{path.name.rpartition('-')[0]}-{_number(path) + 1}")
