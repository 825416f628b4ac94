"""What a long command shows while it works: a live line in a terminal, a plain line every ten seconds elsewhere."""

import asyncio
import sys
import time
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from cocoon.models.by_name import Models
    from cocoon.running.work import Progress

PLAIN_EVERY = 10.0
LIVE_EVERY = 0.5


class Watcher:
    """Shows progress on `stream` (stderr) until it is cancelled."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._began = time.monotonic()

    async def __call__(self, progress: "Progress", models: "Models") -> None:
        """Run beside the session."""
        if self._stream.isatty():
            await self._live(progress, models)
        while True:
            await asyncio.sleep(PLAIN_EVERY)
            print(self.line(progress, models), file=self._stream, flush=True)

    async def _live(self, progress: "Progress", models: "Models") -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        with Live(console=Console(file=self._stream), refresh_per_second=4, transient=True) as live:
            while True:
                live.update(Text(self.line(progress, models)))
                await asyncio.sleep(LIVE_EVERY)

    def line(self, progress: "Progress", models: "Models") -> str:
        """Done and total, calls, running success rate, tokens, money against the budget, ETA, retries, failures."""
        done = progress.done + progress.resumed
        seconds = time.monotonic() - self._began
        budget = models.budget
        parts = [
            f"{done}/{progress.dialogues} {progress.things}",
            f"{progress.calls} calls ({progress.replayed} from the journal)"
            if progress.replayed
            else f"{progress.calls} calls",
            *_success(progress),
            f"{(budget.tokens_in + budget.tokens_out) / 1000:.0f}k tokens",
            *([f"cost {budget.spent:.2f}" + (f" of {budget.money:g}" if budget.money else "")] if budget.spent else []),
            *([f"ETA {_clock(seconds / progress.done * (progress.dialogues - done))}"] if progress.done else []),
            *_retries(models),
            *([f"{progress.dropped} dropped"] if progress.dropped else []),
            *([f"{progress.failed} failed"] if progress.failed else []),
        ]
        return f"[{_clock(seconds)}] " + " · ".join(parts)


def _success(progress: "Progress") -> list[str]:
    if not progress.verdicts:
        return []
    from cocoon.evaluation.statistics.estimates import wilson

    rate = wilson(progress.named, progress.verdicts)
    interval = f" [{rate.low:.2f}, {rate.high:.2f}]" if rate.low is not None and rate.high is not None else ""
    return [f"SR {rate.value:.2f}{interval}"]


def _retries(models: "Models") -> list[str]:
    kinds: dict[str, int] = {}
    for pool in models.pools.values():
        for kind, number in pool.counts.retried.items():
            kinds[kind] = kinds.get(kind, 0) + number
    counts = ", ".join(f"{number} x {kind}" for kind, number in sorted(kinds.items()))
    return [f"retried {counts}"] if counts else []


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
