"""This project's own row of the orchestration benchmark: the real graphs, pool, journal and trace.

python benchmarks/orchestration/cocoon_driver.py prompted --base-url URL --dialogues 64 --rounds 10 --connections 32
"""

import argparse
import json
import resource
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import cocoon.models.remote.endpoint  # noqa: F401  (loaded before the clock starts, as the peers load their clients)
from cocoon.core.config import StudyConfig, SupporterConfig
from cocoon.core.jsonl import read_records
from cocoon.core.outside.event_loop import run_coroutine
from cocoon.core.records import Profile
from cocoon.running.session import forbid_cloud_tracing, simulate
from cocoon.running.study import Study, open_models

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples" / "profiles"


def profiles(number: int) -> list[Profile]:
    """So many profiles, the shipped ones over and over under new ids."""
    shipped = [profile for name in ("en", "zh") for profile in read_records(EXAMPLES / f"{name}.jsonl", Profile)]
    return [_renamed(shipped[index % len(shipped)], index) for index in range(number)]


def _renamed(profile: Profile, index: int) -> Profile:
    # Another feeling as well as another id: the same prompt at temperature 0 would be asked only once.
    new = {"id": f"p{index:05}", "translation_of": None, "feeling": f"{profile.feeling} ({index})"}
    return profile.model_copy(update=new, deep=True)


def study(arguments: argparse.Namespace) -> Study:
    """The workload's settings: five judges (both success modes, basic, comfort, rac)."""
    spec = f"{arguments.base_url}#fake"
    config = StudyConfig(rounds=arguments.rounds, concurrency=arguments.connections)
    config.supporters = [SupporterConfig(model=spec)]
    config.user.model = spec
    config.user.kind = arguments.kind
    config.judge.model = spec
    # Calls that the workload does not count.
    config.form_pairs = 0
    config.shard = arguments.shard
    return Study(config, open_models(config))


def cpu() -> float:
    """CPU seconds of this process and its children so far."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


def stats(base_url: str) -> dict[str, object]:
    """The endpoint's own account."""
    with urllib.request.urlopen(base_url.removesuffix("/v1") + "/stats", timeout=10) as reply:
        told = json.load(reply)
    told.pop("duplicates", None)
    return told


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["prompted", "guarded"])
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--dialogues", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--out", type=Path, help="keep the run folder here; a folder that is there is resumed")
    parser.add_argument("--shard", help="only part I/N of the people")
    parser.add_argument(
        "--begin", type=float, default=0.0, help="seconds of the epoch to wait for before the first call"
    )
    arguments = parser.parse_args()
    forbid_cloud_tracing()
    wanted = profiles(arguments.dialogues)
    time.sleep(max(0.0, arguments.begin - time.time()))
    out = arguments.out or Path(tempfile.mkdtemp(prefix="cocoon-bench-")) / "run"
    began, spent = time.perf_counter(), cpu()
    outcome = run_coroutine(simulate(study(arguments), wanted, out))
    result = {
        "calls": outcome.progress.calls,
        "wall_s": time.perf_counter() - began,
        "cpu_s": cpu() - spent,
        "cpu_s_total": cpu(),
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "replayed": outcome.progress.replayed,
        "failures": outcome.failures,
        "stats": stats(arguments.base_url),
    }
    print(json.dumps(result))
    return outcome.exit_code


if __name__ == "__main__":
    sys.exit(main())
