"""How far the scores of supporters depend on who played the user, whom they met, and who judged.

Supporters, simulated users, profiles and judges are crossed, and each effect and each crossing of effects has a
variance of its own (generalisability theory: Brennan 2001, chapters 3 to 5). The question is how far another panel of
users, profiles and judges would put the supporters into the same order.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import combinations
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from pydantic import ConfigDict

from cocoon.core.records import Record
from cocoon.evaluation.statistics.estimates import LEVEL, SEED, Estimate, student_quantile
from cocoon.evaluation.statistics.henderson import (
    RESIDUAL,
    Codes,
    between_groups,
    codes_of,
    crossing,
    henderson,
    separable,
)
from cocoon.evaluation.statistics.resampling import Numbers

FACETS = ("supporter", "user", "profile", "judge")
CROSS = " x "
DIALOGUE = "dialogue"
"""The effect of several dialogues of one supporter with one user and profile."""
TARGET = 0.8
"""A usual bar for a coefficient on which a decision about supporters rests."""
PERMUTATIONS = 999
MOST_GROUPS = 50
"""Groups of profiles that are left out in turn for an interval."""
VarianceOf = Mapping[str, float]
"""Variance by effect: a facet, facets joined by ` x `, the dialogue, the residual."""
Sizes = Mapping[str, float]
"""How many users, profiles, judges and dialogues of each cell a panel has."""


class PanelScore(NamedTuple):
    """The score that a judge gave for one dialogue, None where it is missing."""

    supporter: str
    user: str
    profile: str
    judge: str
    sample: int
    value: float | None


class PanelVariance(Record):
    """Where the variance of the scores of a panel comes from, in squared points of the scale.

    A negative estimate stays as it is, so that estimates of many panels have the right mean. It counts as 0 in the
    coefficient. `by_user` is the variance that the choice of the user brings into the score of a supporter (user, and
    supporter x user), and `excess` what it has above that of the supporters. `coefficient` is the generalisability
    coefficient of the supporters' means, 0 to 1. `by_chance` is the probability that users without any effect would
    give means that differ so much (user labels are permuted within each profile), None for one user. Intervals are a
    jackknife over profiles: users, judges and supporters are those of the panel.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    components: dict[str, Estimate]
    sizes: dict[str, float]
    by_user: Estimate
    excess: Estimate
    coefficient: Estimate
    by_chance: float | None = None
    n: int
    missing: int

    @property
    def variances(self) -> dict[str, float]:
        """The components without their intervals."""
        return {name: component.value or 0.0 for name, component in self.components.items()}

    @property
    def users_move_more(self) -> bool:
        """Whether the choice of the user moves the scores, and at least as much as the supporters do."""
        return self._users_move and (self.excess.value or 0.0) >= 0

    @property
    def users_may_move_more(self) -> bool:
        """Whether the choice of the user moves the scores, and the supporters are not shown to move them more."""
        return self._users_move and (self.excess.high is None or self.excess.high >= 0)

    @property
    def _users_move(self) -> bool:
        return self.by_chance is not None and self.by_chance <= 1 - LEVEL


def crossed_components(scores: Sequence[PanelScore]) -> dict[str, float] | None:
    """Return the variance of every effect that the scores can separate, and the residual. None without any.

    The crossing of all facets stands in the residual, unless there are several dialogues of each.
    """
    known = [score for score in scores if score.value is not None]
    return _components(*_coded(known)) if known else None


def _coded(scores: Sequence[PanelScore]) -> tuple[Numbers, dict[str, Codes]]:
    """Return the values and the levels of each facet and of the sample, in one order for all panels of one design."""
    ordered = sorted(scores, key=attrgetter("profile", "supporter", "user", "judge", "sample"))
    levels = {name: codes_of([str(getattr(score, name)) for score in ordered]) for name in (*FACETS, "sample")}
    return np.array([score.value for score in ordered], dtype=float), levels


def _components(values: Numbers, levels: Mapping[str, Codes]) -> dict[str, float] | None:
    facets = [name for name in FACETS if levels[name].max() > 0]
    effects = [effect for size in range(1, len(facets) + 1) for effect in combinations(facets, size)]
    factors = {CROSS.join(effect): crossing([levels[name] for name in effect]) for effect in effects}
    factors[DIALOGUE] = crossing([levels[name] for name in ("supporter", "user", "profile", "sample")])
    return henderson(values, separable(factors)) if facets else None


def coefficient_of(variances: VarianceOf, sizes: Sizes) -> float | None:
    """Return the generalisability coefficient of the means of supporters over so many users, profiles and judges.

    It is the share of the variance of observed means that another such panel would show again, for decisions on the
    order of the supporters (Brennan 2001, equation 4.3). None where the supporters' means do not vary at all.
    """
    signal = max(0.0, variances.get("supporter", 0.0))
    total = signal + sum(_errors(variances, sizes).values())
    return signal / total if total > 0 else None


def profiles_needed(variances: VarianceOf, sizes: Sizes, target: float = TARGET) -> int | None:
    """Return how many profiles bring the coefficient to a target, None where no number of profiles does.

    Users and judges are as many as `sizes` says.
    """
    signal = max(0.0, variances.get("supporter", 0.0))
    errors = _errors(variances, {**sizes, "profile": 1})
    over_profiles = sum(error for name, error in errors.items() if name in _OVER_PROFILES or "profile" in name)
    room = signal * (1 - target) / target - (sum(errors.values()) - over_profiles)
    return max(1, math.ceil(over_profiles / room - 1e-9)) if room > 0 else None


_OVER_PROFILES = (DIALOGUE, RESIDUAL)


def _errors(variances: VarianceOf, sizes: Sizes) -> dict[str, float]:
    """Return what each effect adds to the error of a supporter's mean, relative to the other supporters."""
    averaged = {DIALOGUE: ("user", "profile", "sample"), RESIDUAL: ("user", "profile", "judge", "sample")}
    errors: dict[str, float] = {}
    for name, variance in variances.items():
        parts = averaged.get(name) or name.split(CROSS)
        if name in averaged or (len(parts) > 1 and "supporter" in parts):
            errors[name] = max(0.0, variance) / math.prod(sizes[part] for part in parts if part != "supporter")
    return errors


def panel_variance(scores: Sequence[PanelScore]) -> PanelVariance | None:
    """Return the variance components of a panel with their intervals. None where nothing can be separated."""
    known = [score for score in scores if score.value is not None]
    if not known:
        return None
    values, levels = _coded(known)
    sizes: dict[str, float] = {name: float(levels[name].max() + 1) for name in FACETS}
    sizes["sample"] = len(scores) / len({score[:4] for score in scores})
    components = _components(values, levels)
    if components is None:
        return None
    left_out = list(_without_profiles(values, levels))

    def estimate(quantity: Callable[[VarianceOf], float | None]) -> Estimate:
        parts = [quantity(part) for part in left_out if part]
        return _jackknife(quantity(components), parts, len(left_out), len(known))

    return PanelVariance(
        components={name: estimate(lambda found, name=name: found.get(name)) for name in components},
        sizes=sizes,
        by_user=estimate(_by_user),
        excess=estimate(lambda found: _by_user(found) - found.get("supporter", 0.0)),
        coefficient=_within_bounds(estimate(partial(_coefficient, sizes=sizes))),
        by_chance=_by_chance(values, levels),
        n=len(known),
        missing=len(scores) - len(known),
    )


def _coefficient(variances: VarianceOf, sizes: Sizes) -> float | None:
    return coefficient_of(variances, sizes) if "supporter" in variances else None


def _within_bounds(coefficient: Estimate) -> Estimate:
    """Return a coefficient whose interval ends at 0 and at 1."""
    if coefficient.low is None or coefficient.high is None:
        return coefficient
    return coefficient.model_copy(update={"low": max(0.0, coefficient.low), "high": min(1.0, coefficient.high)})


def _by_user(variances: VarianceOf) -> float:
    return variances.get("user", 0.0) + variances.get(f"supporter{CROSS}user", 0.0)


def _by_chance(values: Numbers, levels: Mapping[str, Codes]) -> float | None:
    """Return how likely the means by supporter and user differ so much, with user labels permuted within profiles."""
    supporters, users, profiles = levels["supporter"], levels["user"], levels["profile"]
    count = int(users.max()) + 1
    if count < 2:
        return None
    labels = np.tile(np.arange(count), (int(profiles.max()) + 1, 1))
    rng = np.random.default_rng(SEED)
    relabelled = (rng.permuted(labels, axis=1)[profiles, users] for _ in range(PERMUTATIONS))
    observed = between_groups(values, supporters * count + users)
    as_much = sum(between_groups(values, supporters * count + other) >= observed - 1e-9 for other in relabelled)
    return (1 + as_much) / (1 + PERMUTATIONS)


def _without_profiles(values: Numbers, levels: Mapping[str, Codes]) -> Iterable[dict[str, float] | None]:
    """Yield the components without each profile, or without each of `MOST_GROUPS` groups of profiles."""
    groups = levels["profile"] % MOST_GROUPS
    for group in range(int(groups.max()) + 1):
        rest = groups != group
        if rest.any():
            yield _components(values[rest], {name: codes_of(codes[rest]) for name, codes in levels.items()})


def _jackknife(value: float | None, parts: Sequence[float | None], groups: int, n: int) -> Estimate:
    """Return a value with its interval from the values without each group (Efron and Tibshirani 1993, chapter 11)."""
    known = np.array([part for part in parts if part is not None])
    if value is None or groups < 2 or len(known) < groups:
        return Estimate(value=value, n=n)
    error = math.sqrt((groups - 1) / groups * float(((known - known.mean()) ** 2).sum()))
    half = student_quantile(0.5 + LEVEL / 2, groups - 1) * error
    if half <= 1e-12:
        return Estimate(value=value, n=n)
    return Estimate(value=value, low=value - half, high=value + half, n=n)
