"""Hand the rows of all callers to one writer, in a thread that lives only while there is work."""

import threading
from concurrent.futures import Future

from cocoon.core.errors import CallFailedError
from cocoon.models.local.decoding.writer import Writer
from cocoon.models.local.libraries import first_line
from cocoon.models.local.sampling import ReplyRow


class Batcher:
    """Adds rows to a writer between its steps, and gives each row back as soon as it is written."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self._waiting: dict[ReplyRow, Future[ReplyRow]] = {}
        self._written: dict[ReplyRow, Future[ReplyRow]] = {}
        self._working = False
        self._lock = threading.Lock()

    def submit(self, row: ReplyRow) -> Future[ReplyRow]:
        """Put a row in the queue and return its future.

        The future returns the row when it is written, or raises CallFailedError.
        """
        future: Future[ReplyRow] = Future()
        with self._lock:
            self._waiting[row] = future
            if not self._working:
                self._working = True
                threading.Thread(target=self._work, name="cocoon-local").start()
        return future

    def _work(self) -> None:
        while True:
            try:
                if not self._admit():
                    return
                for row in self.writer.step():
                    self._written.pop(row).set_result(row)
            except Exception as error:
                self._fail(error)

    def _admit(self) -> bool:
        """Add the rows that wait to the writer, and return whether there is anything to write.

        A row that does not fit holds back those behind it, so that it is not passed by for ever. Only where nothing is
        being written, those that fit with the oldest are taken from the whole queue.
        """
        with self._lock:
            first = not self._written
            for row in list(self._waiting):
                if self.writer.admits(row):
                    self._begin(row, self._waiting.pop(row))
                elif not first:
                    break
            self._working = bool(self._written)
            return self._working

    def _begin(self, row: ReplyRow, future: Future[ReplyRow]) -> None:
        # A future that was cancelled while it waited must not get a result.
        if future.set_running_or_notify_cancel():
            self._written[row] = future
            self.writer.add(row)

    def _fail(self, error: Exception) -> None:
        failed = CallFailedError("local", f"the local model failed: {type(error).__name__}: {first_line(error)}")
        self.writer.clear()
        for row in list(self._written):
            self._written.pop(row).set_exception(failed)
