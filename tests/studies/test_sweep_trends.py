"""What a sweep concludes from its observations: trends, surprise, causes and doses, on hand-made numbers."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cocoon.steering.calibration.behaviour import Arm, Speaking
from cocoon.steering.control.control import Control
from cocoon.steering.directions import placebo
from cocoon.steering.directions.direction import Direction
from cocoon.steering.directions.placebo import equal_surprise
from cocoon.steering.pairs.situations import read_situations
from cocoon.studies.sweep.plan import SweepArm
from cocoon.studies.sweep.records import Observation
from cocoon.studies.sweep.trend import OUTCOMES, adjusted, difference, trend
from cocoon.tests.steering.steered import direction_for, tiny_family
from cocoon.tests.steering.test_extract import weights_of


def observed(profile: str, coefficient: float, **more: Any) -> Observation:
    given: dict[str, Any] = {
        "user": "guarded",
        "arm": SweepArm(name=f"a {coefficient:g}", kind="steered", model="m", direction="d", coefficient=coefficient),
        "profile": profile,
        "dialogue": f"{profile}.{coefficient}",
        "ratio": coefficient,
        "marked": None,
        "types": {},
        "success": None,
        "attributed": None,
        "affective": None,
        "turned": None,
        "nats": None,
        "length": None,
        "by_turn": (),
    }
    return Observation(**(given | more))


def test_a_trend_is_the_mean_of_the_profiles_slopes() -> None:
    drawn = np.random.default_rng(0)
    found = [
        observed(f"p{n}", dose, affective=4 + n % 3 - 10 * dose + drawn.normal(0, 0.01))
        for n in range(12)
        for dose in (0.0, 0.05, 0.1)
    ]
    one = trend(found, lambda some: some.arm.coefficient, OUTCOMES["Aff"], 0.1)
    assert one.change.value == pytest.approx(-1, abs=0.02) and one.profiles == 12
    assert one.p is not None and one.p < 0.001
    flat = trend(found, lambda some: some.arm.coefficient, OUTCOMES["7 - Neg"], 0.1)
    assert flat.change.value is None and flat.profiles == 0
    assert difference(found, "a 0", "a 0.1", OUTCOMES["Aff"]).change.value == pytest.approx(1, abs=0.02)


def test_what_surprise_explains_is_taken_out() -> None:
    drawn = np.random.default_rng(1)
    found = []
    for n in range(30):
        for dose in (0.0, 0.03, 0.06, 0.09):
            nats = 1 + 20 * dose + drawn.normal(0, 0.3)
            found.append(observed(f"p{n}", dose, nats=nats, affective=6 - nats + drawn.normal(0, 0.05)))
    plain = trend(found, lambda some: some.arm.coefficient, OUTCOMES["Aff"], 0.09)
    fair = adjusted(found, OUTCOMES["Aff"], {"nats": lambda some: some.nats}, 0.09)
    assert plain.change.value == pytest.approx(-1.8, abs=0.3)
    assert fair.change.value is not None and abs(fair.change.value) < 0.15
    assert fair.change.low is not None and fair.change.high is not None
    assert fair.change.low < 0.05 and fair.change.high > -0.05
    assert adjusted(found[:3], OUTCOMES["Aff"], {}, 0.09).change.value is None


def test_the_placebo_of_equal_surprise_is_between_doses_that_were_tried() -> None:
    weights = weights_of(tiny_family("Llama"))
    direction = direction_for(weights.network)
    real, chance = Control(direction), Control(Direction.random(direction, 5))
    situations, doses = read_situations("shipped:en:choose")[:4], [0.5, 1.0, 2.0, 4.0]
    dose = equal_surprise(weights, real, 0.5, chance, doses, situations, Speaking(max_tokens=8))
    assert dose is None or 0.5 <= dose <= 4
    assert equal_surprise(weights, real, 0.5, real, [0.25, 0.5], situations, Speaking(max_tokens=8)) == 0.5


@pytest.mark.parametrize(
    ("wanted", "doses", "expected"),
    [
        (2.0, {0.0: 1.0, 1.0: 1.5, 2.0: 2.5, 4.0: None}, 1.5),
        (1.5, {0.0: 1.0, 1.0: 2.0, 2.0: 2.5, 4.0: 3.0}, 0.5),
        (0.9, {0.0: 1.0, 1.0: 2.0, 2.0: 2.5, 4.0: 3.0}, 1.0),
        (2.6, {0.0: 1.0, 1.0: 1.5, 2.0: 2.5, 4.0: None}, None),
        (2.0, {0.0: 1.0, 1.0: None, 2.0: 2.5, 4.0: 3.0}, None),
    ],
)
def test_the_dose_of_equal_surprise_lies_between_0_and_the_first_that_leaves_no_words(
    monkeypatch: pytest.MonkeyPatch, wanted: float, doses: dict[float, float | None], expected: float | None
) -> None:
    nats = {("other", dose): value for dose, value in doses.items()} | {("real", 0.5): wanted}

    def spoken(_: Any, __: Any, arms: Sequence[Arm], *___: Any) -> list[Any]:
        return [SimpleNamespace(label=arm.label, coefficient=arm.coefficient) for arm in arms]

    def counted(some: Sequence[Any]) -> Any:
        return SimpleNamespace(nats=nats[some[0].label, some[0].coefficient])

    monkeypatch.setattr(placebo, "sample_replies", spoken)
    monkeypatch.setattr(placebo, "behaviour", counted)
    model: Any = None
    assert equal_surprise(model, model, 0.5, model, [1.0, 2.0, 4.0], []) == expected
