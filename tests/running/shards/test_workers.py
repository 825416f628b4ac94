"""Workers on a shared folder: every shard is done once, a dead worker's shard is taken over, and all is merged."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import cocoon
from cocoon.benchmarks.endpoint.settings import Settings
from cocoon.benchmarks.orchestration.run_compare import differences
from cocoon.core.errors import CocoonError
from cocoon.running.manifest import read_manifest
from cocoon.running.shards.leases import Leases
from cocoon.tests.commands import endpoint

ROOT = Path(__file__).resolve().parent.parent.parent.parent


@pytest.fixture(scope="module")
def spec() -> Iterator[str]:
    with endpoint() as url:
        yield url


def simulated(spec: str, out: Path, **changes: Any) -> "cocoon.Run":
    roles = {"supporter": spec, "user": spec, "judge": spec, "scales": ["comfort"], "user_kind": "prompted"}
    return cocoon.simulate(
        profiles="shipped:en", limit=5, rounds=1, **roles, out=out, progress=False, options={"lease": 4}, **changes
    )


def test_workers_share_the_people_and_leave_the_run_of_one_process(spec: str, tmp_path: Path) -> None:
    simulated(spec, tmp_path / "single")
    with ThreadPoolExecutor() as threads:
        workers = [threads.submit(simulated, spec, tmp_path / "shared", shard="any/3") for _ in range(2)]
    assert [(worker.result().path, len(worker.result())) for worker in workers] == [(tmp_path / "shared", 5)] * 2
    outcomes = [worker.result().outcome for worker in workers]
    assert [outcome.exit_code for outcome in outcomes if outcome] == [0, 0]
    manifest = read_manifest(tmp_path / "shared")
    assert manifest is not None and len(manifest.sessions) == 3
    later = differences(tmp_path / "single", tmp_path / "shared")
    assert later == ["names of files"] and cocoon.verify(tmp_path / "shared").ok
    again = simulated(spec, tmp_path / "shared", shard="any/3")
    assert again.summary()["calls"] == 0 and len(again) == 5
    assert {path.name for path in (tmp_path / "shared").iterdir()} - {
        path.name for path in (tmp_path / "single").iterdir()
    } == {"shards"}


def test_a_shared_folder_keeps_its_number_of_shards(spec: str, tmp_path: Path) -> None:
    stopped = simulated(spec, tmp_path, shard="any/2", budget_calls=4)
    assert stopped.outcome is not None and stopped.outcome.exit_code == 3
    assert not (tmp_path / "manifest.json").exists()
    with pytest.raises(CocoonError, match=r"shards holds \d-of-2, and now there are to be 3 shards. Keep one number."):
        simulated(spec, tmp_path, shard="any/3")
    assert simulated(spec, tmp_path, shard="any/2").outcome is not None
    assert len(cocoon.Run(tmp_path)) == 5 and cocoon.verify(tmp_path).ok


def test_a_lease_is_held_by_one_worker_and_given_back(tmp_path: Path) -> None:
    ours, theirs = Leases(tmp_path, 60), Leases(tmp_path, 60)
    lease = ours.take("1-of-2")
    assert lease is not None and theirs.take("1-of-2") is None and theirs.holder_of("1-of-2") == ours.worker
    with lease:
        assert theirs.take("1-of-2") is None
    assert theirs.holder_of("1-of-2") is None and theirs.take("1-of-2") is not None and ours.take("1-of-2") is None


def test_a_silent_worker_loses_its_lease_and_hears_of_it(tmp_path: Path) -> None:
    lost: list[str] = []
    silent = Leases(tmp_path, 0.2).take("merge", lambda: lost.append("merge"))
    waiting, other = Leases(tmp_path, 60), Leases(tmp_path, 60)
    assert silent is not None and waiting.take("merge") is None
    while (taken := waiting.take("merge")) is None:
        time.sleep(0.05)
    assert other.take("merge") is None
    with silent, taken:
        while not lost:
            time.sleep(0.05)
    assert silent.lost and not taken.lost and other.holder_of("merge") is None


def worker(spec: str, out: Path) -> "subprocess.Popen[bytes]":
    """A worker in a process of its own, whose leases run out after two seconds."""
    words = ["simulate", "--profiles", "shipped:en", "-n", "4", "--rounds", "2", "--user-kind", "prompted"]
    words += ["--supporter", spec, "--user", spec, "--concurrency", "1", "--shard", "any/2", "-o", "lease=2"]
    path = os.pathsep.join(filter(None, [str(ROOT / ".static"), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "cocoon.cli.main", *words, "--out", str(out)]
    return subprocess.Popen(command, env=os.environ | {"PYTHONPATH": path}, stderr=subprocess.PIPE)


def test_the_shard_of_a_killed_worker_is_taken_over_from_its_journal(tmp_path: Path) -> None:
    with endpoint(Settings(latency=0.2)) as spec:
        killed = worker(spec, tmp_path)
        under_way = tmp_path / "shards" / "1-of-2" / "under_way.jsonl"
        while not (under_way.exists() and b'"role":"user"' in under_way.read_bytes()):
            assert killed.poll() is None
            time.sleep(0.05)
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        second = worker(spec, tmp_path)
        _, errors = second.communicate()
    assert second.returncode == 0, errors.decode()
    sessions = json.loads((tmp_path / "manifest.json").read_text("utf-8"))["sessions"]
    assert len(sessions) == 3 and [session["ended"] is None for session in sessions].count(True) == 1
    assert len(cocoon.Run(tmp_path)) == 4 and cocoon.verify(tmp_path).ok
    assert (tmp_path / "shards" / "1-of-2.lease-2").exists()


def test_workers_judge_and_build_as_one_process_does(spec: str, tmp_path: Path) -> None:
    run = simulated(spec, tmp_path / "run")
    judged: dict[str, Any] = {"judge": spec, "scales": ["rac"], "progress": False}
    shared, single = (
        cocoon.judge(run, out=tmp_path / "shared", shard="any/2", **judged),
        cocoon.judge(run.path / "dialogues.jsonl", out=tmp_path / "single", **judged),
    )
    assert shared.ratings == single.ratings and len(shared.ratings) == 5 and cocoon.verify(tmp_path / "shared").ok
    building: dict[str, Any] = {"limit": 6, "languages": ["en"], "writer": spec, "progress": False}
    built = cocoon.build_profiles(out=tmp_path / "profiles", shard="any/3", **building)
    alone = cocoon.build_profiles(out=tmp_path / "alone", **building)
    assert built.profiles == alone.profiles and built.dropped == alone.dropped
    kept, dropped = ([each.summary()[key] for each in (built, alone)] for key in ("kept", "dropped"))
    assert kept[0] == kept[1] and dropped[0] == dropped[1] and built.outcome.exit_code == alone.outcome.exit_code


def test_a_worker_that_builds_and_comes_to_its_budget_ends_with_the_code_for_that(spec: str, tmp_path: Path) -> None:
    building: dict[str, Any] = {"limit": 6, "languages": ["en"], "writer": spec, "progress": False}
    built = cocoon.build_profiles(out=tmp_path, shard="any/2", budget_calls=4, **building)
    assert (built.outcome.exit_code, built.summary()["kept"]) == (3, 0)


def test_a_worker_that_is_asked_to_stop_gives_its_shard_back(tmp_path: Path) -> None:
    with endpoint(Settings(latency=0.3)) as spec:
        stopped = worker(spec, tmp_path)
        while not list((tmp_path / "shards").glob("1-of-2/under_way.jsonl")):
            assert stopped.poll() is None
            time.sleep(0.05)
        stopped.send_signal(signal.SIGTERM)
        stopped.communicate()
    assert stopped.returncode == 128 + signal.SIGTERM
    assert Leases(tmp_path / "shards", 60).holder_of("1-of-2") is None and not (tmp_path / "manifest.json").exists()


def test_nothing_is_merged_while_a_worker_still_holds_a_finished_shard(spec: str, tmp_path: Path) -> None:
    for part in (1, 2):
        simulated(spec, tmp_path / "shards" / f"{part}-of-2", shard=f"{part}/2")
    lease = Leases(tmp_path / "shards", 30).take("2-of-2")
    assert lease is not None
    with lease, ThreadPoolExecutor() as threads:
        late = threads.submit(simulated, spec, tmp_path, shard="any/2")
        time.sleep(1.5)
        assert not late.done() and not (tmp_path / "manifest.json").exists()
        lease.__exit__()
        assert len(late.result()) == 5
