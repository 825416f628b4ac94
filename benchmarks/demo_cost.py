"""CPU seconds of `cocoon demo` with the embedded model: an earlier state of this package, and this one, in turn.

    python -m cocoon.benchmarks.demo_cost --before FOLDER [-n 2] [--rounds 2] [--repeats 1]

FOLDER holds a worktree of the earlier state under the name `cocoon`. The speech of the two runs may differ: in bfloat16
a reply depends on which rows are read beside it.
"""

import argparse
import json
import tempfile
from pathlib import Path

from cocoon.benchmarks.startup import cpu_seconds

DEMO = "import sys; sys.argv = ['cocoon', 'demo', *{words!r}]; from cocoon.cli.main import run; run()"
HERE = Path(__file__).resolve().parents[2]


def demo_seconds(tree: Path, words: list[str]) -> float:
    """CPU seconds of a demo by the package in `tree`, from the start of the interpreter to its end."""
    with tempfile.TemporaryDirectory() as folder:
        code = DEMO.format(words=[*words, "--out", f"{folder}/demo"])
        return cpu_seconds(code, PYTHONPATH=str(tree), OMP_NUM_THREADS="1")


def main() -> None:
    """Print one JSON line for each repetition."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--before", type=Path, required=True)
    parser.add_argument("-n", default="2")
    parser.add_argument("--rounds", default="2")
    parser.add_argument("--repeats", type=int, default=1)
    options = parser.parse_args()
    for _ in range(options.repeats):
        words = ["-n", options.n, "--rounds", options.rounds]
        before, after = (demo_seconds(tree, words) for tree in (options.before, HERE))
        print(json.dumps({"before": before, "after": after, "ratio": after / before}), flush=True)


if __name__ == "__main__":
    main()
