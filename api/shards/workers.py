"""Runs that several processes share: `any/N` makes a worker of this one, and `ray` starts them as tasks."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from cocoon.api.reporter import Reporter
from cocoon.api.shards.engine import RayRun
from cocoon.api.shards.task import as_shard
from cocoon.core.config import HERE, Engine, Resolved, RunConfig
from cocoon.core.errors import CocoonError
from cocoon.core.verb_settings import UNDIVIDED, Given
from cocoon.running.frame import Outcome
from cocoon.running.shards.shard import Shard
from cocoon.running.shards.workers import Worker, is_merged
from cocoon.running.work import Progress
from cocoon.studies.result import StudyResult

ConfigT = TypeVar("ConfigT", bound=RunConfig)
ResultT = TypeVar("ResultT")
WHOLE = as_shard(Shard(1, 1))
"""The settings by which one process makes the whole run."""


@dataclass(frozen=True)
class Sharing:
    """How a run is shared among processes. Without a shard it is not, or Ray decides how many there are."""

    shard: Shard | None
    lease: float
    engine: Engine
    replicas: int | None

    @property
    def is_shared(self) -> bool:
        """Whether several processes work on one folder, which holds the merged run in the end."""
        return self.engine != HERE or (self.shard is not None and self.shard.index is None)


def sharing_of(given: Given[ConfigT]) -> Sharing:
    """Return how the run of a verb is shared. No other setting is looked at.

    Raises CocoonError for settings that exclude each other.
    """
    resolved = _resolved(given)
    config = resolved.config
    sharing = Sharing(Shard.of(config.shard), config.lease, config.engine, config.replicas)
    if sharing.engine == HERE:
        resolved.refuse(["replicas"], "only --engine ray has replicas. Add it, or leave replicas out.")
    elif sharing.shard is not None and sharing.shard.index is not None:
        raise CocoonError(
            f"shard {sharing.shard}: --engine ray makes every part. Write any/{sharing.shard.count}, or leave it out."
        )
    return sharing


def shard_of(given: Given[ConfigT]) -> Shard | None:
    """Return the shard that a verb was given, None for the whole run. No other setting is looked at."""
    return Shard.of(_resolved(given).config.shard)


def _resolved(given: Given[ConfigT]) -> Resolved[ConfigT]:
    keywords = {name: value for name, value in given.keywords.items() if name in UNDIVIDED}
    if isinstance(given.options, Mapping):
        options = {key: value for key, value in given.options.items() if key in UNDIVIDED}
    else:
        options = [text for text in given.options if text.partition("=")[0] in UNDIVIDED]
    return replace(given, keywords=keywords, options=options).resolve()


async def run_divided(
    out: Path,
    given: Given[ConfigT],
    make: Callable[[Path, Given[ConfigT], Reporter], Awaitable[ResultT]],
    outcome_of: Callable[[ResultT], Outcome],
    merged: Callable[[Outcome], ResultT],
    reporter: Reporter,
    *,
    parts: Sequence[str] = ("",),
    finish: Callable[[], Awaitable[object]] | None = None,
) -> ResultT:
    """Make a run, or a shard of it, or be one of several workers that share it, or have Ray start these.

    `make` makes what settings say in a folder, and may be sent to another machine. `merged` returns the result of
    several processes, whose folder holds the merged run unless they were stopped. `parts` and `finish` are as in
    `Worker`.
    """
    sharing = sharing_of(given)
    if not sharing.is_shared:
        return await make(out, given, reporter)
    if is_merged(out, parts):
        reporter.say(f"the shards of {out} are merged; this process goes on with the whole run")
        return await make(out, given.and_also(**WHOLE), reporter)

    async def make_shard(part: Shard, path: Path) -> Outcome:
        return outcome_of(await make(path, given.and_also(**as_shard(part)), reporter))

    if sharing.engine == HERE and sharing.shard is not None:
        worker = Worker(out, sharing.shard.count, sharing.lease, make_shard, reporter.say, parts, finish)
        return merged(await worker.work())
    run = RayRun(out, given, make, outcome_of, reporter, parts, finish)
    count = sharing.shard.count if sharing.shard is not None else None
    return merged(await run.work(count, sharing.lease, sharing.replicas))


async def divide_study(
    out: Path,
    given: Given[ConfigT],
    make: Callable[[Path, Given[ConfigT], Reporter], Awaitable[StudyResult]],
    reporter: Reporter,
    *,
    parts: Sequence[str] = ("",),
) -> StudyResult:
    """Make a study as `run_divided` makes a run. The process that merges the last shards reports on all of them."""
    reported: list[StudyResult] = []

    async def report() -> None:
        reported.append(await make(out, given.and_also(**WHOLE), reporter))

    def merged(outcome: Outcome) -> StudyResult:
        return reported[-1] if reported else StudyResult(out, None, outcome.exit_code, outcome.stopped_by)

    return await run_divided(out, given, make, outcome_of_study, merged, reporter, parts=parts, finish=report)


def outcome_of_study(result: StudyResult) -> Outcome:
    """Return how a study ended as the outcome of a session."""
    return Outcome(Progress(), int(result.exit_code == 1), result.stopped_by)
