"""Peak memory by number of dialogues, and what it costs to replay a run from its journal.

    python benchmarks/orchestration/memory.py

Every figure comes from a process of its own. A replay starts from a run folder that holds nothing but its journal,
asks the endpoint nothing, and must come to the same files.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from cocoon.benchmarks.orchestration.processes import driver, endpoint, finish, save, start, stats, table
from cocoon.benchmarks.orchestration.run_compare import differences

GROWTH = 0.2
REPLAY_MS = 0.67
RECORDS = ("dialogues.jsonl", "ratings.jsonl", "trace.jsonl", "failures.jsonl", "manifest.json", "config.yaml")


def measure(base_url: str, out: Path, dialogues: int, rounds: int) -> dict[str, Any]:
    """One driver process: what it told, with the dialogues and their calls."""
    code, told, words = finish(start(driver("prompted", base_url, out, dialogues=dialogues, rounds=rounds)))
    if code:
        raise SystemExit(f"the driver ended with exit code {code}: {words}")
    return {name: told[name] for name in ("calls", "replayed", "wall_s", "cpu_s", "peak_rss_mb")}


def memory(base_url: str, place: Path, sizes: list[int], rounds: int) -> list[dict[str, Any]]:
    """Runs of growing size, each in an empty folder."""
    runs = []
    for dialogues in sizes:
        runs.append({"dialogues": dialogues} | measure(base_url, place / f"run-{dialogues}", dialogues, rounds))
        print(f"{dialogues} dialogues: {runs[-1]['peak_rss_mb']:.0f} MB", file=sys.stderr, flush=True)
    return runs


def replays(base_url: str, place: Path, repeats: int) -> list[dict[str, Any]]:
    """The run of 64 dialogues by 10 rounds, made once and then replayed from its journal alone."""
    made = place / "made"
    measure(base_url, made, 64, 10)
    asked, found = stats(base_url)["calls"], []
    for number in range(repeats):
        again = place / f"replay-{number}"
        shutil.copytree(made, again)
        for name in RECORDS:
            (again / name).unlink()
        found.append(measure(base_url, again, 64, 10) | {"differences": differences(made, again)})
    if stats(base_url)["calls"] != asked:
        raise SystemExit("a replay asked the endpoint")
    return found


def main() -> int:
    """Measure; exit code 1 when memory grows or a replay is too dear or comes to something else."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="*", default=[64, 500, 2000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--latency", type=float, default=0.002)
    parser.add_argument("--repeats", type=int, default=5, help="of the replay")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cocoon-memory-") as name, endpoint(latency=options.latency) as url:
        again = replays(url, Path(name), options.repeats)
        runs = memory(url, Path(name), options.sizes, options.rounds)
    first = runs[0]["peak_rss_mb"] if runs else 0.0
    rows = [
        [one["dialogues"], one["calls"], f"{one['peak_rss_mb']:.0f}", f"{one['peak_rss_mb'] / first:.3f}"]
        for one in runs
    ]
    print(table(["dialogues", "calls", "peak RSS MB", "to the first"], rows))
    costs = [1000 * one["cpu_s"] / one["calls"] for one in again]
    print(f"\nreplay of 64 x 10: {min(costs):.3f} ms of CPU per call at least, {median(costs):.3f} in the median")
    flat = all(one["peak_rss_mb"] <= (1 + GROWTH) * first for one in runs)
    whole = all(one["replayed"] == one["calls"] and not one["differences"] for one in again)
    lean = min(costs) <= REPLAY_MS
    print(f"{'ok' if flat and whole and lean else 'FAILED'}: memory flat {flat}, replay equal {whole}, lean {lean}")
    print(f"written to {save('memory', {'options': vars(options), 'memory': runs, 'replay': again})}")
    return 0 if flat and whole and lean else 1


if __name__ == "__main__":
    sys.exit(main())
