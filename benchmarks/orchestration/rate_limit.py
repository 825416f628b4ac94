"""A client that starts at 96 connections against an endpoint that answers 429 above 32.

    python benchmarks/orchestration/rate_limit.py

Nothing may be lost, and what the endpoint has in flight (sampled every quarter of a second, mean per second) must be
back within a fifth of its cap in ten seconds, and stay there while there is work enough to fill it.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from cocoon.benchmarks.orchestration.cocoon_driver import profiles, study
from cocoon.benchmarks.orchestration.processes import endpoint, save, table
from cocoon.models.by_name import Models
from cocoon.running.runner import Progress
from cocoon.running.session import Outcome, forbid_cloud_tracing, simulate

SAMPLE_S = 0.25
NEAR = 0.2
MOST_S = 10.0


@dataclass
class Sample:
    """One look: seconds since the first request, the endpoint's calls in flight and refusals so far, the client's
    limit and what it has in flight, dialogues not done yet."""

    second: float
    accepted: int
    rejected: int
    limit: float
    in_flight: int
    undone: int


@dataclass
class Sampler:
    """Watches a session from both ends."""

    base_url: str
    dialogues: int
    samples: list[Sample] = field(default_factory=list)

    async def watch(self, progress: Progress, models: Models) -> None:
        """Sample until cancelled; the watch of a session."""
        pool = next(iter(models.pools.values()))
        async with aiohttp.ClientSession() as session:
            while True:
                async with session.get(f"{self.base_url}/stats") as reply:
                    told = await reply.json()
                if told["first"]:
                    use = pool.limiter.limit, pool.in_flight, self.dialogues - progress.done
                    second = time.time() - told["first"]
                    self.samples.append(Sample(second, told["in_flight"], told["rejected"], *use))
                await asyncio.sleep(SAMPLE_S)


async def measure(options: argparse.Namespace, base_url: str, out: Path) -> tuple[Outcome, list[Sample]]:
    """Run the workload and sample both ends of it."""
    given = argparse.Namespace(base_url=base_url, rounds=options.rounds, connections=options.start, kind="prompted")
    sampler = Sampler(base_url, options.dialogues)
    outcome = await simulate(study(given), profiles(options.dialogues), out, sampler.watch)
    return outcome, sampler.samples


def per_second(samples: list[Sample]) -> list[dict[str, float]]:
    """Means of each whole second; `undone` are the dialogues that were left at its end."""
    seconds: dict[int, list[Sample]] = {}
    for sample in samples:
        seconds.setdefault(int(sample.second), []).append(sample)
    return [
        {
            "second": second,
            "accepted": round(_mean([one.accepted for one in group]), 1),
            "limit": round(_mean([one.limit for one in group]), 1),
            "rejected": group[-1].rejected,
            "undone": group[-1].undone,
        }
        for second, group in sorted(seconds.items())
    ]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def seconds_until_back(means: list[dict[str, float]], cap: int) -> float | None:
    """The first second from which the mean stays within a fifth of the cap; none if it never does.

    Seconds at the end with fewer dialogues left than the cap say nothing and are passed over.
    """
    busy = [each for each in means if each["undone"] >= cap]
    back = None
    for each in busy:
        near = abs(each["accepted"] - cap) <= NEAR * cap
        back = (each["second"] if back is None else back) if near else None
    return back


def main() -> int:
    """Measure once; exit code 1 when something was lost or it took too long."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dialogues", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--start", type=int, default=96, help="connections of the client")
    parser.add_argument("--cap", type=int, default=32, help="calls the endpoint takes at once")
    parser.add_argument("--latency", type=float, default=0.3)
    parser.add_argument("--retry-after", type=float, default=1.0)
    options = parser.parse_args()
    forbid_cloud_tracing()
    flags = {"latency": options.latency, "cap": options.cap, "mode": "429", "retry-after": options.retry_after}
    with tempfile.TemporaryDirectory(prefix="cocoon-429-") as name, endpoint(**flags) as url:
        outcome, samples = asyncio.run(measure(options, url, Path(name) / "run"))
        lost = options.dialogues - outcome.progress.done
    means = per_second(samples)
    back = seconds_until_back(means, options.cap)
    good = lost == 0 and not outcome.failures and back is not None and back <= MOST_S
    print(table(list(means[0]), [list(each.values()) for each in means]))
    print(f"\n{'ok' if good else 'FAILED'}: {lost} dialogues lost, back within a fifth of the cap after second {back}")
    told = {"options": vars(options), "lost": lost, "failures": outcome.failures, "back_s": back, "seconds": means}
    print(f"written to {save('rate_limit', told | {'samples': [vars(sample) for sample in samples]})}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
