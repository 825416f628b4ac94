"""Efficiency and cost of the orchestration, beside other tools on the same workload in one run.

    python benchmarks/orchestration/orchestration.py --repeats 3 --peer-python ../venv-bench/bin/python

Every run gets a fresh endpoint process and a fresh driver process; the systems take turns, so that a busy
spell of the machine falls on all of them. E_span is the ideal time over the endpoint's span from the first
request to the last answer; the ideal is the larger of all service time over the connections and the longest
chain.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from cocoon.benchmarks.orchestration.processes import endpoint, environment

HERE = Path(__file__).resolve().parent.parent
OWN_DRIVER = HERE / "orchestration/cocoon_driver.py"
System = Literal["cocoon", "cocoon-guarded", "httpx", "openai", "openevals", "inspect"]


class Study(BaseModel):
    """What is run: the workload, the endpoint's latency in seconds, and how often."""

    model_config = ConfigDict(extra="forbid")

    dialogues: int = Field(ge=1)
    rounds: int = Field(ge=1)
    connections: int = Field(ge=1)
    latency: float = Field(gt=0)
    cv: float = Field(ge=0)
    repeats: int = Field(ge=1)
    systems: list[System]


class Run(BaseModel):
    """One system, once. Times are seconds; `error` is the last line that a failed driver wrote."""

    model_config = ConfigDict(extra="forbid")

    system: System
    repeat: int
    load: float
    error: str | None = None
    ideal_s: float | None = None
    span_s: float | None = None
    driver: dict[str, Any] = {}

    @property
    def efficiency(self) -> float:
        """Ideal time over span, 1 at best."""
        assert self.ideal_s is not None and self.span_s is not None
        return self.ideal_s / self.span_s

    @property
    def cpu_ms(self) -> float:
        """CPU milliseconds of the driver per call."""
        return 1000 * self.driver["cpu_s"] / self.driver["calls"]

    @property
    def whole(self) -> bool:
        """Whether all calls were made: a peer compares counts, our own driver lists failures."""
        return self.driver["complete"] if "complete" in self.driver else not self.driver["failures"]


def command_of(system: System, peer_python: str) -> list[str]:
    """The driver's command line up to the flags that all drivers share."""
    if system.startswith("cocoon"):
        return [sys.executable, str(OWN_DRIVER), "guarded" if system == "cocoon-guarded" else "prompted"]
    return [peer_python, str(HERE / "orchestration/peers.py"), system]


def run_once(study: Study, system: System, repeat: int, peer_python: str) -> Run:
    """Run one system against an endpoint of its own."""
    made = Run(system=system, repeat=repeat, load=round(os.getloadavg()[0], 2))
    with endpoint(latency=study.latency, cv=study.cv, cap=study.connections) as url:
        flags = {"--base-url": url, "--dialogues": study.dialogues, "--rounds": study.rounds}
        flags |= {"--connections": study.connections}
        command = command_of(system, peer_python) + [str(part) for pair in flags.items() for part in pair]
        done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)
    if done.returncode != 0 or not done.stdout.strip():
        made.error = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return made
    made.driver = json.loads(done.stdout.strip().splitlines()[-1])
    stats = made.driver["stats"]
    made.span_s = stats["last"] - stats["first"]
    made.ideal_s = ideal_seconds(study, stats)
    return made


def ideal_seconds(study: Study, stats: dict[str, Any]) -> float:
    """The least time that the answered work can take on the connections."""
    chain = stats["longest_chain_s"]
    if study.cv == 0:
        chain = max(chain, (2 * study.rounds + 1) * study.latency)
    return max(stats["service_s"] / study.connections, chain)


def available(systems: list[System]) -> list[System]:
    """The systems whose driver is there; says which are not."""
    if not OWN_DRIVER.exists() and any(system.startswith("cocoon") for system in systems):
        print(f"skipped: {OWN_DRIVER.name} is not there yet", file=sys.stderr)
        systems = [system for system in systems if not system.startswith("cocoon")]
    return systems


def run_all(study: Study, peer_python: str) -> list[Run]:
    """All repeats of all systems, taking turns; every other round goes backwards."""
    runs = []
    for repeat in range(study.repeats):
        for system in study.systems if repeat % 2 == 0 else study.systems[::-1]:
            runs.append(run_once(study, system, repeat, peer_python))
            print(_progress(runs[-1]), file=sys.stderr, flush=True)
    return runs


def _progress(run: Run) -> str:
    head = f"{run.system} #{run.repeat + 1}:"
    if run.error is not None:
        return f"{head} failed: {run.error}"
    told = f"{head} E_span {run.efficiency:.3f}, {run.cpu_ms:.2f} ms/call, load {run.load}"
    return told if run.whole else f"{told} INCOMPLETE after {run.driver['calls']} calls"


def table(study: Study, runs: list[Run]) -> str:
    """A Markdown table, medians with the best value in brackets."""
    heads = ["system", "runs", "calls", "E_span (best)", "span s", "CPU ms/call (least)", "CPU to ours"]
    heads += ["RSS MB", "endpoint CPU ms/call", "load"]
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    ours = _cpu([run for run in runs if run.system == "cocoon" and run.error is None])
    for system in study.systems:
        of_it = [run for run in runs if run.system == system]
        lines.append(f"| {' | '.join([system, *_cells([run for run in of_it if run.error is None], of_it, ours)])} |")
    return "\n".join(lines)


def _cpu(runs: list[Run]) -> float | None:
    return median(run.cpu_ms for run in runs) if runs else None


def _cells(good: list[Run], tried: list[Run], ours: float | None) -> list[str]:
    if not good:
        return [f"0/{len(tried)} {tried[0].error or ''}", *["–"] * 8]
    whole = all(run.whole for run in good)
    effort, cost = [run.efficiency for run in good], [run.cpu_ms for run in good]
    stats = [run.driver["stats"] for run in good]
    return [
        f"{len(good)}/{len(tried)}",
        f"{good[0].driver['calls']}{'' if whole else ' (incomplete)'}",
        f"{median(effort):.3f} ({max(effort):.3f})",
        f"{median(run.span_s or 0 for run in good):.2f}",
        f"{median(cost):.2f} ({min(cost):.2f})",
        f"{median(cost) / ours:.2f}" if ours else "–",
        f"{max(run.driver['peak_rss_mb'] for run in good):.0f}",
        f"{median(1000 * each['endpoint_cpu_s'] / each['calls'] for each in stats):.2f}",
        f"{min(run.load for run in good)}–{max(run.load for run in good)}",
    ]


def save(study: Study, runs: list[Run], folder: Path) -> Path:
    """Write settings, machine and every run as JSON; returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"orchestration-{time.strftime('%Y%m%d-%H%M%S')}.json"
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=HERE, capture_output=True, text=True, check=False
    ).stdout.strip()
    about = {"python": platform.python_version(), "cpus": os.cpu_count(), "commit": commit or None}
    whole = {"study": study.model_dump(), "machine": about, "runs": [run.model_dump() for run in runs]}
    file.write_text(json.dumps(whole, indent=1), encoding="utf-8")
    return file


def main() -> None:
    """Run the study that the flags describe, print its table, save it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dialogues", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--latency", type=float, default=0.2, help="mean seconds of an answer")
    parser.add_argument("--cv", type=float, default=0.0, help="coefficient of variation; 0 is a fixed latency")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--systems", nargs="+", default=list(get_args(System)), choices=get_args(System))
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter that has the other tools")
    parser.add_argument("--results", type=Path, default=HERE / "results")
    options = parser.parse_args()
    chosen = {name: value for name, value in vars(options).items() if name in Study.model_fields}
    study = Study.model_validate(chosen | {"systems": available(options.systems)})
    runs = run_all(study, options.peer_python)
    print(table(study, runs))
    print(f"\nwritten to {save(study, runs, options.results)}")


if __name__ == "__main__":
    main()
