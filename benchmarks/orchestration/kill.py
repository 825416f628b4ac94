"""Random kill -9 of a run, each time resumed by the same command, against one that nobody killed.

    python benchmarks/orchestration/kill.py --kills 20 --kinds prompted guarded

The endpoint answers by prompt and logs every request. After each kill the journal is copied and read: a request whose
answer stands in it must never be asked again, and what is asked again must have been in flight at a kill. At the end
all files must equal those of the uninterrupted run but for times (`run_compare.TIMES`) and the manifest's sessions.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from cocoon.benchmarks.orchestration.processes import driver, endpoint, finish, save, start, stats, table
from cocoon.benchmarks.orchestration.run_compare import TIMES, answered_requests, differences

Moment = Literal["start-up", "work", "settle"]
SETTLE_S = 0.25
DEADLINE_S = 300


@dataclass
class Kill:
    """One kill and what it cost. `in_flight`: asked in the killed session, not journalled; `repeated`: of those,
    what was asked again, with the seconds of the epoch of every ask; `wrong`: journalled and asked all the same."""

    moment: Moment
    after_s: float
    journalled: int
    in_flight: list[str]
    repeated: dict[str, list[float]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


class Log:
    """The endpoint's log, read from where it was last left."""

    def __init__(self, path: Path, base_url: str) -> None:
        self.path, self.base_url, self._position = path, base_url, 0

    def settled(self) -> dict[str, list[float]]:
        """Times of every request since the last reading, by hash, once none of them is under way any more."""
        quiet = 0
        while quiet < 4:
            now = stats(self.base_url)
            quiet = quiet + 1 if now["in_flight"] == now["waiting"] == now["hanging"] == 0 else 0
            time.sleep(0.05)
        with self.path.open("rb") as handle:
            handle.seek(self._position)
            lines = handle.read()
        self._position += len(lines)
        asked: dict[str, list[float]] = {}
        for line in map(json.loads, lines.splitlines()):
            asked.setdefault(line["sha"], []).append(line["started"])
        return asked


@dataclass
class Trial:
    """One kind of user: a run in peace, and the same run killed again and again."""

    kind: str
    base_url: str
    log: Log
    place: Path
    options: argparse.Namespace
    draw: random.Random
    kills: list[Kill] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    peace_calls: int = 0
    ratings: int = 0

    @property
    def killed(self) -> Path:
        return self.place / f"{self.kind}-killed"

    @property
    def peace(self) -> Path:
        return self.place / f"{self.kind}-peace"

    def command(self, out: Path) -> list[str]:
        flags = {name: getattr(self.options, name) for name in ("dialogues", "rounds", "connections")}
        return driver(self.kind, self.base_url, out, **flags)

    def run(self) -> None:
        """Both runs, and every check."""
        code, _, words = finish(start(self.command(self.peace)))
        asked = self.log.settled()
        self.peace_calls = len(asked)
        self.ratings = _lines(self.peace / "ratings.jsonl")
        if code or set(asked) != answered_requests(self.peace, "fake"):
            self.problems.append(f"the run in peace is no measure: exit code {code} {words}")
            return
        self._kill_again_and_again()
        if not self.problems:
            self.problems += [f"{name} differs" for name in differences(self.peace, self.killed)]
        if not self.problems and (self.killed / "failures.jsonl").read_bytes():
            self.problems.append("failures.jsonl is not empty")

    def _kill_again_and_again(self) -> None:
        known: set[str] = set()
        open_asks: dict[str, Kill] = {}
        asks: dict[str, list[float]] = {}
        for moment in self._moments():
            kill = self._killed_at(*moment)
            if self.problems:
                return
            asked = self.log.settled()
            self._book(asked, asks, known, open_asks)
            known = answered_requests(self.killed, "fake")
            kill.journalled, kill.in_flight = len(known), sorted(set(asked) - known)
            open_asks |= dict.fromkeys(kill.in_flight, kill)
            self.kills.append(kill)
            print(f"{self.kind}: kill {len(self.kills)}, {kill.moment} {kill.after_s:.2f} s", file=sys.stderr)
        code, told, words = finish(start(self.command(self.killed)))
        self._book(self.log.settled(), asks, known, open_asks)
        if code or told.get("failures"):
            self.problems.append(f"the last session ended with exit code {code} {words}")
        self._judge(open_asks)

    def _book(
        self, asked: dict[str, list[float]], asks: dict[str, list[float]], known: set[str], open_asks: dict[str, Kill]
    ) -> None:
        """Hold what one session asked against what was known when it began."""
        wrong = sorted(set(asked) & known)
        if wrong and self.kills:
            self.kills[-1].wrong += wrong
        twice = [sha for sha, times in Counter({sha: len(times) for sha, times in asked.items()}).items() if times > 1]
        if twice:
            self.problems.append(f"{len(twice)} requests were asked twice in one session")
        for sha, times in asked.items():
            asks[sha] = asks.get(sha, []) + times
            if sha in open_asks:
                open_asks.pop(sha).repeated[sha] = asks[sha]

    def _judge(self, open_asks: dict[str, Kill]) -> None:
        for number, kill in enumerate(self.kills, 1):
            if kill.wrong:
                self.problems.append(f"kill {number}: {len(kill.wrong)} journalled calls were asked again")
            if len(kill.in_flight) > self.options.connections:
                self.problems.append(f"kill {number}: {len(kill.in_flight)} unanswered requests, more than connections")
        if open_asks:
            self.problems.append(f"{len(open_asks)} requests in flight at a kill were never asked again")

    def _moments(self) -> list[tuple[Moment, float]]:
        """A fifth while starting up (and replaying), a fifth while settling, the rest all over the work."""
        fifth = self.options.kills // 5
        work = sorted(self.draw.uniform(0.0, 1.0) for _ in range(self.options.kills - 2 * fifth))
        moments: list[tuple[Moment, float]] = [("work", share) for share in work]
        for _ in range(fifth):
            moments.insert(self.draw.randrange(len(moments) + 1), ("start-up", self.draw.uniform(0.0, 2.5)))
        return moments + [("settle", self.draw.uniform(0.0, SETTLE_S)) for _ in range(fifth)]

    def _killed_at(self, moment: Moment, where: float) -> Kill:
        """Start a session and kill it at a moment: seconds from its start, share of the work, seconds of settling."""
        began, before = time.time(), _stamp(self.killed / "manifest.json")
        process = start(self.command(self.killed))
        if moment == "work":
            self._wait_for(process, lambda: stats(self.base_url)["answered"] - self.peace_calls >= where * self._left())
            time.sleep(self.draw.uniform(0.0, 0.2))
        elif moment == "settle":
            self._wait_for(process, lambda: _stamp(self.killed / "manifest.json") != before and self._rated())
            time.sleep(where)
        else:
            time.sleep(where)
        process.kill()
        code, _, words = finish(process)
        if code == 0:
            return self._killed_at(moment, 0.6 * where)  # The session was done before its kill came.
        if code != -9:
            self.problems.append(f"a session ended by itself before its kill: {code} {words}")
        return Kill(moment, round(time.time() - began, 3), 0, [])

    def _left(self) -> float:
        return self.peace_calls - self.options.connections

    def _rated(self) -> bool:
        return _lines(self.killed / "ratings.jsonl") >= self.ratings

    def _wait_for(self, process: Any, reached: Any) -> None:
        began = time.monotonic()
        while not reached() and process.poll() is None:
            if time.monotonic() - began > DEADLINE_S:
                self.problems.append(f"a session came to nothing in {DEADLINE_S} s")
                return
            time.sleep(0.01)

    def lines(self) -> list[list[Any]]:
        """A row of the table for each kill."""
        return [
            [
                number,
                kill.moment,
                kill.after_s,
                kill.journalled,
                len(kill.in_flight),
                len(kill.repeated),
                len(kill.wrong),
            ]
            for number, kill in enumerate(self.kills, 1)
        ]


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def _stamp(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


def main() -> int:
    """Kill, resume, compare; exit code 1 if anything is off."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--kinds", nargs="+", default=["prompted", "guarded"], choices=["prompted", "guarded"])
    parser.add_argument("--dialogues", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="draws the moments of the kills")
    options = parser.parse_args()
    told: dict[str, Any] = {"options": vars(options), "left_out_as_times": TIMES, "kinds": {}}
    with tempfile.TemporaryDirectory(prefix="cocoon-kill-") as name:
        for kind in options.kinds:
            told["kinds"][kind] = _try(kind, Path(name), options)
    print(f"\nwritten to {save('kill', told)}")
    return 1 if any(each["problems"] for each in told["kinds"].values()) else 0


def _try(kind: str, place: Path, options: argparse.Namespace) -> dict[str, Any]:
    log = place / f"{kind}.log"
    with endpoint(latency=options.latency, cap=options.connections, log=log) as url:
        trial = Trial(kind, url, Log(log, url), place, options, random.Random(f"{kind}{options.seed}"))
        trial.run()
    heads = [
        "kill",
        "moment",
        "s after start",
        "journalled",
        "in flight",
        "of those asked again",
        "journalled asked again",
    ]
    repeats = sum(len(kill.repeated) for kill in trial.kills)
    print(f"\n{kind}, {trial.peace_calls} calls, seed {options.seed}\n\n{table(heads, trial.lines())}\n")
    verdict = "; ".join(trial.problems) or f"equal to the run in peace, {repeats} requests repeated, none journalled"
    print(f"{'FAILED' if trial.problems else 'ok'}: {kind}: {verdict}", flush=True)
    return {"calls": trial.peace_calls, "problems": trial.problems, "kills": [asdict(kill) for kill in trial.kills]}


if __name__ == "__main__":
    sys.exit(main())
