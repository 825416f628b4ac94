"""What a long command shows while it works.

A terminal and a notebook have one line that is updated. Elsewhere a plain line is printed every ten seconds.
"""

import asyncio
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, TextIO

from cocoon.core.progress import LongWork

if TYPE_CHECKING:
    from rich.live import Live

    from cocoon.models.by_name import Models
    from cocoon.models.ledger import Ledger
    from cocoon.running.work import Progress
    from cocoon.training.fit.trainer import TrainingStep

PLAIN_EVERY = 10.0
LIVE_EVERY = 0.5
FIRST_LINE = 4.0
"""Seconds of silence after which long work speaks where no terminal is."""


def in_notebook() -> bool:
    """Return whether this process is the kernel of a notebook."""
    # A program that is no notebook never pays for the import of IPython.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def people_stream() -> TextIO:
    """Return where messages for people go: stderr, and stdout in a notebook, which shows stderr as an error."""
    return sys.stdout if in_notebook() else sys.stderr


class Watcher:
    """Shows progress on `stream` until it is cancelled. Without a stream it takes what fits terminal or notebook."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or people_stream()
        self._shows_display = stream is None and in_notebook()
        self._began = time.monotonic()

    async def __call__(self, progress: "Progress", models: "Models") -> None:
        """Run beside the session."""
        if self._shows_display:
            await self._displayed(progress, models)
        if self._stream.isatty():
            await self._live(progress, models)
        while True:
            await asyncio.sleep(PLAIN_EVERY)
            print(self.line(progress, models), file=self._stream, flush=True)

    async def _displayed(self, progress: "Progress", models: "Models") -> None:
        """Update one output of the notebook's cell, which keeps the last line."""
        from IPython.display import display

        def shown() -> dict[str, str]:
            return {"text/plain": self.line(progress, models)}

        output = display(shown(), raw=True, display_id=True)
        if output is None:
            return
        try:
            while True:
                await asyncio.sleep(LIVE_EVERY)
                output.update(shown(), raw=True)
        finally:
            output.update(shown(), raw=True)

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
        ledger = models.ledger
        parts = [
            f"{done}/{progress.dialogues} {progress.things}",
            f"{progress.calls} calls{_of_expected(progress)}",
            *_success(progress),
            f"{(ledger.tokens_in + ledger.tokens_out) / 1000:.0f}k tokens",
            *_money(ledger),
            *_time_left(progress, seconds),
            *_retries(models),
            *_outages(models),
            *filter(None, [progress.batches()]),
            *([f"{progress.dropped} dropped"] if progress.dropped else []),
            *([f"{progress.failed} failed"] if progress.failed else []),
        ]
        return f"[{_clock(seconds)}] " + " · ".join(parts)


def _of_expected(progress: "Progress") -> str:
    if progress.replayed:
        return f" ({progress.replayed} from the journal)"
    return f" of about {progress.expected}" if progress.expected else ""


def _time_left(progress: "Progress", seconds: float) -> list[str]:
    """Return the time that is left by the dialogues that are done, or before the first one by the calls."""
    if progress.done:
        rest = (progress.dialogues - progress.done - progress.resumed) / progress.done
    elif progress.expected and progress.calls > progress.replayed:
        rest = max(0, progress.expected - progress.calls) / progress.calls
    else:
        return []
    return [f"ETA {_clock(seconds * rest)}"]


def _money(ledger: "Ledger") -> list[str]:
    limit = ledger.limits.money
    return [f"cost {ledger.spent:.2f}" + (f" of {limit:g}" if limit else "")] if ledger.spent else []


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


def _outages(models: "Models") -> list[str]:
    return [
        f"{name} answers nobody for {_clock(pool.breaker.down_for)} ({pool.breaker.problem[:60]})"
        for name, pool in models.pools.items()
        if pool.breaker.is_open
    ]


class WorkLine:
    """Shows the innermost long work that is under way: one live line in a terminal, elsewhere a line now and then."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or people_stream()
        self._under_way: list[LongWork] = []
        self._live: Live | None = None
        self._idle = threading.Event()

    def begin(self, work: LongWork) -> None:
        """Show a piece of work."""
        self._under_way.append(work)
        if len(self._under_way) > 1:
            return
        self._idle = threading.Event()
        if self._stream.isatty():
            self._start_live()
        else:
            threading.Thread(target=self._print_lines, args=(self._idle,), daemon=True).start()

    def end(self, work: LongWork) -> None:
        """Show a piece of work no longer, and nothing once all has ended."""
        self._under_way.remove(work)
        if self._under_way:
            return
        self._idle.set()
        if self._live is not None:
            self._live.stop()
            self._live = None

    def line(self) -> str:
        """Return what is done, how far it is, and how long it may still take."""
        if not self._under_way:
            return ""
        work = self._under_way[-1]
        counted = f": {work.done}" if work.done else " ..."
        far = f": {work.done} of {work.total}" if work.total else counted
        left = work.seconds_left()
        rest = f", about {_clock(left)} left" if left is not None else ""
        return f"[{_clock(time.monotonic() - work.began)}] {work.what}{far}{rest}"

    def _start_live(self) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        console = Console(file=self._stream)
        # What goes into a file through stdout is no line of the terminal.
        self._live = Live(
            console=console,
            get_renderable=lambda: Text(self.line()),
            transient=True,
            redirect_stdout=sys.stdout.isatty(),
        )
        self._live.start()

    def _print_lines(self, idle: threading.Event) -> None:
        wait = FIRST_LINE
        while not idle.wait(wait):
            print(self.line(), file=self._stream, flush=True)
            wait = PLAIN_EVERY


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


class TrainingWatcher:
    """Shows a training on `stream` (stderr): a bar in a terminal, elsewhere a line at times and at each validation."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._began = time.monotonic()
        self._last_line = 0.0
        self._bar: Any = None
        self._task: Any = None
        self._validation = ""

    def __enter__(self) -> "TrainingWatcher":
        if self._stream.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
            self._bar = Progress(*columns, console=Console(file=self._stream), transient=True)
            self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, step: "TrainingStep") -> None:
        """Show a step."""
        validated = step.validation_loss is not None
        if validated:
            self._validation = f" · validation {step.validation_loss:.4f}"
        loss = f" · loss {step.loss:.4f}" if step.loss is not None else ""
        line = f"epoch {step.epoch:.2f}{loss}{self._validation}"
        if self._bar is not None:
            self._task = self._task if self._task is not None else self._bar.add_task(line, total=step.steps)
            self._bar.update(self._task, completed=step.step, description=line)
        elif validated or time.monotonic() - self._last_line > PLAIN_EVERY:
            self._last_line = time.monotonic()
            seconds = self._last_line - self._began
            print(f"[{seconds:.0f} s] step {step.step}/{step.steps} · {line}", file=self._stream, flush=True)
