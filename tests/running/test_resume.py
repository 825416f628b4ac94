"""Runs that are killed, stopped, torn, starved or fed with faults, and what stands in their folders afterwards."""

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from cocoon.benchmarks.endpoint.server import Endpoint, serve
from cocoon.benchmarks.endpoint.settings import Settings
from cocoon.benchmarks.orchestration.audit import audit
from cocoon.benchmarks.orchestration.cocoon_driver import profiles
from cocoon.benchmarks.orchestration.run_compare import answered_requests, differences
from cocoon.core.config import StudyConfig, SupporterConfig
from cocoon.core.errors import BudgetReachedError, CocoonError, NotSavedError, ReplayMismatchError
from cocoon.core.jsonl import Appender
from cocoon.core.records import Dialogue, Failure, Profile, Rating
from cocoon.models.pool import Pool
from cocoon.running.folder import RunFolder, read_run
from cocoon.running.session import Outcome, simulate
from cocoon.running.study import Study, open_models

ROOT = Path(__file__).resolve().parent.parent.parent
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT / ".static")}
DIALOGUES, ROUNDS, CONNECTIONS = 6, 2, 4


class House:
    """One endpoint, and runs of the same workload against it in folders of their own."""

    def __init__(self, endpoint: Endpoint, place: Path) -> None:
        self.endpoint, self.place, self.log = endpoint, place, place / "log"

    async def run(
        self,
        name: str,
        given: int | list[Profile] = DIALOGUES,
        attempts: int = 5,
        timeout: float = 20.0,
        **changes: Any,
    ) -> Outcome:
        """A session in this process; `changes` are dotted keys of the configuration with `__` for the dot."""
        spec = f"{self.endpoint.url}#fake"
        config = StudyConfig(rounds=ROUNDS, concurrency=CONNECTIONS, supporters=[SupporterConfig(model=spec)])
        config.user.model = config.judge.model = spec
        config.user.kind = "prompted"
        for key, value in changes.items():
            *above, last = key.split("__")
            setattr(getattr(config, above[0]) if above else config, last, value)
        models = open_models(config)
        models.pools[urlsplit(spec).netloc] = Pool(
            CONNECTIONS, attempts=attempts, timeout=timeout, backoff=0.01, budget=models.ledger
        )
        talking = profiles(given) if isinstance(given, int) else given
        return await simulate(Study(config, models), talking, self.place / name)

    async def driver(self, name: str) -> Process:
        """A session of the same workload in a process of its own."""
        flags = {"--base-url": self.endpoint.url, "--out": self.place / name, "--dialogues": DIALOGUES}
        flags |= {"--rounds": ROUNDS, "--connections": CONNECTIONS}
        command = [
            str(ROOT / "benchmarks" / "orchestration/cocoon_driver.py"),
            "prompted",
            *(str(x) for kv in flags.items() for x in kv),
        ]
        return await asyncio.create_subprocess_exec(sys.executable, *command, stdout=PIPE, stderr=PIPE, env=ENVIRONMENT)

    async def answered(self, number: int) -> None:
        """Wait until the endpoint has given so many answers since the last reset, and is writing another."""
        while self.endpoint.stats.counts["answered"] < number or not self.endpoint.snapshot()["in_flight"]:
            await asyncio.sleep(0.01)

    async def asked(self) -> list[str]:
        """Hashes of all requests since the endpoint was opened, once none is under way."""
        while any(self.endpoint.snapshot()[name] for name in ("in_flight", "waiting", "hanging")):
            await asyncio.sleep(0.01)
        return [json.loads(line)["sha"] for line in self.log.read_text("utf-8").splitlines()]

    def change(self, **settings: Any) -> None:
        """Other settings for the endpoint."""
        self.endpoint.settings = Settings.model_validate(self.endpoint.settings.model_dump() | settings)
        self.endpoint.reset()

    def differences(self, one: str, other: str) -> list[str]:
        return differences(self.place / one, self.place / other)

    def journalled(self, name: str) -> int:
        journal = sqlite3.connect(self.place / name / "journal.sqlite")
        try:
            return journal.execute("select count(*) from calls").fetchone()[0]
        finally:
            journal.close()


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with serve(Settings(latency=0.002), log=tmp_path / "log") as endpoint:
        yield House(endpoint, tmp_path)


async def test_a_run_killed_twice_ends_like_one_in_peace(house: House) -> None:
    assert (await house.run("peace")).exit_code == 0
    house.change(latency=0.05)
    known: set[str] = set()
    before = len(await house.asked())
    for answers in (8, 30):
        process = await house.driver("killed")
        await house.answered(answers)
        process.kill()
        await process.communicate()
        asked = (await house.asked())[before:]
        before += len(asked)
        assert process.returncode == -signal.SIGKILL
        assert not set(asked) & known
        known = answered_requests(house.place / "killed", "fake")
        assert 0 < len(set(asked) - known) <= CONNECTIONS
    assert (await house.run("killed")).exit_code == 0
    assert not set((await house.asked())[before:]) & known
    assert house.differences("peace", "killed") == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_one_interrupt_finishes_what_is_in_flight_and_the_run_goes_on(
    house: House, number: signal.Signals
) -> None:
    await house.run("peace")
    house.change(latency=0.1)
    process = await house.driver("stopped")
    await house.answered(20)
    process.send_signal(number)
    _, errors = await process.communicate()
    assert process.returncode == 128 + number, errors.decode()
    told = house.endpoint.snapshot()
    assert (told["abandoned"], house.journalled("stopped")) == (0, told["answered"])
    assert 20 <= told["answered"] < house.journalled("peace")
    house.change(latency=0.0)
    assert (await house.run("stopped")).exit_code == 0
    assert house.differences("peace", "stopped") == []


@pytest.mark.parametrize("calls", [1, 17, 40, 52])
async def test_a_budget_stops_at_exactly_its_calls_and_all_of_them_are_kept(house: House, calls: int) -> None:
    await house.run("peace")
    house.change(latency=0.02)
    outcome = await house.run("small", budget__calls=calls)
    assert outcome.exit_code == 3
    assert isinstance(outcome.stopped_by, BudgetReachedError)
    assert str(outcome.stopped_by).startswith(f"budget of {calls} calls is spent; raise --budget-calls")
    assert house.endpoint.snapshot()["answered"] == house.journalled("small") == calls
    assert (await house.run("small", budget__calls=calls)).exit_code == 3
    assert house.endpoint.snapshot()["calls"] == calls
    assert (await house.run("small")).exit_code == 0
    assert house.differences("peace", "small") == []


@pytest.mark.parametrize("name", ["dialogues.jsonl", "ratings.jsonl", "trace.jsonl"])
@pytest.mark.parametrize("keep", [0.0, 0.3, 0.999])
async def test_a_file_torn_anywhere_is_made_whole_from_the_journal(house: House, name: str, keep: float) -> None:
    await house.run("peace")
    torn = house.place / "torn"
    shutil.copytree(house.place / "peace", torn)
    whole = (torn / name).read_bytes()
    (torn / name).write_bytes(whole[: int(keep * len(whole))])
    if name == "trace.jsonl":
        # A trace is written before what it tells of, so what is missing from it is never of a finished dialogue.
        (torn / "dialogues.jsonl").unlink()
    (torn / f".{name}.4711").write_bytes(b'{"half": ')
    calls = house.endpoint.snapshot()["calls"]
    assert (await house.run("torn")).exit_code == 0
    assert house.differences("peace", "torn") == []
    assert house.endpoint.snapshot()["calls"] == calls


async def test_another_process_on_the_same_folder_is_refused(house: House) -> None:
    folder = RunFolder(house.place / "taken")
    try:
        with pytest.raises(CocoonError, match=r"taken: another process is working on this run.*--out"):
            await house.run("taken")
    finally:
        folder.close()
    assert (await house.run("taken", 1)).exit_code == 0


@pytest.mark.parametrize(("key", "value"), [("rounds", 3), ("user__temperature", 0.1), ("seed", 1)])
async def test_changed_settings_are_refused_by_the_name_of_the_key(house: House, key: str, value: Any) -> None:
    await house.run("run", 1)
    with pytest.raises(CocoonError, match=rf"^[^\n]*started with different settings \({key.split('__')[0]}[^\n]*$"):
        await house.run("run", 1, **{key: value})


async def test_a_run_with_nothing_answered_takes_new_settings_and_keeps_no_trace_of_the_old(house: House) -> None:
    broken = await house.run("run", 2, rounds=7, user__model=f"{house.endpoint.url}/typo#fake", user__temperature=0.1)
    assert broken.exit_code != 0 and house.journalled("run") == 0
    assert (await house.run("run", 2)).exit_code == 0
    assert (await house.run("peace", 2)).exit_code == 0
    assert house.differences("peace", "run") == []


async def test_a_changed_prompt_is_told_and_nothing_is_mixed(house: House) -> None:
    prompts = house.place / "prompts"
    shutil.copytree(ROOT / "prompts", prompts)
    await house.run("run", budget__calls=10, prompts=str(prompts))
    changed = prompts / "user" / "prompted.en.md"
    changed.write_text(changed.read_text("utf-8") + "\nKeep it short.\n", "utf-8")
    with pytest.raises(ReplayMismatchError, match=r"run: .*prompt 'user/prompted\.en'; undo the change, give"):
        await house.run("run", prompts=str(prompts))


async def test_a_changed_profile_of_a_finished_dialogue_is_told(house: House) -> None:
    given = profiles(2)
    await house.run("run", given)
    given[1] = given[1].model_copy(update={"scenario": "another"})
    with pytest.raises(ReplayMismatchError, match=r"line 2: dialogue 'p00001\.fake\.0'.* another profile 'p00001'"):
        await house.run("run", given)


async def test_a_changed_profile_of_a_dialogue_under_way_is_told_and_no_call_made(house: House) -> None:
    await house.run("run", 1, budget__calls=2)
    outcome = await house.run("run", [profiles(1)[0].model_copy(update={"feeling": "something else"})])
    assert isinstance(outcome.stopped_by, ReplayMismatchError)
    assert "dialogue 'p00000.fake.0', call 'user/0/0/0': the journal has the answer to another call" in str(
        outcome.stopped_by
    )
    assert (outcome.exit_code, outcome.failures, house.endpoint.snapshot()["calls"]) == (2, 0, 2)


async def test_more_dialogues_keep_the_old_ones_and_fewer_lose_none(house: House) -> None:
    await house.run("peace")
    await house.run("grown", 2)
    old = (house.place / "grown" / "dialogues.jsonl").read_bytes()
    assert (await house.run("grown")).progress.resumed == 2
    assert (house.place / "grown" / "dialogues.jsonl").read_bytes().startswith(old)
    assert house.differences("peace", "grown") == []
    assert (await house.run("grown", 3)).progress.calls == 0
    assert house.differences("peace", "grown") == []


async def test_failures_are_tried_again_and_leave_the_list(house: House) -> None:
    await house.run("peace")
    house.change(faults={"500": 0.12})
    first = await house.run("run", attempts=1)
    listed = list(read_run(house.place / "run", "failures.jsonl", Failure))
    assert first.exit_code == 1
    assert len(listed) == first.failures
    assert {failure.stage for failure in listed} == {"conversation", "assessment"}
    assert {failure.reason for failure in listed} == {"500"}
    house.change(faults={})
    assert (await house.run("run", budget__calls=house.journalled("run"))).exit_code == 3
    assert list(read_run(house.place / "run", "failures.jsonl", Failure)) == listed
    assert (await house.run("run")).exit_code == 0
    assert (house.place / "run" / "failures.jsonl").read_bytes() == b""
    assert house.differences("peace", "run") == []


async def test_faults_lose_nothing_and_invent_nothing(house: House) -> None:
    house.change(faults={"429": 0.05, "500": 0.1, "cut": 0.1, "malformed": 0.2, "schema_break": 0.2, "hang": 0.02})
    house.change(retry_after=0.01)
    outcome = await house.run("run", attempts=2, timeout=0.5)
    run = house.place / "run"
    found = audit(run, outcome.dialogues, judges=5)
    assert (found.invented, found.unsaid) == ([], [])
    assert found.failures.total() == outcome.failures
    assert found.ratings > found.ratings_missing > 0
    made = {dialogue.id for dialogue in read_run(run, "dialogues.jsonl", Dialogue)}
    assert all(rating.dialogue in made for rating in read_run(run, "ratings.jsonl", Rating))


def test_what_a_full_disk_cuts_off_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "lines.jsonl"
    file, write = Appender(path), os.write
    file.write(b'{"a": 1}\n')
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[: len(data) // 2]))
    with pytest.raises(NotSavedError, match=r"lines\.jsonl: cannot be written \(no space left\); free space"):
        file.write(b'{"a": 2}\n')
    monkeypatch.undo()
    file.write(b'{"a": 3}\n')
    file.close()
    assert path.read_bytes() == b'{"a": 1}\n{"a": 3}\n'
