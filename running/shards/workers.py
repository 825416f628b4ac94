"""Workers that come and go: each takes a free shard of a shared folder, and goes on until every shard is done.

`FOLDER/shards/` has a run folder for each shard and the leases on them. A shard whose worker died is taken over by
another, and goes on from its journal. The first worker that finds every shard done merges them into `FOLDER`.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cocoon.core.errors import BudgetReachedError, CocoonError, InUseError, StoppedError
from cocoon.core.jsonl import read_lines
from cocoon.core.outside.interrupts import stop_requests
from cocoon.running.frame import Outcome, interrupt
from cocoon.running.manifest import FINISHED, read_manifest
from cocoon.running.shards.leases import Lease, Leases
from cocoon.running.shards.merge import merge_shards
from cocoon.running.shards.shard import Shard
from cocoon.running.work import Progress

SHARDS = "shards"
_MERGING = "merge"
_LONGEST_WAIT = 5.0


@dataclass
class Worker:
    """One process at work on the shards of a folder. A holder of a lease is dead after `lease` seconds of silence.

    `make` makes a shard in the folder given, or goes on with it. `say` is told what happens. `parts` are the run
    folders within that of a shard. `finish` is done once, by the worker that has merged them.
    """

    folder: Path
    count: int
    lease: float
    make: Callable[[Shard, Path], Awaitable[Outcome]]
    say: Callable[[str], None]
    parts: Sequence[str] = ("",)
    finish: Callable[[], Awaitable[object]] | None = None

    def __post_init__(self) -> None:
        self._shards = [Shard(index, self.count) for index in range(1, self.count + 1)]
        self._stopped: dict[Shard, Outcome] = {}
        self._began = time.time()
        self._announced = ""
        self.leases = Leases(self.folder / SHARDS, self.lease)

    async def work(self) -> Outcome:
        """Do what is not done, merge when all is, and return how it went.

        Where shards were stopped here, that of the last one is returned, and nothing is merged. Raises StoppedError
        where a signal came while this worker waited for others.
        """
        while undone := self.undone():
            if (shard := await self._took_one(undone)) is not None:
                outcome = self._stopped.get(shard)
                if outcome is not None and not isinstance(outcome.stopped_by, BudgetReachedError):
                    return outcome
            elif self._stopped.keys() >= set(undone):
                return self._stopped[undone[-1]]
            else:
                await self.wait(", ".join(f"shard {shard} ({self._holder(shard)})" for shard in undone))
        return await self.merge()

    async def work_on(self, shard: Shard) -> Outcome:
        """Do one shard, as soon as no other worker holds it, and return how it went. Nothing is merged."""
        while self._is_undone(shard):
            if await self._took_one([shard]) is None:
                await self.wait(f"shard {shard} ({self._holder(shard)})")
            elif shard in self._stopped:
                return self._stopped[shard]
        return Outcome(Progress(), sum(_failures(self.path_of(shard) / part) for part in self.parts))

    def undone(self) -> list[Shard]:
        """Return the shards that are not done, or that a worker still holds.

        Raises CocoonError where the folder has another number of shards.
        """
        home = self.leases.folder
        home.mkdir(parents=True, exist_ok=True)
        other = next((name for name in shard_names(self.folder) if not name.endswith(f"-of-{self.count}")), None)
        if other is not None:
            raise CocoonError(f"{home} holds {other}, and now there are to be {self.count} shards. Keep one number.")
        return [shard for shard in self._shards if self._is_undone(shard) or self._is_held(shard)]

    async def wait(self, what: str) -> None:
        """Wait a moment for what other workers hold. Raises StoppedError where a signal asks to stop."""
        if what != self._announced:
            self._announced = what
            self.say(f"waiting for other workers: {what}")
        loop, stop, signals = asyncio.get_running_loop(), asyncio.Event(), list[int]()

        def stopped(number: int) -> None:
            signals.append(number)
            loop.call_soon_threadsafe(stop.set)

        with stop_requests(stopped):
            try:
                await asyncio.wait_for(stop.wait(), min(self.lease / 2, _LONGEST_WAIT))
            except TimeoutError:
                return
        raise StoppedError("stopped while waiting for other workers; the same command goes on", signals[0])

    def path_of(self, shard: Shard) -> Path:
        """Return the folder of a shard."""
        return self.folder / SHARDS / _name(shard)

    def _holder(self, shard: Shard) -> str:
        return self.leases.holder_of(_name(shard)) or "free"

    def _is_held(self, shard: Shard) -> bool:
        """Return whether a worker holds a shard. Its last files are sealed after its session has ended."""
        return self.leases.holder_of(_name(shard)) is not None

    def _is_undone(self, shard: Shard) -> bool:
        return any(self._is_undone_run(self.path_of(shard) / part) for part in self.parts)

    def _is_undone_run(self, path: Path) -> bool:
        """Return whether a run has not come to its end, or had failures before this worker began."""
        manifest = read_manifest(path)
        last = manifest.sessions[-1] if manifest is not None and manifest.sessions else None
        if last is None or last.ended is None or last.outcome != FINISHED:
            return True
        return last.ended < self._began and _failures(path) > 0

    async def _took_one(self, undone: Sequence[Shard]) -> Shard | None:
        """Work on the first shard that is free and was not stopped here, and return it. None means that none was."""
        loop = asyncio.get_running_loop()
        for shard in undone:
            lease = self.leases.take(_name(shard), lambda: interrupt(loop)) if shard not in self._stopped else None
            if lease is None:
                continue
            with lease:
                # Somebody may have finished it between the look and the lease.
                if self._is_undone(shard) and await self._made(shard, lease):
                    return shard
        return None

    async def _made(self, shard: Shard, lease: Lease) -> bool:
        """Make a shard. Returns False where another process still works in its folder, whose lease has run out."""
        self.say(f"shard {shard}: {self.path_of(shard)}")
        try:
            outcome = await self.make(shard, self.path_of(shard))
        except InUseError as error:
            self.say(f"cocoon: {error}")
            return False
        if lease.lost:
            raise CocoonError(
                f"shard {shard}: another worker took it over, because this one was silent for {self.lease:g} seconds. "
                "Give the command again to go on with other shards."
            )
        if outcome.stopped_by is not None:
            self._stopped[shard] = outcome
        return True

    async def merge(self) -> Outcome:
        """Merge the shards, or wait until the worker that does so has done it, and return what failed in them."""
        while not is_merged(self.folder, self.parts):
            lease = self.leases.take(_MERGING)
            if lease is None:
                await self.wait(f"the merge ({self.leases.holder_of(_MERGING)})")
                continue
            with lease:
                for part in self.parts if not is_merged(self.folder, self.parts) else ():
                    await self._merge_part(part)
                if self.finish is not None:
                    await self.finish()
        return Outcome(Progress(), sum(_failures(self.folder / part) for part in self.parts))

    async def _merge_part(self, part: str) -> None:
        if not (self.folder / part / "manifest.json").exists():
            paths = [self.path_of(shard) / part for shard in self._shards]
            merged = await asyncio.to_thread(merge_shards, paths, self.folder / part)
            for note in merged.notes:
                self.say(note)
            self.say(f"{self.count} shards merged into {self.folder / part}")


def is_merged(folder: Path, parts: Sequence[str]) -> bool:
    """Return whether a folder holds the merged run already, in all of its parts."""
    return all((folder / part / "manifest.json").exists() for part in parts)


def shard_names(folder: Path) -> list[str]:
    """Return the names of the shards that are there, such as `1-of-8`."""
    return sorted(path.name for path in (folder / SHARDS).glob("*-of-*") if path.is_dir())


def _name(shard: Shard) -> str:
    return f"{shard.index}-of-{shard.count}"


def _failures(run: Path) -> int:
    file = run / "failures.jsonl"
    return sum(1 for _ in read_lines(file)) if file.exists() else 0
