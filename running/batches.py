"""Work whose calls go out in batches: walk what can proceed, send out what waits, fetch it, and walk again."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from cocoon.core.config import RunConfig
from cocoon.core.errors import CocoonError
from cocoon.models.batches.queue import BatchQueue
from cocoon.models.by_name import Models
from cocoon.models.journal.store import Journal
from cocoon.models.journal.submitted import SubmittedCalls
from cocoon.running.work import Work

FOLDER = "batches"


def batches_of(config: RunConfig, journal: Journal, models: Models, out: Path) -> BatchQueue | None:
    """Return the queue of a run whose calls go out in batches, None for one that asks live.

    Raises CocoonError where no model takes batches, and where a run that asks live has calls out.
    """
    if not config.batch:
        refuse_open_batches(journal, out)
        return None
    queue = BatchQueue(journal, models, out / FOLDER, config.batch_every)
    if not any(queue.takes(model) for model in models.opened.values()):
        raise CocoonError(
            f"{', '.join(models.opened)}: no model is behind an OpenAI-compatible endpoint, which takes batches. "
            "Leave --batch out."
        )
    return queue


def refuse_open_batches(journal: Journal, out: Path) -> None:
    """Raise CocoonError where calls of a run are out in batches, because they would be asked twice."""
    if batches := SubmittedCalls(journal).open():
        names = ", ".join(batch.remote or batch.name for batch in batches)
        raise CocoonError(f"{out}: batches are out ({names}). Run the command that sent them, with --batch, first.")


async def in_batches(work: Work, batches: BatchQueue | None, job: Callable[[], Awaitable[None]]) -> None:
    """Do a job, and again as long as some of it waits for a batch. `job` does what is not done yet."""
    if batches is None:
        await job()
        return
    work.progress.batches = lambda: batches.progress
    try:
        await batches.collect()
        await job()
        while batches.waits and work.stopped_by is None:
            await batches.submit()
            await batches.collect()
            await job()
    except CocoonError as error:
        work.end(error)
