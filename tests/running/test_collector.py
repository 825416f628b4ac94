"""The garbage collector during a run, and after it as the caller had it."""

import gc
from pathlib import Path

import pytest

import cocoon


def test_a_run_spares_the_collector_and_leaves_it_as_it_was(tmp_path: Path) -> None:
    before, seen = gc.get_threshold(), list[tuple[tuple[int, int, int], bool]]()

    def says(messages: list[dict[str, str]]) -> str:
        del messages
        seen.append((gc.get_threshold(), gc.get_freeze_count() > 0))
        return "I see."

    settings = {"profiles": "shipped:en", "limit": 1, "rounds": 1, "progress": False}
    run = cocoon.simulate(supporter=says, user=says, out=tmp_path / "run", **settings)
    assert len(run) == 1 and seen
    assert all(threshold == (20_000, 20, 20) and frozen for threshold, frozen in seen)
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
