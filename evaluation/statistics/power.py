"""How many profiles a comparison needs, and what a number of profiles can show.

Both sides meet the same profiles, and the tests are those that a comparison prints. For means that is the sign-flip
test, whose power on normal differences is that of the paired t test (Chow, Shao and Wang 2008, section 3.1) as soon as
there are enough profiles for it to reach the level at all. For success rates it is McNemar's exact test. The usual
formula (Connor 1987) is for its asymptotic form, which needs fewer profiles, and is given for comparison.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from cocoon.core.errors import CocoonError
from cocoon.evaluation.statistics.estimates import student_quantile

LARGEST = 10_000_000
_MOST_EXACT = 20_000
_MOST_SIMULATED = 5_000
_NORMAL = NormalDist()


def _check(power: float, level: float) -> None:
    if not 0.5 < power < 1 or not 0 < level < 0.5:
        raise CocoonError(f"power {power:g} must lie within 0.5 and 1, and the level {level:g} within 0 and 0.5")


def profiles_for_mean(difference: float, spread: float, *, power: float = 0.8, level: float = 0.05) -> int:
    """Return the number of profiles needed to see a mean paired difference.

    `spread` is the standard deviation of the profiles' differences. Both are in points of the scale. Raises CocoonError
    for a difference of 0, a spread of 0 or below, or an n beyond 10 million.
    """
    _check(power, level)
    if difference == 0 or spread <= 0:
        raise CocoonError(f"the difference ({difference:g}) must not be 0, and the spread ({spread:g}) must be above 0")
    ratio = (spread / difference) ** 2
    profiles = max(fewest_for_sign_flip(level), _ceil(ratio * (_z(1 - level / 2) + _z(power)) ** 2))
    while power_of_mean(profiles, difference, spread, level=level) < power:
        profiles += max(1, profiles // 1_000)
    return profiles


def fewest_for_sign_flip(level: float = 0.05) -> int:
    """Return the fewest profiles with which the exact sign-flip test can reach a level. Its p is at least 2 / 2^n."""
    return math.ceil(1 - math.log2(level) - 1e-12)


def power_of_mean(profiles: int, difference: float, spread: float, *, level: float = 0.05) -> float:
    """Return the probability, 0 to 1, that the two-sided sign-flip test sees a difference on so many profiles.

    The probability is that of the paired t test on normal differences, approximately, and 0 for too few profiles.
    """
    if profiles < fewest_for_sign_flip(level):
        return 0.0
    shift = abs(difference) / spread * math.sqrt(profiles)
    critical = student_quantile(1 - level / 2, profiles - 1)
    # Johnson and Welch 1940: the noncentral t is near normal after this scaling.
    scale = math.sqrt(1 + critical**2 / (2 * (profiles - 1)))
    return 1 - _NORMAL.cdf((critical * (1 - 1 / (4 * (profiles - 1))) - shift) / scale)


@dataclass(frozen=True)
class WithinTalks:
    """A comparison of two forms at the same turns of the same talks, in points of the outcome.

    `spread` is the standard deviation of the people's true differences, `noise` that of futures that share all words
    before them and the form. Each person has `turns` such turns, and each turn `futures` of either form.
    """

    difference: float
    spread: float
    noise: float
    turns: int = 1
    futures: int = 1


def power_within_talks(profiles: int, design: WithinTalks, *, level: float = 0.05, draws: int = 2_000) -> float:
    """Return the probability, 0 to 1, that a comparison within talks sees its difference on so many people.

    It is simulated under a fixed seed: people, turns and futures are drawn, and their mean differences are tested by
    Student's t, which on normal differences is nearly the sign-flip test. It is 0 for too few people.
    """
    if profiles < fewest_for_sign_flip(level):
        return 0.0
    rng = np.random.default_rng(profiles)
    people = rng.normal(design.difference, design.spread, (draws, profiles))
    # The mean of normal futures is normal, so that one draw stands for all futures of a person.
    futures = rng.normal(0.0, design.noise * math.sqrt(2 / (design.turns * design.futures)), (draws, profiles))
    seen = people + futures
    error = seen.std(axis=1, ddof=1) / math.sqrt(profiles)
    critical = student_quantile(1 - level / 2, profiles - 1)
    return float(np.mean(np.abs(seen.mean(axis=1)) > critical * error))


def people_within_talks(design: WithinTalks, *, power: float = 0.8, level: float = 0.05) -> int | None:
    """Return the number of people that a comparison within talks needs, by simulation. None for more than 5,000.

    Raises CocoonError for a difference of 0, or for no spread at all.
    """
    _check(power, level)
    if design.difference == 0 or (design.spread <= 0 and design.noise <= 0):
        raise CocoonError(f"the difference ({design.difference:g}) must not be 0, and spread or noise must be above 0")
    low = high = fewest_for_sign_flip(level)
    while power_within_talks(high, design, level=level) < power:
        if high >= _MOST_SIMULATED:
            return None
        low, high = high, min(2 * high, _MOST_SIMULATED)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power_within_talks(middle, design, level=level) >= power else (middle, high)
    return high


def profiles_for_rate(only_first: float, only_second: float, *, power: float = 0.8, level: float = 0.05) -> int:
    """Return the number of profiles with which McNemar's exact test sees a difference of success rates.

    `only_first` and `only_second` are the shares of profiles with which only one side succeeded. Their difference is
    the difference of the rates. Beyond 20,000 profiles the asymptotic number is returned, which is then as good. Raises
    CocoonError for shares outside 0 to 1 or without a difference.
    """
    profiles = asymptotic_profiles_for_rate(only_first, only_second, power=power, level=level)
    while profiles <= _MOST_EXACT and power_of_rate(profiles, only_first, only_second, level=level) < power:
        profiles += max(1, profiles // 200)
    return profiles


def power_of_rate(profiles: int, only_first: float, only_second: float, *, level: float = 0.05) -> float:
    """Return the probability, 0 to 1, that McNemar's exact test on so many profiles sees a difference of two rates.

    It is summed over all counts of discordant profiles. The test is two-sided by doubling.
    """
    from scipy.stats import binom

    discordant = only_first + only_second
    counts = np.arange(1, profiles + 1)
    weights = binom.pmf(counts, profiles, discordant)
    counts, weights = counts[weights > 1e-12], weights[weights > 1e-12]
    # The largest count of the rarer side at which the test still rejects, -1 where it never does.
    critical = binom.ppf(level / 2, counts, 0.5)
    critical -= binom.cdf(critical, counts, 0.5) > level / 2
    share = only_first / discordant
    rejected = binom.cdf(critical, counts, share) + binom.cdf(critical, counts, 1 - share)
    return float(weights @ rejected)


def smallest_mean_difference(profiles: int, *, power: float = 0.8, level: float = 0.05) -> float | None:
    """Return the smallest mean difference that so many profiles show with this power.

    It is in standard deviations of the profiles' differences. None where the test cannot reach the level at all.
    """
    if profiles < fewest_for_sign_flip(level):
        return None
    return _smallest(lambda difference: power_of_mean(profiles, difference, 1.0, level=level), power, 16.0)


def smallest_rate_difference(profiles: int, *, power: float = 0.8, level: float = 0.05) -> float | None:
    """Return the smallest difference of two success rates, 0 to 0.5, that so many profiles show with this power.

    This is the hardest case: one side succeeds with half of the people, and the other side independently of it. Where
    both succeed with the same people, a smaller difference shows. None where not even 0.5 would show.
    """
    size = min(profiles, _MOST_EXACT)

    def reached(difference: float) -> float:
        rate = 0.5 + difference
        return power_of_rate(size, 0.5 * rate, 0.5 * (1 - rate), level=level)

    return _smallest(reached, power, 0.5) if reached(0.5) >= power else None


def _smallest(reached: Callable[[float], float], power: float, highest: float) -> float:
    low, high = 0.0, highest
    while high - low > 1e-4:
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) >= power else (middle, high)
    return high


def asymptotic_profiles_for_rate(
    only_first: float, only_second: float, *, power: float = 0.8, level: float = 0.05
) -> int:
    """Return the number of profiles for McNemar's asymptotic test (Connor 1987), like `profiles_for_rate`."""
    _check(power, level)
    discordant, difference = only_first + only_second, abs(only_first - only_second)
    if min(only_first, only_second) < 0 or discordant > 1 or difference == 0:
        raise CocoonError(
            f"the shares that only one side won ({only_first:g}, {only_second:g}) must be 0 or more, must differ, and "
            "must add up to at most 1"
        )
    root = _z(1 - level / 2) * math.sqrt(discordant) + _z(power) * math.sqrt(discordant - difference**2)
    return max(2, _ceil((root / difference) ** 2))


def discordant_range(first: float, second: float) -> tuple[float, float]:
    """Return the least and greatest share of profiles with which only one side can succeed, 0 to 1.

    `first` and `second` are the success rates of the two sides.
    """
    difference = abs(first - second)
    return difference, min(first + second, 2 - first - second)


def _z(share: float) -> float:
    return _NORMAL.inv_cdf(share)


def _ceil(value: float) -> int:
    if value > LARGEST:
        raise CocoonError(f"more than {LARGEST:,} profiles would be needed; the difference is too small for its spread")
    return math.ceil(value - 1e-9)
