"""Compare whether two simulated users put the same supporters into the same order."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, pairwise
from statistics import fmean

import numpy as np

from cocoon.evaluation.statistics.estimates import SEED
from cocoon.evaluation.statistics.resampling import RESAMPLES, Numbers
from cocoon.reports.tables.records import Cell

Scores = Mapping[str, Mapping[str, list[float]]]
"""Supporter -> profile -> values of one measure."""

LOWER_IS_BETTER = frozenset({"Neg"})


def ranking_rows(one: Mapping[str, Scores], other: Mapping[str, Scores]) -> Iterator[tuple[str, dict[str, Cell]]]:
    """Yield (measure, cells) for each measure on which at least two supporters share profiles in both runs."""
    for measure in one:
        if measure not in other:
            continue
        names = sorted(one[measure].keys() & other[measure].keys())
        if len(names) < 2:
            continue
        profiles = sorted(set.intersection(*(set(run[measure][name]) for run in (one, other) for name in names)))
        if not profiles:
            continue
        sign = -1.0 if measure in LOWER_IS_BETTER else 1.0
        tables = [sign * _table(run[measure], names, profiles) for run in (one, other)]
        yield measure, _cells(names, *tables)


def _table(scores: Scores, names: Sequence[str], profiles: Sequence[str]) -> Numbers:
    """Return mean scores, shape (supporters, profiles)."""
    return np.array([[fmean(scores[name][profile]) for profile in profiles] for name in names])


def _cells(names: Sequence[str], first_table: Numbers, second_table: Numbers) -> dict[str, Cell]:
    first_means, second_means = first_table.mean(1), second_table.mean(1)
    tau = kendall(first_means, second_means)
    return {
        "order": _order(names, first_means),
        "order in the other": _order(names, second_means),
        "Kendall's tau": tau,
        # If all supporters are equal on one side, there is no order to compare.
        "same order": None if tau is None else _same_order_share(first_table, second_table),
        "profiles": first_table.shape[1],
    }


def _order(names: Sequence[str], values: Numbers) -> str:
    """Return the order as `a > b = c`, best first."""
    ranked = sorted(zip(names, values.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0]))
    order_text = ranked[0][0]
    for (_, above), (name, value) in pairwise(ranked):
        order_text += f" {'=' if np.isclose(above, value) else '>'} {name}"
    return order_text


def kendall(first: Sequence[float] | Numbers, second: Sequence[float] | Numbers) -> float | None:
    """Return Kendall's tau-b (Kendall 1945), -1 to 1, or None if all values of one side are equal."""
    pairs = [
        (np.sign(first[i] - first[j]), np.sign(second[i] - second[j])) for i, j in combinations(range(len(first)), 2)
    ]
    agreed = float(sum(first_sign * second_sign for first_sign, second_sign in pairs))
    sizes = [sum(pair[side] != 0 for pair in pairs) for side in (0, 1)]
    return agreed / float(np.sqrt(sizes[0] * sizes[1])) if all(sizes) else None


def _same_order_share(first_table: Numbers, second_table: Numbers) -> float | None:
    """Return the share of resamples of the profiles in which both runs have the same order, or None for one profile."""
    profiles = first_table.shape[1]
    if profiles < 2:
        return None
    rng = np.random.default_rng(SEED)
    resampled_profiles = rng.integers(0, profiles, (RESAMPLES, profiles))
    signs = [_signs(table[:, resampled_profiles].mean(2)) for table in (first_table, second_table)]
    return float((signs[0] == signs[1]).all(0).mean())


def _signs(means: Numbers) -> Numbers:
    """Return the sign of the difference for each pair of supporters, shape (pairs, resamples)."""
    pairs = list(combinations(range(len(means)), 2))
    return np.stack([np.sign(np.round(means[i] - means[j], 12)) for i, j in pairs])
