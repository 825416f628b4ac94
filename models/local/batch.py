"""Collect the requests that wait and have one worker thread write them together."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from cocoon.core.errors import CallFailedError
from cocoon.models.local.libraries import first_line
from cocoon.models.local.sampling import ReplyRow

# Replies of one batch go back to their dialogues together, so the next requests come within milliseconds of each
# other. Waiting until no more of them arrive fills the next batch.
_QUIET_SECONDS = 0.003
_GATHER_SECONDS = 0.02

Write = Callable[[Sequence[ReplyRow]], None]


@dataclass
class Job:
    """A row and the future of the caller that waits for it."""

    row: ReplyRow
    future: Future[ReplyRow] = field(default_factory=Future)


def choose(waiting: Sequence[Job], batch_size: int, budget: int) -> list[Job]:
    """Return the oldest job and those nearest to it in length: up to `batch_size` rows, `budget` tokens with padding.

    Rows of very different lengths are left for another batch when padding would outweigh the rows themselves. Rows of
    another adapter are always left, since all rows of a batch share the weights.
    """
    oldest = waiting[0]
    chosen, width, unpadded = [oldest], oldest.row.size, oldest.row.size
    alike = [job for job in waiting[1:] if job.row.adapter is oldest.row.adapter]
    for job in sorted(alike, key=lambda job: abs(job.row.size - oldest.row.size)):
        width, unpadded = max(width, job.row.size), unpadded + job.row.size
        padded = width * (len(chosen) + 1)
        if len(chosen) == batch_size or padded > budget or padded > 2 * unpadded:
            break
        chosen.append(job)
    return chosen


class Batcher:
    """Runs `write` on batches of rows in a thread that lives only while there is work."""

    def __init__(self, write: Write, batch_size: int, budget: int) -> None:
        self.write = write
        self._batch_size = batch_size
        self._budget = budget
        self._waiting: list[Job] = []
        self._working = False
        self._lock = threading.Lock()

    def submit(self, row: ReplyRow) -> Future[ReplyRow]:
        """Put a row in the queue and return its future.

        The future returns the row when it is written, or raises CallFailedError.
        """
        job = Job(row)
        with self._lock:
            self._waiting.append(job)
            if not self._working:
                self._working = True
                threading.Thread(target=self._work, name="cocoon-local").start()
        return job.future

    def _work(self) -> None:
        while batch := self._next():
            self._run(batch)

    def _next(self) -> list[Job]:
        """Return the next batch. An empty batch ends the thread."""
        self._gather()
        with self._lock:
            self._waiting = [job for job in self._waiting if not job.row.abandoned]
            self._working = bool(self._waiting)
            if not self._waiting:
                return []
            batch = choose(self._waiting, self._batch_size, self._budget)
            chosen = {id(job) for job in batch}
            self._waiting = [job for job in self._waiting if id(job) not in chosen]
            return batch

    def _gather(self) -> None:
        deadline, queued = time.monotonic() + _GATHER_SECONDS, -1
        while (
            queued != (queued := len(self._waiting)) and 0 < queued < self._batch_size and time.monotonic() < deadline
        ):
            time.sleep(_QUIET_SECONDS)

    def _run(self, batch: list[Job]) -> None:
        # A future that was cancelled while it waited must not get a result.
        jobs = [job for job in batch if job.future.set_running_or_notify_cancel()]
        if not jobs:
            return
        try:
            self.write([job.row for job in jobs])
        except Exception as error:
            failed = CallFailedError("local", f"the local model failed: {type(error).__name__}: {first_line(error)}")
            for job in jobs:
                job.future.set_exception(failed)
            return
        for job in jobs:
            job.future.set_result(job.row)
