"""Fit a monotone curve from coefficient to question ratio, invert it, and bootstrap intervals over situations."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cocoon.core.errors import CocoonError
from cocoon.models.local.libraries import require_libraries
from cocoon.steering.calibration.detector import Trust

# Number of points at which the fitted curve is evaluated.
_FINE = 400
# Width of the smoothing window, in mean distances between the coefficients tried.
_REACH = 1.5


@dataclass(frozen=True)
class Dose:
    """Observed replies: `asked`, shape (situations, coefficients), is the share of replies with a genuine question.

    `counts`, same shape, is the number of replies. `coefficients` are ascending. `pasted`, same shape, is the share of
    replies that have a question mark but no genuine question: a reader may still find questions among those. It is None
    if that is not known.
    """

    coefficients: NDArray[np.float64]
    asked: NDArray[np.float64]
    counts: NDArray[np.int_]
    pasted: NDArray[np.float64] | None = None

    def corrected(self, precision: float, missed: float) -> "Dose":
        """Return the dose as a reader would count it.

        `precision` is the share of detected questions that really ask, `missed` that of the other question marks.
        """
        pasted = self.pasted if self.pasted is not None else np.zeros_like(self.asked)
        return replace(self, asked=precision * self.asked + missed * pasted)

    def ratios(self, rows: NDArray[np.int_] | None = None) -> NDArray[np.float64]:
        """Return the ratio at each coefficient over these situations (None: all), with equal weight for every reply."""
        shares, counts = (self.asked, self.counts) if rows is None else (self.asked[rows], self.counts[rows])
        return (shares * counts).sum(0) / counts.sum(0)


@dataclass(frozen=True)
class Curve:
    """A rising curve through `coefficients`: `at` returns ratios, `inverse` the coefficient of a ratio."""

    coefficients: NDArray[np.float64]
    fitted: NDArray[np.float64]

    def at(self, coefficient: float) -> float:
        """Return the expected ratio at a coefficient inside the window."""
        return float(np.interp(coefficient, self.coefficients, self.fitted))

    @property
    def reach(self) -> tuple[float, float]:
        """Lowest and highest ratio of the window."""
        return float(self.fitted[0]), float(self.fitted[-1])

    def inverse(self, ratio: float) -> float:
        """Return the coefficient at which the curve passes `ratio`, or the edge of the window if it never does."""
        fine = np.linspace(self.coefficients[0], self.coefficients[-1], _FINE)
        values = np.interp(fine, self.coefficients, self.fitted)
        # A plateau has one ratio at many coefficients, so its middle is returned.
        low, high = np.searchsorted(values, ratio, "left"), np.searchsorted(values, ratio, "right")
        return float(fine[min((low + high) // 2, _FINE - 1)])


def fit_curve(coefficients: NDArray[np.float64], ratios: NDArray[np.float64], weights: NDArray[np.float64]) -> Curve:
    """Fit a smooth rising curve by local lines, followed by isotonic regression.

    The lines have tricube weights over `_REACH` mean distances.
    """
    require_libraries("scipy", extra="steer")
    from scipy.optimize import isotonic_regression

    smooth = _local_lines(coefficients, ratios, weights)
    rising: Any = isotonic_regression(smooth, weights=weights).x
    return Curve(coefficients, np.clip(rising, 0.0, 1.0))


def _local_lines(x: NDArray[np.float64], y: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return at each `x` the value of a line fitted to its neighbours.

    A mean of the neighbours would lean to the side where they are closer together.
    """
    width = _REACH * (x[-1] - x[0]) / max(len(x) - 1, 1) or 1.0
    near = weights * np.clip(1 - np.abs((x[:, None] - x) / width) ** 3, 0, None) ** 3
    near /= near.sum(1, keepdims=True)
    off = x - (near @ x)[:, None]
    spread = (near * off**2).sum(1)
    slope = (near * off * y).sum(1) / np.where(spread > 0, spread, 1.0)
    return near @ y + slope * (x - near @ x)


def curve_of(dose: Dose, rows: NDArray[np.int_] | None = None) -> Curve:
    """Return the curve over these situations (None: all)."""
    counts = (dose.counts if rows is None else dose.counts[rows]).sum(0).astype(np.float64)
    return fit_curve(dose.coefficients, dose.ratios(rows), counts)


@dataclass(frozen=True)
class Hit:
    """The coefficient for a ratio, with 95 % bootstrap intervals of the coefficient and of the ratio in new situations.

    The second interval covers both the uncertainty of the curve and the scatter of means over as many new situations.
    """

    target: float
    coefficient: float
    interval: tuple[float, float]
    expected: float
    ratio_interval: tuple[float, float]


def invert(
    dose: Dose,
    targets: Sequence[float],
    *,
    draws: int = 1000,
    fresh: int = 80,
    seed: int = 0,
    reader: Trust | None = None,
) -> list[Hit]:
    """Return the coefficients of `targets`, with intervals from a bootstrap over situations.

    The interval of the ratio is a prediction for `fresh` new situations. With a `reader`, ratios are those that the
    reader would count, and the uncertainty of the labels is part of the intervals.
    Raises CocoonError for a target that the curve does not reach, and names the range that it does reach.
    """
    plain = dose.corrected(reader.precision, reader.missed) if reader else dose
    curve = curve_of(plain)
    low, high = curve.reach
    unreachable = next((target for target in targets if not low <= target <= high), None)
    if unreachable is not None:
        raise CocoonError(
            f"question ratio {unreachable:g} is out of reach: from coefficient {dose.coefficients[0]:g} to "
            f"{dose.coefficients[-1]:g} the ratio goes from {low:.2f} to {high:.2f}; choose one in between"
        )
    generator = np.random.default_rng(seed)
    count = len(dose.asked)
    picks = [generator.integers(0, count, count) for _ in range(draws)]
    doses = [dose.corrected(*pair) for pair in reader.draws(draws, generator)] if reader else [dose] * draws
    curves = [curve_of(resampled, rows) for resampled, rows in zip(doses, picks, strict=True)]
    return [_hit(plain, curve, curves, target, fresh, generator) for target in targets]


def _hit(
    dose: Dose, curve: Curve, curves: Sequence[Curve], target: float, fresh: int, generator: np.random.Generator
) -> Hit:
    coefficient = curve.inverse(target)
    coefficients = np.array([resampled.inverse(target) for resampled in curves])
    # Prediction of the ratio at this coefficient: the spread of the curves there, and the scatter of new situations.
    center = np.array([resampled.at(coefficient) for resampled in curves])
    scatter = _scatter(dose, coefficient, fresh, len(curves), generator)
    ratios = np.clip(center + scatter, 0, 1)
    low, high = np.percentile(coefficients, [2.5, 97.5])
    below, above = np.percentile(ratios, [2.5, 97.5])
    return Hit(target, coefficient, (float(low), float(high)), curve.at(coefficient), (float(below), float(above)))


def _scatter(
    dose: Dose, coefficient: float, fresh: int, draws: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Return deviations of means over `fresh` situations from the overall mean, at the nearest coefficient tried."""
    nearest = int(np.abs(dose.coefficients - coefficient).argmin())
    shares = dose.asked[:, nearest]
    rows = generator.integers(0, len(shares), (draws, fresh))
    return shares[rows].mean(1) - shares.mean()
