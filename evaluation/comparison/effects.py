"""One column of a comparison: the values of both sides, their difference, its interval and its test."""

import math
from collections.abc import Iterable, Sequence
from statistics import stdev

from cocoon.evaluation.comparison.records import Column, Effect
from cocoon.evaluation.statistics.estimates import Bounds, Estimate, mean_over_profiles, wilson
from cocoon.evaluation.statistics.paired import difference_bounds, mcnemar, newcombe, sign_flip
from cocoon.evaluation.success.rate import sr_bounds

Draws = Sequence[float | None]
Units = list[list[tuple[Draws, Draws]]]
"""What is compared, person by person: the draws of each unit on both sides, None where a draw is missing.

Draws of a success rate are booleans.
"""


def effect_of(column: Column, units: Units) -> Effect:
    """Compute the effect of one column.

    Mean differences use the bootstrap and the sign flip test. Success rates with one draw per person use McNemar's
    test.
    """
    if column.dimension:
        return _mean_effect(column, units)
    one_draw_each = all(
        len(person_units) == 1 and all(len(draws) == 1 for draws in person_units[0]) for person_units in units
    )
    effect = _fourfold_effect(column, units) if one_draw_each else _mean_effect(column, units)
    bounds = [_bounds(units, side) for side in (0, 1)]
    return effect.model_copy(
        update={
            "bounds_first": bounds[0],
            "bounds_second": bounds[1],
            "bounds_difference": difference_bounds(bounds[0], bounds[1]),
        }
    )


def _mean_effect(column: Column, units: Units) -> Effect:
    known = [means for person_units in units if (means := _means(person_units)) is not None]
    # Rounded because 0.1 + 0.2 against 0.3 is no difference, and must not look like a spread with an interval.
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
    """Return the means of one person on both sides, over the units in which both sides have a value."""
    paired_means = [
        (first, second)
        for first_draws, second_draws in units
        if (first := _mean(first_draws)) is not None and (second := _mean(second_draws)) is not None
    ]
    if not paired_means:
        return None
    return math.fsum(first for first, _ in paired_means) / len(paired_means), math.fsum(
        second for _, second in paired_means
    ) / len(paired_means)


def _mean(draws: Draws) -> float | None:
    known = [draw for draw in draws if draw is not None]
    return math.fsum(known) / len(known) if known else None


def _missing(units: Units, side: int) -> int:
    return sum(draw is None for person_units in units for unit in person_units for draw in unit[side])


def _over_people(values: Sequence[float], missing: int) -> Estimate:
    estimate = mean_over_profiles({str(number): [value] for number, value in enumerate(values)})
    return estimate.model_copy(update={"missing": missing})


def _fourfold_effect(column: Column, units: Units) -> Effect:
    pairs = [(person_units[0][0][0], person_units[0][1][0]) for person_units in units]
    complete = [
        (bool(first_draw), bool(second_draw))
        for first_draw, second_draw in pairs
        if first_draw is not None and second_draw is not None
    ]
    both, neither = complete.count((True, True)), complete.count((False, False))
    only_first, only_second = complete.count((True, False)), complete.count((False, True))
    difference = newcombe(both, only_first, only_second, neither)
    return Effect(
        column=column,
        first=wilson(both + only_first, len(complete), _missing(units, 0)),
        second=wilson(both + only_second, len(complete), _missing(units, 1)),
        difference=difference.model_copy(update={"missing": len(units) - len(complete)}),
        significance=mcnemar(only_first, only_second) if complete else None,
        only_first=only_first,
        only_second=only_second,
    )


def _bounds(units: Units, side: int) -> Bounds | None:
    draws = {
        str(number): [None if draw is None else bool(draw) for unit in person_units for draw in unit[side]]
        for number, person_units in enumerate(units)
    }
    return sr_bounds(draws)
