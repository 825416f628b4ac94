"""Variance components of random factors, crossed or nested, from data that may be unbalanced.

Henderson's method 1 (Searle, Casella and McCulloch 1992, section 5.3): sums of squares are equated with their
expectation. With balanced data this is the analysis of variance. Estimates are unbiased, and may be negative.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from cocoon.evaluation.statistics.resampling import Numbers

Codes = npt.NDArray[np.int64]
"""The level of a factor for each value, from 0."""
RESIDUAL = "residual"


def codes_of(names: Sequence[str] | Codes) -> Codes:
    """Return the levels of a factor as numbers from 0, in sorted order."""
    return np.unique(np.asarray(names), return_inverse=True)[1].astype(np.int64)


def crossing(factors: Sequence[Codes]) -> Codes:
    """Return the factor whose levels are the combinations of levels of other factors."""
    combined = factors[0]
    for codes in factors[1:]:
        combined = codes_of(combined * (int(codes.max()) + 1) + codes)
    return combined


def separable(factors: Mapping[str, Codes]) -> dict[str, Codes]:
    """Return the factors whose variance the data can tell from that of earlier factors, and from the residual.

    Such a factor has several levels, several values in some level, and groups the values as no earlier factor does.
    """
    known: dict[str, Codes] = {}
    for name, codes in factors.items():
        levels = _levels(codes)
        if 1 < levels < len(codes) and not any(
            levels == _levels(other) == _levels(crossing([codes, other])) for other in known.values()
        ):
            known[name] = codes
    return known


def henderson(values: Numbers, factors: Mapping[str, Codes]) -> dict[str, float] | None:
    """Return the variance of each factor and of the residual. None where the design cannot separate them."""
    if len(values) <= 1 + len(factors):
        return None
    quadratic = [between_groups(values, codes) for codes in factors.values()]
    centred = np.array([*quadratic, float(values @ values)]) - values.sum() ** 2 / len(values)
    try:
        solution = np.linalg.solve(_expected(tuple(codes.tobytes() for codes in factors.values())), centred)
    except np.linalg.LinAlgError:
        return None
    return dict(zip([*factors, RESIDUAL], solution.tolist(), strict=True))


def _levels(codes: Codes) -> int:
    return int(codes.max()) + 1


def between_groups(values: Numbers, codes: Codes) -> float:
    """Return the sum over groups of (sum of values)^2 / size."""
    sums, sizes = np.bincount(codes, weights=values), np.bincount(codes)
    return float((sums[sizes > 0] ** 2 / sizes[sizes > 0]).sum())


# Data with one group left out often have the design of the group left out before.
@lru_cache(maxsize=32)
def _expected(factors: tuple[bytes, ...]) -> Numbers:
    """Return the coefficients of the components in the expected sums of squares, less those of the grand mean."""
    groups = [np.frombuffer(codes, dtype=np.int64) for codes in factors]
    size = len(groups[0])
    mean = np.array([(np.bincount(codes) ** 2).sum() / size for codes in groups])
    rows = [[*(np.array([_spread(by, codes) for codes in groups]) - mean), _levels(by) - 1] for by in groups]
    return np.array([*rows, [*(size - mean), size - 1]], dtype=float)


def _spread(rows: Codes, columns: Codes) -> float:
    """Return the sum over cells of (cell size)^2 / (row size)."""
    width = int(columns.max()) + 1
    cells, counts = np.unique(rows * width + columns, return_counts=True)
    return float((counts**2 / np.bincount(rows)[cells // width]).sum())
