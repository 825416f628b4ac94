"""How many profiles a comparison needs: exact figures, the order of the search, and where it gives up."""

import itertools
import math
from collections.abc import Callable
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from scipy import stats

from cocoon.core.errors import CocoonError
from cocoon.evaluation.statistics.paired import mcnemar
from cocoon.evaluation.statistics.power import (
    WithinTalks,
    asymptotic_profiles_for_rate,
    fewest_for_sign_flip,
    people_within_talks,
    power_of_mean,
    power_of_rate,
    power_within_talks,
    profiles_for_mean,
    profiles_for_rate,
    smallest_mean_difference,
    smallest_rate_difference,
)

DESIGN = WithinTalks(0.5, 1.0, 0.7)
MODULE = "cocoon.evaluation.statistics.power"


def asymptotic_mean(difference: float, power: float = 0.8, level: float = 0.05) -> int:
    return math.ceil(((stats.norm.ppf(1 - level / 2) + stats.norm.ppf(power)) / difference) ** 2)


@pytest.mark.parametrize(("profiles", "level"), [(6, 0.05), (12, 0.05), (12, 0.01), (2, 0.5)])
def test_the_power_of_a_mean_is_that_of_johnson_and_welch(profiles: int, level: float) -> None:
    df, shift = profiles - 1, 0.8 / 1.5 * math.sqrt(profiles)
    critical = float(stats.t.ppf(1 - level / 2, df))
    expected = stats.norm.sf((critical * (1 - 1 / (4 * df)) - shift) / math.sqrt(1 + critical**2 / (2 * df)))
    assert power_of_mean(profiles, -0.8, 1.5, level=level) == pytest.approx(float(expected), rel=1e-9)
    if level == 0.05:
        assert power_of_mean(profiles, -0.8, 1.5) == pytest.approx(float(expected), rel=1e-9)


@pytest.mark.parametrize(("difference", "level", "steps"), [(0.0025, 0.05, 1), (0.3, 0.05, 2), (0.35, 0.01, 3)])
def test_profiles_for_a_mean_rise_from_the_normal_number_by_a_thousandth(
    difference: float, level: float, steps: int
) -> None:
    expected = asymptotic_mean(difference, level=level)
    for _ in range(steps):
        assert power_of_mean(expected, difference, 1.0, level=level) < 0.8
        expected += max(1, expected // 1_000)
    assert profiles_for_mean(2 * difference, 2.0, level=level) == expected


def test_a_power_that_is_just_reached_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{MODULE}.power_of_mean", lambda *_, level: 0.8 if level == 0.05 else 0.0)
    assert profiles_for_mean(0.5, 1.0) == asymptotic_mean(0.5)
    monkeypatch.setattr(f"{MODULE}.power_of_rate", lambda *_, level: 0.8 if level == 0.05 else 0.0)
    assert profiles_for_rate(0.3, 0.1) == asymptotic_profiles_for_rate(0.3, 0.1)


def test_the_fewest_profiles_at_the_usual_level_are_six() -> None:
    assert fewest_for_sign_flip() == 6
    assert profiles_for_mean(50.0, 1.0, level=0.01) == 8


def test_a_spread_below_one_is_a_spread() -> None:
    assert profiles_for_mean(0.25, 0.5) == profiles_for_mean(1.0, 2.0) == 34


def test_a_design_has_one_turn_and_one_future_and_cannot_be_changed() -> None:
    assert (DESIGN.turns, DESIGN.futures) == (1, 1)
    with pytest.raises(FrozenInstanceError):
        DESIGN.turns = 2  # type: ignore[misc]


@pytest.mark.parametrize(("profiles", "level", "draws"), [(6, 0.05, 2_000), (9, 0.2, 400)])
def test_power_within_talks_is_the_share_of_drawn_tests_that_reject(profiles: int, level: float, draws: int) -> None:
    design = WithinTalks(0.6, 0.5, 0.9, turns=2, futures=3)
    rng = np.random.default_rng(profiles)
    people = rng.normal(0.6, 0.5, (draws, profiles))
    seen = people + rng.normal(0.0, 0.9 / math.sqrt(3), (draws, profiles))
    expected = float(np.mean(np.asarray(stats.ttest_1samp(seen, 0.0, axis=1)[1]) < level))
    assert power_within_talks(profiles, design, level=level, draws=draws) == expected
    if draws == 2_000:
        assert power_within_talks(profiles, design) == expected


def asked_numbers(monkeypatch: pytest.MonkeyPatch, needed: int) -> list[int]:
    """Let the power be just reached from a number of people on, and return the numbers that will be asked about."""
    asked: list[int] = []

    def power(profiles: int, design: WithinTalks, *, level: float) -> float:
        assert design is DESIGN and level == 0.05
        asked.append(profiles)
        return 0.8 if profiles >= needed else 0.0

    monkeypatch.setattr(f"{MODULE}.power_within_talks", power)
    return asked


@pytest.mark.parametrize("needed", [6, 7, 12, 13, 41, 3_072, 4_500, 4_999, 5_000])
def test_the_people_needed_are_the_fewest_with_the_power(monkeypatch: pytest.MonkeyPatch, needed: int) -> None:
    asked_numbers(monkeypatch, needed)
    assert people_within_talks(DESIGN) == needed


def test_the_number_of_people_is_doubled_and_then_halved_between(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asked_numbers(monkeypatch, 41)
    people_within_talks(DESIGN)
    assert asked == [6, 12, 24, 48, 36, 42, 39, 40, 41]


def test_the_search_for_people_ends_beyond_five_thousand(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asked_numbers(monkeypatch, 5_001)
    assert people_within_talks(DESIGN) is None
    assert asked[-2:] == [3_072, 5_000]


def test_a_comparison_within_talks_needs_a_difference_and_a_spread_or_a_noise() -> None:
    for difference, spread, noise in ((0.0, 1.0, 1.0), (1.0, 0.0, 0.0), (1.0, -1.0, 0.0)):
        with pytest.raises(CocoonError, match="must not be 0, and spread or noise must be above 0"):
            people_within_talks(WithinTalks(difference, spread, noise))
    assert people_within_talks(WithinTalks(9.0, 0.5, 0.0)) == people_within_talks(WithinTalks(9.0, 0.0, 0.5)) == 6
    with pytest.raises(CocoonError, match="must lie within"):
        people_within_talks(DESIGN, power=0.4)


@pytest.mark.parametrize("level", [0.0625, 0.2])
def test_mcnemars_power_counts_a_test_that_just_reaches_the_level(level: float) -> None:
    first, second, n = 0.6, 0.1, 7
    expected = 0.0
    for a, b in itertools.product(range(n + 1), repeat=2):
        if 0 < a + b <= n and mcnemar(a, b).p <= level:
            expected += (
                math.comb(n, a) * math.comb(n - a, b) * first**a * second**b * (1 - first - second) ** (n - a - b)
            )
    assert power_of_rate(n, first, second, level=level) == pytest.approx(expected, abs=1e-9)


def rate_steps(monkeypatch: pytest.MonkeyPatch, power: Callable[[int], float]) -> list[int]:
    asked: list[int] = []

    def answer(profiles: int, *_: float, level: float) -> float:
        del level
        asked.append(profiles)
        return power(profiles)

    monkeypatch.setattr(f"{MODULE}.power_of_rate", answer)
    return asked


def test_profiles_for_a_rate_rise_by_a_two_hundredth_and_at_least_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = rate_steps(monkeypatch, lambda profiles: float(profiles >= 45))
    assert profiles_for_rate(0.4, 0.1) == 45
    assert asked == list(range(42, 46)) and asymptotic_profiles_for_rate(0.4, 0.1) == 42
    asked = rate_steps(monkeypatch, lambda profiles: float(profiles > 20_000))
    found = profiles_for_rate(0.1, 0.088)
    assert asked[0] == asymptotic_profiles_for_rate(0.1, 0.088) and found > 20_000
    assert all(later - earlier == earlier // 200 for earlier, later in itertools.pairwise([*asked, found]))
    assert len({earlier // 199 - earlier // 200 for earlier in asked}) == 2


@pytest.mark.parametrize(("largest", "tried"), [(20_000, True), (20_001, False)])
def test_beyond_twenty_thousand_profiles_the_asymptotic_number_stands(
    monkeypatch: pytest.MonkeyPatch, largest: int, tried: bool
) -> None:
    monkeypatch.setattr(f"{MODULE}.asymptotic_profiles_for_rate", lambda *_, **__: largest)
    asked = rate_steps(monkeypatch, lambda _: 0.0)
    assert profiles_for_rate(0.3, 0.2) == (20_100 if tried else largest)
    assert asked == ([20_000] if tried else [])


def test_four_profiles_are_not_five_where_the_formula_gives_four() -> None:
    level = 2 * float(stats.norm.sf(2.0))
    assert asymptotic_profiles_for_rate(1.0, 0.0, level=level) == 4


def test_shares_may_add_up_to_one_and_one_of_them_may_be_nothing() -> None:
    z = stats.norm.ppf([0.975, 0.8])
    expected = math.ceil(((z[0] + z[1] * math.sqrt(1 - 0.2**2)) / 0.2) ** 2)
    assert asymptotic_profiles_for_rate(0.6, 0.4) == expected
    assert asymptotic_profiles_for_rate(0.0, 0.04) == math.ceil(((z[0] * 0.2 + z[1] * math.sqrt(0.0384)) / 0.04) ** 2)


def test_a_difference_that_needs_more_than_ten_million_profiles_is_refused() -> None:
    just = math.sqrt((stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) ** 2 / 9_980_000)
    assert profiles_for_mean(just, 1.0) >= 9_980_000
    with pytest.raises(CocoonError, match="more than 10,000,000 profiles would be needed"):
        profiles_for_mean(just * 0.998, 1.0)


def test_the_smallest_mean_difference_is_where_the_power_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    found = smallest_mean_difference(40)
    assert found is not None
    assert power_of_mean(40, found, 1.0) >= 0.8 > power_of_mean(40, found - 1e-4, 1.0)
    assert smallest_mean_difference(5) is None and smallest_mean_difference(6) is not None
    assert smallest_mean_difference(6, level=0.01) is None
    strict = smallest_mean_difference(40, power=0.9, level=0.01)
    assert strict is not None and power_of_mean(40, strict, 1.0, level=0.01) == pytest.approx(0.9, abs=1e-3)
    monkeypatch.setattr(f"{MODULE}.power_of_mean", lambda _, difference, *__, **___: 0.8 * (difference >= 1.25))
    assert smallest_mean_difference(40) == 1.25


def test_the_smallest_rate_difference_is_the_hardest_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    found = smallest_rate_difference(100)
    assert found is not None and 0 < found < 0.5

    def reached(difference: float, level: float = 0.05) -> float:
        return power_of_rate(100, 0.5 * (0.5 + difference), 0.5 * (0.5 - difference), level=level)

    assert reached(found) >= 0.8 > reached(found - 1e-4)
    assert smallest_rate_difference(8) is None
    strict = smallest_rate_difference(100, power=0.9, level=0.01)
    assert strict is not None and reached(strict, 0.01) == pytest.approx(0.9, abs=1e-2)
    sizes: set[int] = set()

    def stepped(size: int, first: float, second: float, *, level: float) -> float:
        sizes.add(size)
        return 0.8 if first - second >= limit and level == 0.05 else 0.0

    monkeypatch.setattr(f"{MODULE}.power_of_rate", stepped)
    for limit in (0.25, 0.5):
        assert smallest_rate_difference(30_000) == limit
    assert sizes == {20_000}
