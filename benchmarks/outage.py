"""An endpoint that answers nobody for a while, in the middle of a run: every dialogue is to finish all the same.

    python -m cocoon.benchmarks.outage --seconds 60 --dialogues 200 --connections 32

Every call gets a 500 for so many seconds of the clock, once a fifth of the calls has been answered.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from cocoon.benchmarks.orchestration.cocoon_driver import profiles, study
from cocoon.benchmarks.orchestration.processes import endpoint, save, stats, table
from cocoon.running.session import Outcome, forbid_cloud_tracing, simulate


def change(base_url: str, faults: dict[str, float]) -> None:
    """Set the endpoint's faults."""
    body = json.dumps({"faults": faults}).encode()
    address = base_url.removesuffix("/v1") + "/settings"
    urllib.request.urlopen(urllib.request.Request(address, body, method="POST"), timeout=10).close()


async def run(options: argparse.Namespace, base_url: str, out: Path) -> Outcome:
    """The run, and beside it the outage."""
    given = argparse.Namespace(
        base_url=base_url, rounds=options.rounds, connections=options.connections, kind="prompted", shard=None
    )
    whole = study(given)
    calls = options.dialogues * (2 * options.rounds + 6)

    async def outage() -> None:
        while stats(base_url)["calls"] < calls / 5:
            await asyncio.sleep(0.5)
        change(base_url, {"500": 1.0})
        await asyncio.sleep(options.seconds)
        change(base_url, {})

    outcome, _ = await asyncio.gather(simulate(whole, profiles(options.dialogues), out), outage())
    return outcome


def main() -> int:
    """Run, and count. Exit code 1 if a dialogue is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--dialogues", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--latency", type=float, default=0.2)
    options = parser.parse_args()
    forbid_cloud_tracing()
    began = time.monotonic()
    flags = {"latency": options.latency, "cap": options.connections}
    with tempfile.TemporaryDirectory(prefix="cocoon-outage-") as name, endpoint(**flags) as url:
        outcome = asyncio.run(run(options, url, Path(name) / "run"))
        told = stats(url)
    rows = [
        ["dialogues", len(outcome.dialogues)],
        ["failures", outcome.failures],
        ["answers of the endpoint", told["calls"] - told["faults"].get("500", 0)],
        ["calls that got a 500", told["faults"].get("500", 0)],
        ["seconds", round(time.monotonic() - began)],
    ]
    print(table(["what", "number"], rows))
    print(f"written to {save('outage', {'options': vars(options), 'rows': rows})}")
    return 0 if len(outcome.dialogues) == options.dialogues and not outcome.failures else 1


if __name__ == "__main__":
    sys.exit(main())
