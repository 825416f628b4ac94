"""The benchmark commands as processes of their own."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cocoon.benchmarks.endpoint.server import serve
from cocoon.benchmarks.endpoint.settings import Settings
from cocoon.benchmarks.orchestration.orchestration import Run, Study, System, ideal_seconds, table
from cocoon.benchmarks.training_speed import BARE, OURS
from cocoon.benchmarks.training_speed import table as training_table

ROOT = Path(__file__).resolve().parent.parent.parent
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT / ".static")}
SYSTEMS: list[System] = ["cocoon", "httpx", "inspect"]
STUDY = Study(dialogues=64, rounds=10, connections=32, latency=0.2, cv=0, repeats=1, systems=SYSTEMS)


def script(*command: str) -> list[str]:
    return [sys.executable, str(ROOT / "benchmarks" / command[0]), *command[1:]]


async def test_the_command_prints_its_url_first_and_takes_the_flags(tmp_path: Path) -> None:
    flags = ["--port", "0", "--latency", "0", "--fault", "all=0", "--fault", "500=1", "--log", str(tmp_path / "log")]
    process = await asyncio.create_subprocess_exec(*script("endpoint/server.py", *flags), stdout=PIPE, env=ENVIRONMENT)
    assert process.stdout is not None
    try:
        url = (await process.stdout.readline()).decode().strip()
        body = {"model": "m", "messages": [{"role": "user", "content": "a"}]}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{url}/chat/completions", json=body) as response,
        ):
            assert response.status == 500
    finally:
        process.terminate()
        assert await process.wait() == 0
    assert json.loads((tmp_path / "log").read_text())["status"] == "500"


async def test_a_peer_makes_every_call_of_the_workload() -> None:
    async with serve(Settings(latency=0.001, cap=3)) as endpoint:
        flags = ["--base-url", endpoint.url, "--dialogues", "4", "--rounds", "3", "--connections", "3"]
        process = await asyncio.create_subprocess_exec(*script("orchestration/peers.py", "openai", *flags), stdout=PIPE)
        printed, _ = await process.communicate()
    told = json.loads(printed)
    assert (told["complete"], told["calls"], told["judged"]) == (True, 4 * (2 * 3 + 5), 20)
    assert told["stats"]["longest_chain_s"] == pytest.approx(0.007)
    assert told["stats"]["max_in_flight"] == 3


@pytest.mark.parametrize(
    ("service", "chain", "cv", "ideal"),
    [(320, 4.2, 0, 10), (96, 4.2, 0, 4.2), (96, 0, 0, 4.2), (96, 3.5, 0.6, 3.5), (96, 0, 0.6, 3)],
)
def test_ideal_time_is_the_larger_of_work_and_longest_chain(
    service: float, chain: float, cv: float, ideal: float
) -> None:
    study = STUDY.model_copy(update={"cv": cv})
    assert ideal_seconds(study, {"service_s": service, "longest_chain_s": chain}) == pytest.approx(ideal)


def test_the_table_compares_with_ours_and_names_what_failed() -> None:
    stats = {"endpoint_cpu_s": 0.4, "calls": 1600}
    driver: dict[str, Any] = {
        "calls": 1600,
        "expected_calls": 1600,
        "complete": True,
        "peak_rss_mb": 50,
        "stats": stats,
    }
    runs = [
        Run(system="cocoon", repeat=0, load=1, ideal_s=10, span_s=10.5, driver=driver | {"cpu_s": 3.2}),
        Run(
            system="httpx",
            repeat=0,
            load=1,
            ideal_s=10,
            span_s=12.5,
            driver=driver | {"cpu_s": 1.6, "complete": False},
        ),
        Run(system="inspect", repeat=0, load=1, error="no such module"),
    ]
    ours, floor, failed = table(STUDY, runs).splitlines()[2:]
    assert "| 1600 | 0.952 (0.952) | 10.50 | 2.00 (2.00) | 1.00 | 50 | 0.25 |" in ours
    assert "| 1600 (incomplete) | 0.800 (0.800) | 12.50 | 1.00 (1.00) | 0.50 |" in floor
    assert "0/1 no such module" in failed


def test_the_training_benchmark_compares_each_round_with_its_own_bare_script() -> None:
    def told(cpu: float, peak: float) -> dict[str, Any]:
        return {"tokens": 100.0, "cpu": cpu, "whole": 9.0, "peak_mb": peak}

    rounds = [
        {OURS: told(1.0, 110), BARE: told(2.0, 100)},
        {OURS: told(4.0, 110), BARE: told(2.0, 100)},
        {OURS: told(2.0, 120), BARE: told(2.0, 100)},
    ]
    ours = training_table(rounds)[2]
    assert ours == "| cocoon train | 50 | 1.000 (0.500 to 2.000) | 9.0 | 110 | 1.100 |"
