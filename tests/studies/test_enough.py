"""Enough futures: forks whose answer is clear are left alone, and looking often does not find what is not there."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cocoon.core.records import Dialogue
from cocoon.evaluation.statistics.estimates import Estimate
from cocoon.running.folder import read_run
from cocoon.studies.branches.credit import mean_contrast
from cocoon.studies.branches.enough import is_clear, level_of, looks
from cocoon.tests.studies.test_branches import NEEDS, Speaker, branches, parents, user

__all__ = ["user"]


@pytest.mark.parametrize(("samples", "expected"), [(1, [1]), (4, [4]), (5, [4, 5]), (20, [4, 8, 16, 20])])
def test_one_looks_at_growing_numbers_and_in_the_end_at_all(samples: int, expected: list[int]) -> None:
    assert looks(samples) == expected


def test_an_answer_is_clear_by_its_sign_or_by_a_narrow_interval() -> None:
    assert is_clear(Estimate(value=0.3, low=0.1, high=0.5, n=8), 0.1)
    assert is_clear(Estimate(value=0.01, low=-0.03, high=0.05, n=8), 0.1)
    assert not is_clear(Estimate(value=0.1, low=-0.1, high=0.3, n=8), 0.1)
    assert is_clear(Estimate(value=0.5, n=8), 0.1) and not is_clear(Estimate(value=0.0, n=8), 0.1)
    assert not is_clear(Estimate(value=None), 0.1) and not is_clear(Estimate(value=0.5, n=4), 0.1)


def test_repeated_looks_find_a_difference_where_there_is_none_in_at_most_five_of_a_hundred() -> None:
    """2,000 pairs of 32 futures of one distribution, looked at after 4, 8, 16 and 32; the draw is fixed."""
    rng, counts = np.random.default_rng(5), looks(32)
    found = 0
    for _ in range(2_000):
        first, second = rng.normal(size=(2, 32)).tolist()
        estimates = (mean_contrast(first[:count], second[:count], level_of(len(counts))) for count in counts)
        found += any(is_clear(estimate, 0.0) for estimate in estimates)
    assert found / 2_000 <= 0.05


def futures_made(out: Path) -> dict[str | None, int]:
    return dict(Counter(branch.parent for branch in read_run(out, "dialogues.jsonl", Dialogue)))


def test_a_clear_fork_stops_early_and_an_unclear_one_goes_on_to_the_end(tmp_path: Path, user: str) -> None:
    run = parents(tmp_path / "a", user)
    naming = {"plain": Speaker(), "naming": Speaker("naming", 3)}
    settings: dict[str, Any] = {"samples": 10, "enough": 0.01}
    branches(run, tmp_path / "clear", supporter=naming, **settings)
    assert set(futures_made(tmp_path / "clear").values()) == {2 * 4} and len(futures_made(tmp_path / "clear")) == len(
        NEEDS
    )
    equal = {"plain": Speaker(), "other": Speaker("other")}
    branches(run, tmp_path / "unclear", supporter=equal, **settings)
    assert set(futures_made(tmp_path / "unclear").values()) == {2 * 10}
    first = (tmp_path / "clear" / "dialogues.jsonl").read_bytes()
    branches(run, tmp_path / "clear", supporter=naming, **settings)
    assert (tmp_path / "clear" / "dialogues.jsonl").read_bytes() == first
