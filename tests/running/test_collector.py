"""What a run changes in its process, and how it leaves it: the garbage collector, and what signals do."""

import asyncio
import gc
import signal
from pathlib import Path

import pytest

import cocoon

SPARED = (20_000, 20, 20)


def test_a_run_spares_the_collector_and_leaves_it_as_it_was(tmp_path: Path) -> None:
    before, seen = gc.get_threshold(), list[tuple[tuple[int, int, int], bool]]()

    def says(messages: list[dict[str, str]]) -> str:
        del messages
        seen.append((gc.get_threshold(), gc.get_freeze_count() > 0))
        return "I see."

    settings = {"profiles": "shipped:en", "limit": 1, "rounds": 1, "progress": False}
    run = cocoon.simulate(supporter=says, user=says, out=tmp_path / "run", **settings)
    assert len(run) == 1 and seen
    assert all(threshold == SPARED and frozen for threshold, frozen in seen)
    assert gc.get_threshold() == before


def test_a_run_that_fails_leaves_it_so_too(tmp_path: Path) -> None:
    before = gc.get_threshold()

    def breaks(messages: list[dict[str, str]]) -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cocoon.simulate(
            supporter=breaks,
            user=breaks,
            profiles="shipped:en",
            limit=1,
            rounds=1,
            out=tmp_path / "run",
            progress=False,
        )
    assert gc.get_threshold() == before


def test_runs_side_by_side_share_it_and_one_that_is_off_stays_off(tmp_path: Path) -> None:
    before, seen = gc.get_threshold(), list[int]()

    def says(messages: list[dict[str, str]]) -> str:
        del messages
        seen.append(gc.get_threshold()[0])
        return "I see."

    async def both() -> None:
        given = {"profiles": "shipped:en", "limit": 2, "progress": False}
        await asyncio.gather(
            cocoon.simulate_async(supporter=says, user=says, rounds=1, out=tmp_path / "a", **given),
            cocoon.simulate_async(supporter=says, user=says, rounds=4, out=tmp_path / "b", **given),
        )

    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    asyncio.run(both())
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert gc.get_threshold() == before
    gc.set_threshold(0)
    try:
        seen.clear()
        settings = {"profiles": "shipped:en", "limit": 1, "rounds": 1, "progress": False}
        cocoon.simulate(supporter=says, user=says, out=tmp_path / "off", **settings)
        assert set(seen) == {0} and gc.get_threshold()[0] == 0
    finally:
        gc.set_threshold(*before)


def test_ctrl_c_stops_every_run_of_a_loop(tmp_path: Path) -> None:
    spoken = list[str]()

    def says(messages: list[dict[str, str]]) -> str:
        del messages
        spoken.append("I see.")
        if len(spoken) == 4:
            signal.raise_signal(signal.SIGINT)
        return "I see."

    async def both() -> list[cocoon.Run]:
        given = {"supporter": says, "user": says, "profiles": "shipped:en", "rounds": 5, "progress": False}
        return await asyncio.gather(*(cocoon.simulate_async(out=tmp_path / name, **given) for name in "ab"))

    outcomes = [run.outcome for run in asyncio.run(both())]
    assert [outcome.exit_code for outcome in outcomes if outcome] == [128 + signal.SIGINT] * 2
