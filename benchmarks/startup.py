"""CPU time of `cocoon --help`: what a user waits for before anything is printed.

Run with `python -m cocoon.benchmarks.startup [RUNS]`. Each run is a fresh interpreter; the first one, which
may still compile bytecode, is not counted.
"""

import json
import os
import resource
import statistics
import subprocess
import sys

GOAL_SECONDS = 0.4
HELP = "import sys; sys.argv = ['cocoon', '--help']; from cocoon.cli.main import run; run()"


def cpu_seconds(code: str, **environment: str) -> float:
    """User plus system time, in seconds, of a fresh interpreter that runs `code`; a failure raises."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, check=True, env=os.environ | environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(code: str, runs: int) -> dict[str, float]:
    """Median, lowest and highest CPU seconds over `runs` counted runs."""
    cpu_seconds(code)
    times = [cpu_seconds(code) for _ in range(runs)]
    return {"median": statistics.median(times), "lowest": min(times), "highest": max(times)}


def main() -> None:
    """Prints one JSON line: CPU seconds of `cocoon --help`, of a bare interpreter, and the goal."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    result = {"runs": runs, "help": measure(HELP, runs), "bare": measure("pass", runs), "goal": GOAL_SECONDS}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
