"""A judge's mean corrected by people: right where the judge is not, and no surer than people allow."""

import numpy as np
import pytest

from cocoon.evaluation.statistics.correction import corrected_mean


def drawn(
    rng: np.random.Generator, profiles: int, rated: int, slope: float = 0.5, shift: float = 2.0
) -> tuple[dict[str, list[float]], dict[str, list[tuple[float, float]]]]:
    """A judge that lies `shift` above people on the mean, who would give 4 to all dialogues."""
    people = rng.normal(4, 1, profiles)
    judge = 4 + shift + slope * (people - 4) + rng.normal(0, 0.3, profiles)
    judged = {f"p{number}": [float(judge[number])] for number in range(profiles)}
    pairs = {f"p{number}": [(float(judge[number]), float(people[number]))] for number in range(rated)}
    return judged, pairs


def test_the_difference_estimator_takes_off_what_the_judge_adds() -> None:
    judged = {"a": [5.0], "b": [6.0], "c": [7.0], "d": [4.0]}
    found = corrected_mean(judged, {"a": [(5.0, 4.0)], "b": [(6.0, 5.0)], "c": [(7.0, 5.0)]})
    # Judge 5.5 over all; people are 4/3 below it where they rated.
    assert found.value == pytest.approx(5.5 - 4 / 3) and found.n == 3


def test_the_slope_is_estimated_from_ten_profiles_on() -> None:
    judged, pairs = drawn(np.random.default_rng(1), 60, 30)
    first, second = (np.array([pair[0][side] for pair in pairs.values()]) for side in (0, 1))
    slope = np.polyfit(first, second, 1)[0]
    everything = np.mean([values[0] for values in judged.values()])
    assert corrected_mean(judged, pairs).value == pytest.approx(second.mean() + slope * (everything - first.mean()))


def test_without_people_there_is_no_correction_and_with_two_no_interval() -> None:
    judged = {"a": [5.0], "b": [6.0], "c": [7.0]}
    assert corrected_mean(judged, {}).value is None
    two = corrected_mean(judged, {"a": [(5.0, 4.0)], "b": [(6.0, 5.0)]})
    assert (two.value, two.low) == (pytest.approx(5.0), None)


def test_the_interval_covers_what_people_would_give_and_the_judges_own_does_not() -> None:
    """Of 60 studies of 80 dialogues, 25 of them rated by people, at least 53 hold the mean of all people, 4."""
    rng = np.random.default_rng(4)
    held, width = 0, []
    for _ in range(60):
        found = corrected_mean(*drawn(rng, 80, 25))
        assert found.low is not None and found.high is not None
        held += found.low <= 4 <= found.high
        width.append(found.high - found.low)
    assert held >= 53
    # Twenty-five people alone: 2 * 1.96 / 5. The judge's other dialogues narrow it.
    assert np.mean(width) < 0.9 * 2 * 1.96 / 5
