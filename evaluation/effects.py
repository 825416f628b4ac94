"""One column of a comparison: the values of both sides, their difference, its interval and its test."""

import math
from collections.abc import Iterable, Sequence
from statistics import stdev
from typing import cast

from cocoon.evaluation.comparison_records import Column, Effect
from cocoon.evaluation.paired import difference_bounds, mcnemar, newcombe, sign_flip
from cocoon.evaluation.statistics import Bounds, Estimate, mean_over_profiles, sr_bounds, wilson

Draws = Sequence[float | None]
Units = list[list[tuple[Draws, Draws]]]
"""Person by person, what is held against each other: the draws of a unit on both sides, none where missing.

Draws of a success rate are booleans.
"""


def effect_of(column: Column, units: Units) -> Effect:
    """Mean differences by bootstrap and sign flip; success rates with one draw a person by McNemar."""
    if column.dimension:
        return _mean_effect(column, units)
    single = all(len(some) == 1 and all(len(draws) == 1 for draws in some[0]) for some in units)
    made = _fourfold_effect(column, units) if single else _mean_effect(column, units)
    bounds = [_bounds(units, place) for place in (0, 1)]
    return made.model_copy(
        update={
            "bounds_first": bounds[0],
            "bounds_second": bounds[1],
            "bounds_difference": difference_bounds(bounds[0], bounds[1]),
        }
    )


def _mean_effect(column: Column, units: Units) -> Effect:
    known = [means for some in units if (means := _means(some)) is not None]
    # Rounded: 0.1 + 0.2 against 0.3 is no difference, and no spread that an interval could be made from.
    differences = [round(second - first, 12) for first, second in known]
    return Effect(
        column=column,
        first=_over_people([first for first, _ in known], _missing(units, 0)),
        second=_over_people([second for _, second in known], _missing(units, 1)),
        difference=_over_people(differences, len(units) - len(known)),
        significance=sign_flip(differences),
        spread=stdev(differences) if len(differences) > 1 else None,
    )


def _means(units: Iterable[tuple[Draws, Draws]]) -> tuple[float, float] | None:
    """A person's means on both sides, over the units in which both have a value."""
    both = [
        (first, second)
        for one, other in units
        if (first := _mean(one)) is not None and (second := _mean(other)) is not None
    ]
    if not both:
        return None
    return math.fsum(first for first, _ in both) / len(both), math.fsum(second for _, second in both) / len(both)


def _mean(draws: Draws) -> float | None:
    known = [draw for draw in draws if draw is not None]
    return math.fsum(known) / len(known) if known else None


def _missing(units: Units, place: int) -> int:
    return sum(draw is None for some in units for unit in some for draw in unit[place])


def _over_people(values: Sequence[float], missing: int) -> Estimate:
    estimate = mean_over_profiles({str(number): [value] for number, value in enumerate(values)})
    return estimate.model_copy(update={"missing": missing})


def _fourfold_effect(column: Column, units: Units) -> Effect:
    pairs = [(some[0][0][0], some[0][1][0]) for some in units]
    whole = [(bool(one), bool(other)) for one, other in pairs if one is not None and other is not None]
    both, neither = whole.count((True, True)), whole.count((False, False))
    only_first, only_second = whole.count((True, False)), whole.count((False, True))
    difference = newcombe(both, only_first, only_second, neither)
    return Effect(
        column=column,
        first=wilson(both + only_first, len(whole), _missing(units, 0)),
        second=wilson(both + only_second, len(whole), _missing(units, 1)),
        difference=difference.model_copy(update={"missing": len(units) - len(whole)}),
        significance=mcnemar(only_first, only_second) if whole else None,
        only_first=only_first,
        only_second=only_second,
    )


def _bounds(units: Units, place: int) -> Bounds | None:
    draws = {str(number): [draw for unit in some for draw in unit[place]] for number, some in enumerate(units)}
    return sr_bounds(cast(dict[str, list[bool | None]], draws))
