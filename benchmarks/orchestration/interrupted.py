"""kill -9 and SIGTERM at random moments of the commands that call models, each time resumed, against a run in peace.

    python -m cocoon.benchmarks.orchestration.interrupted --moments 20 --verbs simulate judge script profiles

The endpoint answers by prompt and logs every request. At the end all files must equal those of the uninterrupted run
but for times, and what was asked more often than in peace is what had to be asked again: after a kill at most what was
in flight, after SIGTERM nothing.
"""

import argparse
import json
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from cocoon.benchmarks.orchestration.processes import endpoint, save, start, stats, table
from cocoon.benchmarks.orchestration.run_compare import differences

VERBS = ("simulate", "judge", "script", "profiles")
CONNECTIONS = 4
SIGNALS = {"kill": signal.SIGKILL, "terminate": signal.SIGTERM}
# The interpreter, while it starts and while it ends, knows of no handler of ours.
ENDED = (-signal.SIGKILL, -signal.SIGTERM, 128 + signal.SIGTERM)


def command(verb: str, spec: str, out: Path, dialogues: Path, size: int) -> list[str]:
    """The words of a command that makes `size` dialogues or profiles; `judge` rates those of a file."""
    words = {
        "simulate": [
            *("simulate", "--profiles", "shipped:en", "-n", str(size), "--rounds", "3", "--user-kind", "prompted"),
            *("--supporter", spec, "--user", spec, "--judge", spec, "--scales", "basic,success"),
        ],
        "judge": ["judge", str(dialogues), "--judge", spec, "--scales", "basic,comfort,success"],
        "script": ["script", "--profiles", "shipped:en", "-n", str(size), "--writer", spec],
        "profiles": ["profiles", "build", "-n", str(size), "--language", "en", "--writer", spec],
    }
    return [*words[verb], "--concurrency", str(CONNECTIONS), "--out", str(out)]


def asked(log: Path, since: int = 0) -> Counter[str]:
    """How often each request stands in the endpoint's log, from a line on."""
    lines = log.read_text("utf-8").splitlines()[since:]
    return Counter(json.loads(line)["sha"] for line in lines)


def run_session(
    words: list[str], number: signal.Signals, draw: random.Random, is_due: Callable[[], bool] | None
) -> tuple[bool, list[str]]:
    """Run a command, and interrupt it soon after `is_due` says so (None: never).

    Returns whether the signal ended it, and what was wrong. An exit status of 1 is none, since some items may fail.
    """
    process = start([sys.executable, "-m", "cocoon.cli.main", *words])
    while is_due and process.poll() is None and not is_due():
        time.sleep(0.005)
    if is_due and process.poll() is None:
        time.sleep(draw.uniform(0.0, 0.1))
        process.send_signal(number)
    _, errors = process.communicate()
    interrupted = is_due is not None and process.returncode in ENDED
    is_wrong = not interrupted and process.returncode not in (0, 1)
    problems = [f"a session ended with {process.returncode}: {errors[-300:]}"] if is_wrong else []
    return interrupted, problems + ([errors[-300:]] if "Traceback" in errors else [])


@dataclass
class Interruptions:
    """One command interrupted again and again. `words` of it for a folder, `runs` are the run folders in that if any.

    `moments` are the requests after which a session is interrupted.
    """

    words: Callable[[Path], list[str]]
    number: signal.Signals
    spec: str
    log: Path
    place: Path
    draw: random.Random
    runs: str | None = None
    problems: list[str] = field(default_factory=list)
    sessions: int = 0
    repeated: int = 0

    def run(self, moments: int) -> None:
        """The run in peace, the interrupted one, and every check."""
        # Some commands keep where they were made, so both runs are made at one place.
        peace, broken = self.place / "peace", self.place / "run"
        first = self._requests()
        self._session(broken, None)
        broken.rename(peace)
        alone = asked(self.log, first)
        second = self._requests()
        for _ in range(moments):
            left = sum(alone.values()) - (self._requests() - second)
            self._session(broken, self.draw.randrange(max(1, left)))
        self._session(broken, None)
        self.repeated = sum((asked(self.log, second) - alone).values())
        for run in sorted(peace.glob(self.runs)) if self.runs else [peace]:
            other = broken / run.relative_to(peace)
            self.problems += [f"{run.name}: {name} differs" for name in differences(run, other)]
        if self.repeated > (CONNECTIONS * self.sessions if self.number == signal.SIGKILL else 0):
            self.problems.append(f"{self.repeated} requests were asked again")

    def _session(self, out: Path, after: int | None) -> None:
        """One session, interrupted after so many of its requests (None: not)."""
        before = self._requests()
        is_due = None if after is None else lambda: self._requests() - before >= after
        interrupted, problems = run_session(self.words(out), self.number, self.draw, is_due)
        self.sessions += interrupted
        self.problems += problems
        while any(stats(self.spec.partition("#")[0])[name] for name in ("in_flight", "waiting", "hanging")):
            time.sleep(0.02)

    def _requests(self) -> int:
        return self.log.read_bytes().count(b"\n") if self.log.exists() else 0


def main() -> int:
    """Interrupt, resume, compare. Exit code 1 if anything is off."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument("--verbs", nargs="+", default=list(VERBS), choices=VERBS)
    parser.add_argument("--signals", nargs="+", default=list(SIGNALS), choices=list(SIGNALS))
    parser.add_argument("--size", type=int, default=10, help="dialogues or profiles")
    parser.add_argument("--latency", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    rows: list[list[Any]] = []
    with tempfile.TemporaryDirectory(prefix="cocoon-interrupted-") as name:
        place = Path(name)
        with endpoint(latency=options.latency, log=place / "log") as url:
            spec = f"{url}#bench"
            source = command("simulate", spec, place / "source", place, options.size)
            start([sys.executable, "-m", "cocoon.cli.main", *source]).communicate()
            dialogues = place / "source" / "dialogues.jsonl"
            for verb in options.verbs:
                for kind in options.signals:
                    draw = random.Random(f"{verb}{kind}{options.seed}")
                    target = place / f"{verb}-{kind}"
                    words = partial(command, verb, spec, dialogues=dialogues, size=options.size)
                    trial = Interruptions(words, SIGNALS[kind], spec, place / "log", target, draw)
                    trial.run(options.moments)
                    rows.append([verb, kind, trial.sessions, trial.repeated, "; ".join(trial.problems) or "equal"])
                    print(rows[-1], file=sys.stderr, flush=True)
    heads = ["command", "signal", "sessions interrupted", "requests repeated", "files"]
    print(table(heads, rows))
    print(f"written to {save('interrupted', {'options': vars(options), 'rows': rows})}")
    return 1 if any(row[-1] != "equal" for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
