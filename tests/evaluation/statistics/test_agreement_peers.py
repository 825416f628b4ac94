"""Agreement, reliability, strengths and power against other packages, which answered the same random tables."""

import functools
import json
from pathlib import Path
from typing import Any

import pytest

from cocoon.evaluation.statistics.agreement import Level, Weights, kappa, krippendorff
from cocoon.evaluation.statistics.power import power_of_mean, profiles_for_mean
from cocoon.evaluation.statistics.preference import Choice, bradley_terry
from cocoon.evaluation.statistics.reliability import cronbach, intraclass, variance_components
from cocoon.tests.conversations import ROOT

FILE = Path("tests", "data", "agreement", "peers.json")


@functools.cache
def peers() -> dict[str, Any]:
    return json.loads((ROOT / FILE).read_text("utf-8"))


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cocoon.evaluation.statistics.resampling.RESAMPLES", 5)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_alpha_with_a_quarter_of_the_values_missing(level: Level) -> None:
    cases = peers()["alpha"]
    assert any(None in row for case in cases for row in case["table"])
    for case in cases:
        assert krippendorff(case["table"], level).value == pytest.approx(case[level], abs=1e-9)


@pytest.mark.parametrize("weights", ["none", "linear", "quadratic"])
def test_kappa_with_every_weighting(weights: Weights) -> None:
    for case in peers()["kappa"]:
        found = kappa(case["first"], case["second"], weights, range(1, 8))
        assert found.value == pytest.approx(case[weights], abs=1e-9)


def test_intraclass_correlations_and_cronbach() -> None:
    for case in peers()["icc"]:
        found = intraclass([*case["table"], [None, *case["table"][0][1:]]])
        assert found.single.value == pytest.approx(case["single"], abs=1e-9)
        assert found.average.value == pytest.approx(case["average"], abs=1e-9)
        assert cronbach(case["table"]).value == pytest.approx(case["cronbach"], abs=1e-9)


def test_bradley_terry_strengths() -> None:
    for case in peers()["bradley_terry"]:
        choices = [
            Choice(unit=str(unit), question="q", rater="r", first=str(winner), second=str(loser), winner=str(winner))
            for unit, (winner, loser) in enumerate(case["data"])
        ]
        found = {int(one.condition): one.strength.value for one in bradley_terry(choices)}
        assert [found[number] for number in sorted(found)] == pytest.approx(case["strengths"], abs=1e-6)


def test_variance_components_are_near_those_of_restricted_likelihood() -> None:
    given = peers()["components"]
    found = variance_components(
        [(profile, dialogue, judge, value) for profile, dialogue, judge, value in given["ratings"]]
    )
    assert found is not None
    for name in ("profile", "dialogue", "judge", "residual"):
        assert getattr(found, name) == pytest.approx(given[name], rel=0.1)


def test_power_and_sample_sizes_of_the_paired_test() -> None:
    for case in peers()["power"]:
        if case["n"] < 6:
            # No assignment of signs to so few profiles has a p of 0.05.
            assert power_of_mean(case["n"], case["d"], 1) == 0
            continue
        assert power_of_mean(case["n"], case["d"], 1) == pytest.approx(case["power"], abs=0.012)
    for case in peers()["profiles"]:
        # From 12 profiles on the answer is the exact one, rounded up; below it is at most one more.
        assert -0.05 <= profiles_for_mean(case["d"], 1, power=case["power"]) - case["n"] <= (1 if case["n"] > 12 else 2)
