"""Branches in shards: merged, they are those of one process, and so is their report."""

from pathlib import Path
from typing import Any

import cocoon
from cocoon.benchmarks.orchestration.run_compare import differences
from cocoon.tests.commands import cocoon as command
from cocoon.tests.commands import endpoint


def test_branches_in_shards_end_in_the_report_of_one_process(tmp_path: Path) -> None:
    with endpoint() as spec:
        roles: dict[str, Any] = {"supporter": spec, "user": spec, "user_kind": "prompted", "progress": False}
        run = cocoon.simulate(profiles="shipped:en", limit=3, rounds=3, out=tmp_path / "run", **roles)
        branching: dict[str, Any] = {"turn": [2, 3], "supporter": {"a": spec, "b": spec}, "progress": False}
        single = cocoon.branch(run, out=tmp_path / "single", **branching)
        for shard in ("1/2", "2/2"):
            assert cocoon.branch(run, out=tmp_path / shard[0], shard=shard, **branching).report is None
        cocoon.merge(tmp_path / "1", tmp_path / "2", out=tmp_path / "m")
        words = ["branch", str(run.path), "--turn", "every", "--out", str(tmp_path / "dry"), "--dry-run", "--json"]
        whole, *parts = (command(*words, *shard).json for shard in ([], ["--shard", "1/2"], ["--shard", "2/2"]))
        reported = cocoon.branch(run, out=tmp_path / "m", **branching)
        shared = cocoon.branch(run, out=tmp_path / "shared", shard="any/3", **branching)
        half = cocoon.simulate(profiles="shipped:en", limit=3, rounds=2, out=tmp_path / "half", shard="1/2", **roles)
        cocoon.branch(half, turn=2, out=tmp_path / "of-half", progress=False)
        assert len(cocoon.Run(tmp_path / "of-half")) == len(half) == 2
    assert sum(part["calls"] for part in parts) == whole["calls"]
    assert single.report is not None and reported.report is not None and shared.report is not None
    assert [report.tables for report in (reported.report, shared.report)] == [single.report.tables] * 2
    assert differences(tmp_path / "single", tmp_path / "m") == []
    assert cocoon.verify(tmp_path / "m").ok
