"""Every fault of the endpoint at once: nothing may be lost unsaid, and no score may be invented.

    python benchmarks/orchestration/faults.py --share 0.05

A dialogue must be finished or stand in failures.jsonl with the reason. Every value in ratings.jsonl must stand
literally in the last journalled reply that the rating names (`audit.py`).
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from typing import get_args

from cocoon.benchmarks.endpoint.settings import Fault
from cocoon.benchmarks.orchestration.audit import Audit, audit
from cocoon.benchmarks.orchestration.cocoon_driver import profiles, study
from cocoon.benchmarks.orchestration.processes import endpoint, save, stats, table
from cocoon.running.session import Outcome, forbid_cloud_tracing, simulate


async def run(options: argparse.Namespace, base_url: str, out: Path) -> Outcome:
    """One session."""
    given = argparse.Namespace(
        base_url=base_url, rounds=options.rounds, connections=options.connections, kind=options.kind
    )
    whole = study(given)
    whole.models.timeout = options.timeout
    return await simulate(whole, profiles(options.dialogues), out)


def main() -> int:
    """Run and audit; exit code 1 if anything is off."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=0.05, help="of calls that get each kind of fault")
    parser.add_argument("--kind", default="guarded", choices=["prompted", "guarded"])
    parser.add_argument("--dialogues", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--latency", type=float, default=0.1)
    parser.add_argument("--timeout", type=float, default=2.0, help="seconds for one attempt")
    parser.add_argument("--retry-after", type=float, default=0.5)
    options = parser.parse_args()
    forbid_cloud_tracing()
    flags = {name: getattr(options, name) for name in ("latency", "retry_after")}
    with tempfile.TemporaryDirectory(prefix="cocoon-faults-") as name:
        out = Path(name) / "run"
        with endpoint(**flags, cap=options.connections, fault=f"all={options.share}") as url:
            outcome = asyncio.run(run(options, url, out))
            told = stats(url)
        found = audit(out, outcome.dialogues, judges=5)
    return _tell(options, outcome, told["faults"] | {"calls": told["calls"]}, found)


def _tell(options: argparse.Namespace, outcome: Outcome, counts: dict[str, int], found: Audit) -> int:
    rows = [[f"fault {name}", counts.get(name, 0)] for name in get_args(Fault)]
    rows += [
        ["requests", counts["calls"]],
        ["dialogues", len(outcome.dialogues)],
        ["failures listed", outcome.failures],
    ]
    rows += [["- " + reason, number] for reason, number in found.failures.items()]
    rows += [["neither made nor listed", len(found.unsaid)], ["ratings", found.ratings]]
    rows += [["ratings without any value", found.ratings_missing], ["values, all checked", found.values]]
    rows += [["values missing", found.values_missing], ["values invented", len(found.invented)]]
    good = not found.invented and not found.unsaid and found.values > 0
    print(table(["what", "number"], rows))
    print(f"\n{'ok' if good else 'FAILED'}: {'; '.join([*found.invented, *found.unsaid][:10]) or 'nothing unsaid'}")
    told = {"options": vars(options), "endpoint": counts, "audit": vars(found)}
    print(f"written to {save('faults', told)}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
