"""No answer of a rater is lost, and no other account of the machine reads one."""

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cocoon.core.errors import CocoonError
from cocoon.evaluation.scales.scoring import load_scale
from cocoon.human.service import hold_for_serving
from cocoon.human.store import HumanStore
from cocoon.tests.human.human_study_cases import TOPIC, agree, as_yaml, desk, serving, study

RATERS = 100
NOBODY = 65534
Kept = dict[tuple[str, str], int]


def test_every_answer_survives_a_kill(tmp_path: Path) -> None:
    given = study(tmp_path, parts="likert")
    opened = desk(tmp_path, given)
    agree(opened, "r1")
    opened.answer("r1", "likert:d0", "basic:1", 5)
    # Another connection sees what was answered although nothing was closed.
    other = HumanStore(tmp_path / "study" / "human.sqlite", "sha")
    assert other.answers_of("r1", "likert:d0") == {"basic:1": 5}
    assert other.enrol(given.names) == opened.store.enrol(given.names)


class Rater:
    """A rater's program, which answers the items of one scale. `saved` is what the server said it had saved."""

    def __init__(self, name: str, link: str, saved: Kept) -> None:
        self.name = name
        self.base, _, self.token = link.partition("/r/")
        self.saved = saved

    async def post(self, session: aiohttp.ClientSession, what: str, body: dict[str, Any]) -> None:
        async with session.post(f"{self.base}/api/{self.token}/{what}", json=body) as answer:
            assert answer.status == 200, await answer.text()

    async def work(self, session: aiohttp.ClientSession, sha: str, values: dict[str, int]) -> None:
        """Consent, and answer until all is answered or the server is gone."""
        await self.post(session, "consent", {"sha": sha})
        async with session.get(f"{self.base}/api/{self.token}/state") as answer:
            item = (await answer.json())["item"]["id"]
        for key, value in values.items():
            if (self.name, key) not in self.saved:
                await self.post(session, "answer", {"item": item, "key": key, "value": value})
                self.saved[self.name, key] = value


async def test_a_hundred_raters_at_once_lose_no_answer_to_a_server_that_is_killed(tmp_path: Path) -> None:
    file, out = tmp_path / "study.yaml", tmp_path / "out"
    given = study(tmp_path, parts="likert", raters=RATERS)
    file.write_text(as_yaml(given), "utf-8")
    values = {f"basic:{name}": 1 + number % 9 for number, name in enumerate(load_scale("basic").item_ids)}
    saved: Kept = {}

    async def all_work(links: dict[str, str], session: aiohttp.ClientSession) -> list[Any]:
        raters = [Rater(name, link, saved) for name, link in links.items()]
        return await asyncio.gather(
            *(rater.work(session, given.consent_sha, values) for rater in raters), return_exceptions=True
        )

    process, links = await serving(file, out, raters=RATERS)
    assert len(links) == RATERS
    with pytest.raises(CocoonError, match="served by another process"), hold_for_serving(out):
        raise AssertionError("two servers would hold one study")
    async with aiohttp.ClientSession() as session:
        working = asyncio.ensure_future(all_work(links, session))
        while len(saved) < RATERS and not working.done():
            await asyncio.sleep(0.01)
        process.kill()
        await process.wait()
        ended = await working
        assert [error for error in ended if not isinstance(error, aiohttp.ClientError | None)] == []
        assert RATERS <= len(saved) < RATERS * len(values)
        assert saved.items() <= stored_answers(out).items()
        again, kept = await serving(file, out, raters=RATERS)
        assert {name: link.rpartition("/")[2] for name, link in kept.items()} == {
            name: link.rpartition("/")[2] for name, link in links.items()
        }
        assert await all_work(kept, session) == [None] * RATERS
        again.terminate()
        assert await again.wait() == 128 + signal.SIGTERM
    assert stored_answers(out) == saved == {(name, key): value for name in given.names for key, value in values.items()}


def stored_answers(out: Path) -> Kept:
    """The answers in a study's folder."""
    store = HumanStore(out / "human.sqlite")
    answers = {(answer.rater, answer.key): answer.value for answer in store.every_answer()}
    store.close()
    return answers


@pytest.fixture
def open_machine() -> Iterator[Path]:
    """A folder that every account may list, under a umask that hides nothing."""
    before = os.umask(0)
    try:
        with tempfile.TemporaryDirectory() as folder:
            Path(folder).chmod(0o755)
            yield Path(folder)
    finally:
        os.umask(before)


def _open_to_others(folder: Path) -> list[str]:
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert files
    return [file.name for file in files if stat.S_IMODE(file.stat().st_mode) & 0o077]


@pytest.mark.skipif(sys.platform != "linux", reason="permissions as Linux has them")
async def test_files_of_raters_are_their_owners_alone_from_the_first_byte(
    open_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect, opened = sqlite3.connect, list[tuple[str, int]]()

    def noted(path: Any, *given: Any, **options: Any) -> sqlite3.Connection:
        opened.append((Path(path).name, stat.S_IMODE(Path(path).stat().st_mode)))
        return connect(path, *given, **options)

    monkeypatch.setattr(sqlite3, "connect", noted)
    served = desk(open_machine, study(open_machine))
    agree(served, "r1")
    await served.chat("r1", TOPIC, 0, None)
    assert {name for name, _ in opened} == {"human.sqlite", "journal.sqlite"}
    assert {mode for _, mode in opened} == {0o600}
    names = {file.name for file in (open_machine / "study").rglob("*")}
    assert {f"{kind}.sqlite{end}" for kind in ("human", "journal") for end in ("", "-wal", "-shm")} <= names
    assert _open_to_others(open_machine / "study") == []
    token = served.store.enrol(["r1"])["r1"]
    _check_a_stranger_reads_nothing(open_machine / "study", token)
    await served.close()


def _check_a_stranger_reads_nothing(folder: Path, token: str) -> None:
    """Another account lists the folder, and is denied each file in it. Only root can become another account."""
    if os.geteuid() != 0:
        return
    for file in folder.rglob("*"):
        if file.is_file():
            seen = subprocess.run(["cat", str(file)], user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True)
            assert seen.returncode and not seen.stdout and token.encode() not in seen.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="permissions as Linux has them")
def test_files_that_an_earlier_release_left_open_are_closed_to_others(open_machine: Path) -> None:
    first = HumanStore(open_machine / "human.sqlite", "sha")
    first.enrol(["r1"])
    for file in open_machine.iterdir():
        file.chmod(0o644)
    HumanStore(open_machine / "human.sqlite", "sha").close()
    assert _open_to_others(open_machine) == []
    first.close()
