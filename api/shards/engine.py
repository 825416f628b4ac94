"""`--engine ray`: the shards of a run as tasks of Ray, on this machine or on a cluster, and then the merged run.

Each task is a process that makes one shard in a folder of its own. A task whose node died is started again elsewhere,
and goes on from the shard's journal when the lease of the dead one has run out.
"""

import asyncio
import contextlib
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from cocoon.api.progress import people_stream
from cocoon.api.reporter import Reporter
from cocoon.api.settings import with_own
from cocoon.api.shards.cluster import Cluster, open_cluster
from cocoon.api.shards.task import ShardEnd, ShardTask, variables_to_send
from cocoon.core.config import RunConfig, specs_of
from cocoon.core.errors import BudgetReachedError, CocoonError, StoppedError
from cocoon.core.outside.interrupts import stop_requests
from cocoon.core.verb_settings import Given
from cocoon.models.by_name import Models
from cocoon.models.journal.reader import opened_journal
from cocoon.models.ledger import Ledger
from cocoon.running.folder import JOURNAL
from cocoon.running.frame import Outcome
from cocoon.running.shards.hub import Amounts, News
from cocoon.running.shards.placement import Placement, placed_replicas
from cocoon.running.shards.shard import Shard, read_shard
from cocoon.running.shards.workers import Worker, shard_names
from cocoon.running.study import OwnObjects
from cocoon.running.work import Progress

ConfigT = TypeVar("ConfigT", bound=RunConfig)
ResultT = TypeVar("ResultT")
_LOOK_EVERY = 0.25
_DRIVER = "ray"
_MOST_RESTARTS = 10
"""How often a shard is started again that a signal stopped on its node."""


@dataclass
class RayRun(Generic[ConfigT, ResultT]):
    """A run that Ray makes in `folder`. All fields are as in `run_divided`."""

    folder: Path
    given: Given[ConfigT]
    make: Callable[[Path, Given[ConfigT], Reporter], Awaitable[ResultT]]
    outcome_of: Callable[[ResultT], Outcome]
    reporter: Reporter
    parts: Sequence[str] = ("",)
    finish: Callable[[], Awaitable[object]] | None = None

    async def work(self, count: int | None, lease: float, replicas: int | None) -> Outcome:
        """Make what is not done, as `count` shards, merge when all is, and return how it went.

        Without a number of shards it is that of the folder, or as many as are made at once.
        """
        # Profiles from Python would be written down here, and are by each shard.
        keywords = {name: value for name, value in self.given.keywords.items() if name != "profiles"}
        config = with_own(replace(self.given, keywords=keywords), OwnObjects(), Path()).resolve().config
        specs = [spec for key, spec in specs_of(config.model_dump(mode="json")) if self.given.verb.uses(key)]
        local = any(spec.startswith("local:") for spec in specs)
        # Ray prints for people where the data of the command line goes.
        with contextlib.redirect_stdout(people_stream()), open_cluster(None if local else replicas) as cluster:
            placement = placed_replicas(cluster.nodes, replicas, local=local, fixed=cluster.is_own)
            worker = self._worker(count, lease, placement.at_once)
            worker.undone()
            while (held := worker.leases.take(_DRIVER)) is None:
                await worker.wait(f"the command that makes this run ({worker.leases.holder_of(_DRIVER)})")
            with held:
                hub = cluster.start_hub(config.budget, worker.count, self._spent(worker, config))
                shards = ShardTasks(cluster, hub, placement, worker, self._task(worker, config), self.reporter)
                outcome = await shards.work()
                if outcome.stopped_by is None:
                    outcome.failures = (await worker.merge()).failures
        return outcome

    def _worker(self, count: int | None, lease: float, at_once: int) -> Worker:
        """Return who merges the shards. They are made by tasks, and not here."""
        there = shard_names(self.folder)
        count = count or (int(there[0].rpartition("-")[2]) if there else at_once)
        if count < 2:
            raise CocoonError(f"--engine ray shares a run, and there is {count} part. Give --replicas 2 or more.")

        async def make(shard: Shard, path: Path) -> Outcome:
            raise CocoonError(f"{path}: shard {shard} is made by a task of Ray")

        return Worker(self.folder, count, lease, make, self.reporter.say, self.parts, self.finish)

    def _task(self, worker: Worker, config: RunConfig) -> ShardTask:
        # Each part of a study has a budget of its own, and the hub has one.
        is_limited = any(limit is not None for _, limit in config.budget) and len(self.parts) == 1
        return ShardTask(
            folder=self.folder,
            count=worker.count,
            lease=worker.lease,
            parts=self.parts,
            given=self.given,
            make=self.make,
            outcome_of=self.outcome_of,
            budget=config.budget if is_limited else None,
            working_folder=str(Path.cwd()),
            variables=variables_to_send(os.environ),
        )

    def _spent(self, worker: Worker, config: RunConfig) -> dict[int, Amounts]:
        """Return what each shard spent in earlier sessions."""
        spent: dict[int, Amounts] = {}
        for index in range(1, worker.count + 1):
            path = worker.path_of(Shard(index, worker.count)) / self.parts[0] / JOURNAL
            with opened_journal(path) as journal:
                spent[index] = Amounts.of(Ledger.of(journal.spent() if journal else [], config.prices))
        return spent


@dataclass
class ShardTasks:
    """The tasks of a run: started as there is room, watched, and stopped."""

    cluster: Cluster
    hub: Any
    placement: Placement
    worker: Worker
    task: ShardTask
    reporter: Reporter
    _waiting: list[Shard] = field(default_factory=list)
    _running: dict[Any, Shard] = field(default_factory=dict)
    _restarts: Counter[Shard] = field(default_factory=Counter)
    _ends: list[ShardEnd] = field(default_factory=list)
    _signals: list[int] = field(default_factory=list)
    _stopping: bool = False
    _down: set[str] = field(default_factory=set)
    _before: Progress = field(default_factory=Progress)
    _progress: Progress = field(default_factory=Progress)
    _models: Models = field(default_factory=Models)

    async def work(self) -> Outcome:
        """Make every shard that is not done, and return how that went.

        The first signal stops all shards cleanly, as does an error that would stop each of them. Raises StoppedError at
        the second, and CocoonError where a shard could not be made.
        """
        self._waiting = self.worker.undone()
        self._before = self._done_before()
        self._say_how_many()
        watch = self.reporter.watch()
        watching = asyncio.ensure_future(watch(self._progress, self._models)) if watch else None
        try:
            with stop_requests(self._signals.append):
                while self._waiting or self._running:
                    self._start()
                    await self._look()
        finally:
            if watching:
                watching.cancel()
        return self._outcome()

    def _done_before(self) -> Progress:
        """Return the progress of earlier commands: what is in the shards that are done."""
        shards = [Shard(index, self.worker.count) for index in range(1, self.worker.count + 1)]
        done = [self.worker.path_of(shard) for shard in shards if shard not in self._waiting]
        plans = [read_shard(path / part) for path in done for part in self.worker.parts]
        items = sum(len(plan.positions) for plan in plans if plan is not None)
        return Progress(dialogues=items, resumed=items, expected=0)

    def _say_how_many(self) -> None:
        placement, shards = self.placement, len(self._waiting)
        at_once = min(placement.at_once, shards)
        making = f"Ray makes {shards} of {self.worker.count} shards"
        self.reporter.say(f"{making}, {at_once} at once, each with {placement.share}")
        if at_once > placement.room:
            self.reporter.say(f"there is room for {placement.room} of them now; the others wait")

    def _start(self) -> None:
        while self._waiting and len(self._running) < self.placement.at_once:
            shard = self._waiting.pop(0)
            self._running[self.cluster.start_shard(self.task, shard, self.hub, self.placement)] = shard

    async def _look(self) -> None:
        await self._sleep()
        if self._signals.count(signal.SIGINT) > 1:
            raise StoppedError("stopped at once; the same command goes on from the last answered call")
        if self._signals and not self._stopping:
            self.reporter.say("stopping: calls under way are finished and saved")
            self._stop()
        for ended in self.cluster.ended(list(self._running)):
            self._take(self._running.pop(ended), self.cluster.end_of(ended))
        self._tell(self.cluster.answer(self.hub.news.remote()))

    async def _sleep(self) -> None:
        try:
            await asyncio.sleep(_LOOK_EVERY)
        except asyncio.CancelledError:
            # A session in another thread than the main one is interrupted by being cancelled.
            task = asyncio.current_task()
            if self._stopping or task is None:
                raise
            task.uncancel()
            self._signals.append(signal.SIGINT)

    def _stop(self) -> None:
        """Let the shards under way stop cleanly, and start no other."""
        self._stopping = True
        self._waiting.clear()
        self.cluster.answer(self.hub.stop.remote())

    def _take(self, shard: Shard, end: ShardEnd) -> None:
        error = end.stopped_by
        if isinstance(error, StoppedError) and not self._stopping and self._restarts[shard] < _MOST_RESTARTS:
            # Its node is going away, and another one can go on with it.
            self._restarts[shard] += 1
            self._waiting.append(shard)
            return
        self._ends.append(end)
        if error is not None and not isinstance(error, BudgetReachedError) and not self._stopping:
            # An endpoint that is down or denies access does so to all, and a wrong setting is that of all.
            self._stop()

    def _tell(self, news: News) -> None:
        for line in news.lines:
            self.reporter.say(line)
        for name in sorted(set(news.down) - self._down):
            self.reporter.say(f"{name} answers no shard: one of them asks it now and then, and the others wait")
        self._down = set(news.down)
        total = Progress.total([*news.progress.values(), self._before])
        done, count = self.worker.count - len(self._waiting) - len(self._running), self.worker.count
        total.batches = lambda: f"{done} of {count} shards ended"
        # Whoever shows the progress holds these two objects.
        vars(self._progress).update(vars(total))
        self._models.ledger = total.ledger

    def _outcome(self) -> Outcome:
        errors = [end.stopped_by for end in self._ends if end.stopped_by is not None]
        refused = next((end.stopped_by for end in self._ends if end.refused), None)
        if refused is not None:
            raise refused
        failures = sum(end.failures for end in self._ends)
        if self._signals:
            stopped = StoppedError("stopped; run the same command again to continue", self._signals[0])
            return Outcome(self._progress, failures, stopped)
        own = [error for error in errors if not isinstance(error, StoppedError)]
        return Outcome(self._progress, failures, next(iter([*own, *errors]), None))
