"""One shard of a run as a task of Ray: a process that makes it and speaks with the hub of all shards."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from cocoon.api.reporter import Reporter
from cocoon.core.config import HERE, BudgetConfig, variables_of_settings
from cocoon.core.errors import CocoonError, StoppedError
from cocoon.core.outside.event_loop import run_coroutine
from cocoon.core.verb_settings import Given
from cocoon.models.by_name import Models
from cocoon.models.ledger import Ledger
from cocoon.running.frame import Outcome, Watch, interrupt
from cocoon.running.shards.hub import Amounts, EndpointState, Orders
from cocoon.running.shards.shard import Shard
from cocoon.running.shards.workers import Worker
from cocoon.running.work import Progress

REPORT_EVERY = 0.5
_HOLD = 6 * REPORT_EVERY
# Where text goes must not depend on the node. Keys are those of the node, and are never sent.
_ROUTES = ("OPENAI_BASE_URL",)


@dataclass(frozen=True)
class ShardTask:
    """What every node is told of a run: where it is, and how a shard of it is made.

    `variables` are settings in the environment of whoever started the run, and `working_folder` is where relative
    paths begin. `budget` is lent by the hub, and None where each shard has its share.
    """

    folder: Path
    count: int
    lease: float
    parts: Sequence[str]
    given: Given[Any]
    make: Callable[[Path, Given[Any], Reporter], Awaitable[Any]]
    outcome_of: Callable[[Any], Outcome]
    budget: BudgetConfig | None
    working_folder: str
    variables: Mapping[str, str]

    def enter(self) -> None:
        """Take the place of the process that started the run. Raises CocoonError on a node that lacks its folder."""
        enter_place(self.folder, self.working_folder, self.variables)


def enter_place(folder: Path, working_folder: str, variables: Mapping[str, str]) -> None:
    """Work as the process that started this one: in its folder, and under its settings.

    Raises CocoonError on a node that does not see `folder`.
    """
    try:
        os.chdir(working_folder)
        folder.stat()
    except OSError as error:
        raise CocoonError(
            f"{folder}: node {os.uname().nodename} does not see it ({error}). Start the command in a folder "
            "that all nodes share, with --out on it."
        ) from None
    for name in [*variables_of_settings(os.environ), *_ROUTES]:
        os.environ.pop(name, None)
    os.environ.update(variables)


def variables_to_send(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that decide what a shard does, without any key."""
    routes = {name: environment[name] for name in _ROUTES if name in environment}
    return {**variables_of_settings(environment), **routes, "HF_HUB_DISABLE_TELEMETRY": "1"}


@dataclass(frozen=True)
class ShardEnd:
    """How a shard ended. `stopped_by` stopped it, or with `refused` kept it from being made at all."""

    failures: int = 0
    stopped_by: CocoonError | None = None
    refused: bool = False


class HubLink:
    """The hub as one shard sees it: it is told of every session, lends what may be spent, and gives orders."""

    def __init__(self, hub: Any, shard: Shard, budget: BudgetConfig | None) -> None:
        self._hub = hub
        self._shard = shard
        self._index = shard.index or 0
        self._budget = budget
        self._sessions: dict[int, tuple[Progress, Models]] = {}

    def say(self, text: str) -> None:
        """Send a line to whoever started the run."""
        whose = f"shard {self._shard}: "
        self._hub.say.remote([whose + text.removeprefix(whose)])

    def watch(self, progress: Progress, models: Models) -> Awaitable[None]:
        """Report a session from now on, and let it spend what the hub lends. Before its first call, so at once."""
        self._sessions[id(models)] = (progress, models)
        if self._budget is not None:
            models.ledger.limits, models.ledger.lent = self._budget, self._borrow(models.ledger)
            # A ledger is copied, and a function is what a copy shares.
            models.ledger.borrow = lambda: self._borrow(models.ledger)
        return _until_cancelled()

    async def obey(self) -> None:
        """Report until cancelled, and do what the hub orders."""
        loop, stopping = asyncio.get_running_loop(), False
        while True:
            orders: Orders = await self._hub.report.remote(self._index, self._progress(), self._states())
            for pools in (models.pools for _, models in self._sessions.values()):
                for name in pools.keys() & set(orders.wait_for):
                    pools[name].hold(_HOLD)
            if orders.stop and not stopping:
                stopping = True
                interrupt(loop)
            await asyncio.sleep(REPORT_EVERY)

    async def end(self) -> None:
        """Report how the shard ended."""
        spent = Amounts.of(Ledger.total([models.ledger for _, models in self._sessions.values()]))
        await self._hub.end.remote(self._index, self._progress(), spent)

    def _borrow(self, ledger: Ledger) -> BudgetConfig:
        # No call may start meanwhile, which is why this waits. It happens a few times in a run.
        return import_module("ray").get(self._hub.lend.remote(self._index, Amounts.of(ledger)))

    def _progress(self) -> Progress:
        return Progress.total([progress for progress, _ in self._sessions.values()])

    def _states(self) -> dict[str, EndpointState]:
        remote = {model.host for _, models in self._sessions.values() for model in models.opened.values()}
        return {
            name: EndpointState.of(pool)
            for _, models in self._sessions.values()
            for name, pool in models.pools.items()
            if name in remote
        }


async def _until_cancelled() -> None:
    await asyncio.Event().wait()


class ShardReporter(Reporter):
    """Tells the hub what a shard would tell its user."""

    def __init__(self, link: HubLink) -> None:
        super().__init__()
        self._link = link

    def say(self, text: str) -> None:
        """Send a line."""
        self._link.say(text)

    def watch(self) -> Watch:
        """Return what reports the progress of a session."""
        return self._link.watch

    def next(self, step: str) -> None:
        """Say nothing: what follows a shard is done by whoever started it."""
        del step


def make_shard(task: ShardTask, index: int, hub: Any) -> ShardEnd:
    """Make a shard in this process, or go on with it after a node died, and return how it ended."""
    shard = Shard(index, task.count)
    # What is printed here would come out where the data of the command line goes.
    with contextlib.redirect_stdout(sys.stderr):
        return run_coroutine(_made(task, shard, HubLink(hub, shard, task.budget)))


async def _made(task: ShardTask, shard: Shard, link: HubLink) -> ShardEnd:
    reporter, loop = ShardReporter(link), asyncio.get_running_loop()

    async def make(part: Shard, path: Path) -> Outcome:
        return task.outcome_of(await task.make(path, task.given.and_also(**as_shard(part)), reporter))

    obeying = asyncio.ensure_future(link.obey())
    # Without the hub nobody waits for this shard any more.
    obeying.add_done_callback(lambda ended: None if ended.cancelled() else interrupt(loop))
    try:
        task.enter()
        worker = Worker(task.folder, task.count, task.lease, make, link.say, task.parts)
        outcome = await worker.work_on(shard)
        return ShardEnd(outcome.failures, outcome.stopped_by)
    except asyncio.CancelledError:
        return ShardEnd(stopped_by=StoppedError("stopped before it began; the same command goes on"))
    except CocoonError as error:
        return ShardEnd(stopped_by=CocoonError(str(error)), refused=not isinstance(error, StoppedError))
    finally:
        obeying.cancel()
        await link.end()


def as_shard(shard: Shard) -> dict[str, object]:
    """Return the settings by which one process makes a shard."""
    return {"shard": str(shard), "engine": HERE, "replicas": None}
