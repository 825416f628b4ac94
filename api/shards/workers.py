"""Runs that several processes share: `any/N` makes a worker of this one, which takes shard after shard."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from cocoon.api.reporter import Reporter
from cocoon.core.config import RunConfig
from cocoon.core.verb_settings import Given
from cocoon.running.frame import Outcome
from cocoon.running.shards.shard import Shard
from cocoon.running.shards.workers import Worker
from cocoon.running.work import Progress
from cocoon.studies.result import StudyResult

ConfigT = TypeVar("ConfigT", bound=RunConfig)
ResultT = TypeVar("ResultT")
UNDIVIDED = "1/1"


def sharing_of(given: Given[ConfigT]) -> tuple[Shard | None, float]:
    """Return the shard that a verb was given, and the seconds of its lease. No other setting is looked at."""
    keywords = {name: value for name, value in given.keywords.items() if name == "shard"}
    if isinstance(given.options, Mapping):
        options = {key: value for key, value in given.options.items() if key in ("shard", "lease")}
    else:
        options = [text for text in given.options if text.partition("=")[0] in ("shard", "lease")]
    config = replace(given, keywords=keywords, options=options).resolve().config
    return Shard.of(config.shard), config.lease


async def run_divided(
    out: Path,
    given: Given[ConfigT],
    make: Callable[[Path, Given[ConfigT]], Awaitable[ResultT]],
    outcome_of: Callable[[ResultT], Outcome],
    merged: Callable[[Outcome], ResultT],
    reporter: Reporter,
    *,
    parts: Sequence[str] = ("",),
    finish: Callable[[], Awaitable[object]] | None = None,
) -> ResultT:
    """Make a run, or a shard of it, or be one of several workers that share it.

    `make` makes what settings say in a folder. `merged` returns the result of a worker, whose folder holds the merged
    run unless the worker was stopped. `parts` and `finish` are as in `Worker`.
    """
    shard, lease = sharing_of(given)
    if shard is None or shard.index is not None:
        return await make(out, given)

    async def make_shard(part: Shard, path: Path) -> Outcome:
        return outcome_of(await make(path, given.and_also(shard=str(part))))

    worker = Worker(out, shard.count, lease, make_shard, reporter.say, parts, finish)
    if worker.is_merged:
        reporter.say(f"the shards of {out} are merged; this process goes on with the whole run")
        return await make(out, given.and_also(shard=UNDIVIDED))
    return merged(await worker.work())


async def divide_study(
    out: Path,
    given: Given[ConfigT],
    make: Callable[[Path, Given[ConfigT]], Awaitable[StudyResult]],
    reporter: Reporter,
    *,
    parts: Sequence[str] = ("",),
) -> StudyResult:
    """Make a study as `run_divided` makes a run. The worker that merges the last shards reports on all of them."""
    reported: list[StudyResult] = []

    async def report() -> None:
        reported.append(await make(out, given.and_also(shard=UNDIVIDED)))

    def merged(outcome: Outcome) -> StudyResult:
        return reported[-1] if reported else StudyResult(out, None, outcome.exit_code, outcome.stopped_by)

    def outcome_of(result: StudyResult) -> Outcome:
        return Outcome(Progress(), int(result.exit_code == 1), result.stopped_by)

    return await run_divided(out, given, make, outcome_of, merged, reporter, parts=parts, finish=report)
