"""`cocoon plan` beside runs that were measured: seconds from the first request to the last answer, told and taken.

    python -m cocoon.benchmarks.orchestration.plan_check

Three runs: one process, two shards, and a guarded user whose answers take times that vary. Each plan takes its seconds
from a small run at the same endpoint, in as many processes.
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cocoon.benchmarks.orchestration.cocoon_driver import study
from cocoon.benchmarks.orchestration.processes import endpoint, finish, save, table
from cocoon.benchmarks.orchestration.shards import rate, shard_folders, work
from cocoon.running.scale.plan import PlanConfig, plan_study

MOST = 0.15


@dataclass(frozen=True)
class Trial:
    """A run to be planned and measured. The small run before has `like` dialogues in each process."""

    name: str
    kind: str
    processes: int
    connections: int
    dialogues: int
    rounds: int
    latency: float
    cv: float = 0.0
    like: int = 8

    def run(self, url: str, place: Path, dialogues: int, processes: int) -> list[Path]:
        """Make so many dialogues in so many shards, and return their folders."""
        options = argparse.Namespace(kind=self.kind, rounds=self.rounds, connections=self.connections, loading=15.0)
        outs = shard_folders(place, processes)
        ended = [finish(each) for each in work(url, outs, options, dialogues, sharded=processes > 1)]
        if any(code for code, _, _ in ended):
            raise SystemExit(f"a process ended with {ended}")
        return outs

    def compare(self, place: Path) -> dict[str, float]:
        """Return the seconds that were planned and those that were measured."""
        with endpoint(latency=self.latency, cv=self.cv) as url:
            like = self.run(url, place / "like", self.like * self.processes, self.processes)[0]
        place.mkdir(parents=True, exist_ok=True)
        log = place / "log"
        with endpoint(latency=self.latency, cv=self.cv, log=log) as url:
            self.run(url, place / "run", self.dialogues, self.processes)
            settings = argparse.Namespace(
                base_url=url, rounds=self.rounds, connections=self.connections, kind=self.kind, shard=None
            )
            assumed = PlanConfig(
                machines=[self.processes], people=self.dialogues, like=like, seconds=self.latency, start=0.0
            )
            (row,) = plan_study(study(settings).config, assumed)
        measured = rate(log, self.latency)
        return {"planned": row.seconds, "measured": measured["seconds"], "calls": measured["calls"], "told": row.calls}


TRIALS = (
    Trial("one process", "prompted", 1, 16, 32, 3, 1.0),
    Trial("two shards", "prompted", 2, 16, 64, 3, 1.0),
    Trial("guarded user, times that vary", "guarded", 1, 12, 20, 4, 0.8, cv=0.8),
)


def main() -> int:
    """Plan, measure, compare. Exit code 1 if a plan is off by more than 15 %."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    rows: list[list[object]] = []
    with tempfile.TemporaryDirectory(prefix="cocoon-plan-") as name:
        for number, trial in enumerate(TRIALS):
            seconds = trial.compare(Path(name, str(number)))
            off = seconds["planned"] / seconds["measured"] - 1
            rows.append([trial.name, seconds["told"], seconds["calls"], *list(seconds.values())[:2], round(off, 3)])
            print(rows[-1], file=sys.stderr, flush=True)
    heads = ["run", "calls planned", "calls made", "seconds planned", "seconds measured", "off by"]
    print(table(heads, rows))
    print(f"written to {save('plan_check', {'rows': rows})}")
    return 1 if any(abs(float(str(row[-1]))) > MOST for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
