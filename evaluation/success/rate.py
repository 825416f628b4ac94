"""SR: the success rate over profiles, with its interval and its worst-case bounds."""

import math
from collections.abc import Mapping, Sequence

from cocoon.evaluation.statistics.estimates import Bounds, Estimate, mean_over_profiles, wilson, wilson_interval


def success_rate(draws: Mapping[str, Sequence[bool | None]]) -> Estimate:
    """Return the success rate over profiles with its interval.

    With one draw per profile the interval is Wilson's, with more it is the cluster bootstrap. When every profile has
    the same share, the bootstrap sees no spread and would claim certainty. The interval is then Wilson's with the
    number of profiles as n, as if draws of one profile said nothing beyond the first.
    """
    if all(len(profile_draws) <= 1 for profile_draws in draws.values()):
        known = [draw for profile_draws in draws.values() for draw in profile_draws if draw is not None]
        return wilson(sum(known), len(known), sum(len(profile_draws) for profile_draws in draws.values()) - len(known))
    estimate = mean_over_profiles(draws)
    profiles = sum(any(draw is not None for draw in profile_draws) for profile_draws in draws.values())
    if estimate.value is None or estimate.low is not None or profiles < 2:
        return estimate
    low, high = wilson_interval(estimate.value, profiles)
    return estimate.model_copy(update={"low": low, "high": high})


def sr_bounds(draws: Mapping[str, Sequence[bool | None]]) -> Bounds | None:
    """Return the success rate with every missing draw as a failure, and as a success. None without draws.

    These are the worst-case bounds of Manski 1989: nothing is assumed about why draws are missing.
    """
    filled = [profile_draws for profile_draws in draws.values() if profile_draws]
    if not filled:
        return None
    low = math.fsum(sum(draw is True for draw in profile_draws) / len(profile_draws) for profile_draws in filled)
    high = math.fsum(sum(draw is not False for draw in profile_draws) / len(profile_draws) for profile_draws in filled)
    return Bounds(low=low / len(filled), high=high / len(filled))
