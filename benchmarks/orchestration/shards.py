"""One run in shards: its throughput beside that of one process, and a killed shard, against the run of one process.

    python -m cocoon.benchmarks.orchestration.shards --shards 4 --connections 32 --latency 1 --dialogues 64

Every process has the same connections and the same number of dialogues, and the endpoint answers after a fixed time, so
that the endpoint is the limit. Throughput is calls a second from the first request to the last answer. All processes
begin at one moment, when they have loaded their modules. Then a smaller
run is made by as many shards, of which one is killed and started again, merged, and compared with that of one process.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cocoon
from cocoon.benchmarks.orchestration.processes import driver, endpoint, finish, save, start, stats, table
from cocoon.benchmarks.orchestration.run_compare import differences


def shard_folders(place: Path, count: int) -> list[Path]:
    """The folders of all shards."""
    return [place / f"s{index}" for index in range(1, count + 1)]


def work(url: str, outs: Sequence[Path], options: argparse.Namespace, dialogues: int, *, sharded: bool) -> list[Any]:
    """Start a process for each folder, all at one moment."""
    size = {"dialogues": dialogues, "rounds": options.rounds, "connections": options.connections}
    size["begin"] = time.time() + options.loading
    shards = [{"shard": f"{index}/{len(outs)}"} if sharded else {} for index in range(1, len(outs) + 1)]
    return [start(driver(options.kind, url, out, **size, **shard)) for out, shard in zip(outs, shards, strict=True)]


def rate(log: Path, latency: float) -> dict[str, float]:
    """Calls, seconds from the first request to the last answer, and calls a second, from the endpoint's log."""
    asked = sorted(json.loads(line)["started"] for line in log.read_text("utf-8").splitlines())
    seconds = asked[-1] + latency - asked[0]
    return {"calls": len(asked), "seconds": round(seconds, 2), "rate": len(asked) / seconds}


def throughput(place: Path, options: argparse.Namespace) -> list[dict[str, float]]:
    """The rates of one process and of all shards, each on an endpoint of its own."""
    rates: list[dict[str, float]] = []
    for count in (1, options.shards):
        log, folder = place / f"{count}.log", place / f"rate-{count}"
        with endpoint(latency=options.latency, cap=options.connections * options.shards, log=log) as url:
            outs = shard_folders(folder, count)
            began = time.monotonic()
            processes = work(url, outs, options, options.dialogues * count, sharded=count > 1)
            ended = [finish(process) for process in processes]
            wall = time.monotonic() - began
        if any(code for code, _, _ in ended):
            raise SystemExit(f"a process ended with {ended}")
        rates.append({"processes": count, **rate(log, options.latency), "wall_s": round(wall, 2)})
        rates[-1]["cpu_s"] = round(sum(told["cpu_s_total"] for _, told, _ in ended), 2)
    return rates


def killed(place: Path, options: argparse.Namespace) -> list[str]:
    """Kill one of the shards in the middle, start it again, merge, and return what differs from one process."""
    with endpoint(latency=0.1, cap=options.connections * options.shards) as url:
        (process,) = work(url, [place / "single"], options, options.small, sharded=False)
        finish(process)
        calls = stats(url)["answered"]
        outs = shard_folders(place, options.shards)
        processes = work(url, outs, options, options.small, sharded=True)
        victim = random.Random(options.seed).randrange(options.shards)
        under_way = outs[victim] / "under_way.jsonl"
        while processes[victim].poll() is None and not (
            under_way.exists() and b'"role":"user"' in under_way.read_bytes()
        ):
            time.sleep(0.02)
        processes[victim].kill()
        codes = [finish(process)[0] for process in processes]
        code, told, words = finish(start(processes[victim].args))
        repeated = stats(url)["answered"] - 2 * calls
    problems = [] if code == 0 and codes.count(-9) == 1 else [f"processes ended with {codes}, then {code}: {words}"]
    replayed = told.get("replayed")
    print(
        f"shard {victim + 1} was killed, then had {replayed} calls from its journal; {repeated} calls were asked again"
    )
    cocoon.merge(*outs, out=place / "merged")
    verification = cocoon.verify(place / "merged")
    problems += differences(place / "single", place / "merged")
    return problems + [problem.one_line() for problem in verification.problems]


def main() -> int:
    """Measure, kill, compare. Exit code 1 if the merged run differs or four processes are not worth 3.6."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--connections", type=int, default=32, help="of each process")
    parser.add_argument("--latency", type=float, default=1.0)
    parser.add_argument("--dialogues", type=int, default=64, help="of each process, while throughput is measured")
    parser.add_argument("--small", type=int, default=24, help="dialogues of the run that is killed")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--loading", type=float, default=8.0, help="seconds for the processes to load their modules")
    parser.add_argument("--seed", type=int, default=0, help="chooses the shard that is killed")
    parser.add_argument("--kind", default="prompted", choices=["prompted", "guarded"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cocoon-shards-") as name:
        rates = throughput(Path(name), options)
        problems = killed(Path(name), options)
    ratio = rates[1]["rate"] / rates[0]["rate"]
    heads = ["processes", "calls", "seconds", "calls a second", "seconds with loading", "CPU s"]
    keys = ("processes", "calls", "seconds", "rate", "wall_s", "cpu_s")
    print(f"\n{table(heads, [[round(row[key], 2) for key in keys] for row in rates])}\n")
    print(f"{ratio:.2f} times one process, {ratio / options.shards:.2f} of {options.shards}")
    print("; ".join(problems) or "the merged run equals that of one process but for times, and verifies")
    print(f"written to {save('shards', {'options': vars(options), 'rates': rates, 'problems': problems})}")
    return 1 if problems or ratio < 0.9 * options.shards else 0


if __name__ == "__main__":
    sys.exit(main())
