"""The frame of a session, whatever its graphs make: folder, manifest, interrupts, what was spent, how it ended."""

import asyncio
import contextlib
import gc
import os
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cocoon import __version__
from cocoon.core.errors import CocoonError, StoppedError
from cocoon.core.outside.interrupts import stop_requests
from cocoon.models.by_name import Models
from cocoon.running.environment import TRACING
from cocoon.running.folder import RunFolder
from cocoon.running.manifest import (
    FINISHED,
    RunManifest,
    begin_session,
    end_session,
    new_manifest,
    note_capabilities,
    note_models,
    read_manifest,
    recall_capabilities,
    write_manifest,
)
from cocoon.running.work import Progress, Work

Watch = Callable[[Progress, Models], Awaitable[None]]


@dataclass
class Outcome:
    """How a session went. `stopped_by` is None when everything was tried to the end."""

    progress: Progress
    failures: int
    stopped_by: CocoonError | None = None
    dialogues: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 ok, 1 some failed, or the code of what stopped the run."""
        if self.stopped_by is not None:
            return self.stopped_by.exit_code
        return 1 if self.failures else 0


def forbid_cloud_tracing() -> None:
    """Conversations go to no tracing service, whatever the environment says."""
    for name in TRACING:
        os.environ[name] = "false"


def window_of(concurrency: int) -> int:
    """Return how many items run at a time: enough to keep every connection busy, few enough for flat memory."""
    return max(2 * concurrency, 64)


@contextmanager
def opened_run(
    out: Path, seed: int, appended: tuple[str, ...] | None = None
) -> Iterator[tuple[RunFolder, RunManifest]]:
    """Yield a run folder and its manifest, locked until the block ends.

    A run in which nothing was answered begins anew, whatever it was begun with.
    """
    folder = RunFolder(out, appended) if appended else RunFolder(out)
    try:
        manifest = read_manifest(out) or new_manifest(__version__, seed)
        if folder.nothing_answered():
            folder.forget_attempts()
            manifest = new_manifest(__version__, seed).model_copy(update={"sessions": manifest.sessions})
        yield folder, manifest
        folder.seal()
    finally:
        folder.close()


async def run_session(
    work: Work,
    manifest: RunManifest,
    models: Models,
    job: Callable[[], Awaitable[None]],
    order: list[str],
    watch: Watch | None,
) -> Outcome:
    """Do `job` within a session: counted, interruptible, settled in `order`, noted in the manifest."""
    folder = work.folder
    for usage in folder.journal.spent():
        models.ledger.add(usage)
    work.progress.begin(models.ledger)
    note_models(manifest, {label: model.facts for label, model in models.opened.items()})
    recall_capabilities(manifest, models.opened)
    manifest.hosts = sorted({*manifest.hosts, *models.hosts})
    session = begin_session(manifest)
    write_manifest(folder.path, manifest)
    watching = asyncio.ensure_future(watch(work.progress, models)) if watch else None
    with _stop_on_interrupt(work):
        try:
            with _COLLECTOR.spared():
                await job()
                await work.caller.drain()
        finally:
            work.caller.abandon()
            if watching:
                watching.cancel()
            await models.aclose()
        work.progress.end()
        session.paid_again = folder.settle(order)
        note_capabilities(manifest, models.opened)
        end_session(session, type(work.stopped_by).__name__ if work.stopped_by else FINISHED)
        write_manifest(folder.path, manifest)
    return Outcome(work.progress, len(folder.failures), work.stopped_by, order)


_COLLECTED_AT = (20_000, 20, 20)
"""New containers, and younger collections, at which the collector runs. Python's own figures are 700, 10 and 10."""


class _Collector:
    """The garbage collector, spared as long as one run of several in this process is at work."""

    def __init__(self) -> None:
        self._lock, self._runs, self._before = threading.Lock(), 0, gc.get_threshold()

    @contextmanager
    def spared(self) -> Iterator[None]:
        """Keep it from walking, again and again, all that was loaded before the work began and all that lives as long
        as a dialogue: it took a quarter of the processor time of a replay, and less of a live run's. A collector that
        is off, or runs less often than that, stays as it is."""
        with self._lock:
            self._runs += 1
            if self._runs == 1:
                self._before = gc.get_threshold()
                gc.freeze()
                if 0 < self._before[0] < _COLLECTED_AT[0]:
                    gc.set_threshold(*_COLLECTED_AT)
        try:
            yield
        finally:
            with self._lock:
                self._runs -= 1
                if not self._runs:
                    gc.set_threshold(*self._before)
                    gc.unfreeze()


_COLLECTOR = _Collector()


_ON_INTERRUPT: dict[asyncio.AbstractEventLoop, list[Callable[[int], object]]] = {}
"""What an interrupt, told by the number of its signal, does to each session of a loop."""


def _interrupt_sessions(loop: asyncio.AbstractEventLoop, number: int) -> None:
    for interrupted in list(_ON_INTERRUPT.get(loop, ())):
        interrupted(number)


@contextmanager
def _stop_on_interrupt(work: Work) -> Iterator[None]:
    """Let the first Ctrl-C, SIGTERM or SIGHUP start no further call and finish those in flight.

    A second Ctrl-C stops at once. The other signals do not, because some programs send them twice (`timeout`).
    Signals reach the main thread alone. A session in another thread is stopped by `interrupt`.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    asked: list[int] = []

    def interrupted(number: int) -> None:
        if asked and number == signal.SIGINT and task:
            task.cancel()
        asked.append(number)
        work.end(StoppedError("stopped; run the same command again to continue", number))

    sessions = _ON_INTERRUPT.setdefault(loop, [])
    sessions.append(interrupted)
    try:
        with stop_requests(lambda number: loop.call_soon_threadsafe(_interrupt_sessions, loop, number)):
            yield
    finally:
        sessions.remove(interrupted)
        if not sessions:
            del _ON_INTERRUPT[loop]


def interrupt(loop: asyncio.AbstractEventLoop) -> None:
    """Interrupt what runs in the loop of another thread, as Ctrl-C does in the main thread."""

    def stop() -> None:
        if loop in _ON_INTERRUPT:
            _interrupt_sessions(loop, signal.SIGINT)
            return
        for task in asyncio.all_tasks(loop):
            task.cancel()

    # The loop may have ended a moment ago.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(stop)
