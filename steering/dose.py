"""The curve from coefficient to question ratio: a monotone fit, its inverse, and intervals by resampling situations."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cocoon.core.errors import CocoonError
from cocoon.core.local_libraries import require_libraries
from cocoon.steering.detector import Trust

# Knots of the drawn curve.
_FINE = 400
# How far the curve is smoothed: in mean distances of the coefficients tried.
_REACH = 1.5


@dataclass(frozen=True)
class Dose:
    """What was seen: `asked`, shape (situations, coefficients), is the share of replies with a genuine question.

    `counts`, same shape, says of how many; `coefficients` ascend. `pasted`, same shape, is the share of replies with a
    question mark but none: a reader may find questions among those (none: not told).
    """

    coefficients: NDArray[np.float64]
    asked: NDArray[np.float64]
    counts: NDArray[np.int_]
    pasted: NDArray[np.float64] | None = None

    def corrected(self, precision: float, missed: float) -> "Dose":
        """As a reader would have counted: of what asks by its form `precision` asks, of the other marks `missed`."""
        pasted = self.pasted if self.pasted is not None else np.zeros_like(self.asked)
        return replace(self, asked=precision * self.asked + missed * pasted)

    def ratios(self, rows: NDArray[np.int_] | None = None) -> NDArray[np.float64]:
        """The ratio at each coefficient over some situations (none: all), every reply weighing the same."""
        asked, counts = (self.asked, self.counts) if rows is None else (self.asked[rows], self.counts[rows])
        return (asked * counts).sum(0) / counts.sum(0)


@dataclass(frozen=True)
class Curve:
    """A rising curve through `coefficients`: `at` gives ratios, `inverse` the least coefficient of a ratio."""

    coefficients: NDArray[np.float64]
    fitted: NDArray[np.float64]

    def at(self, coefficient: float) -> float:
        """The ratio expected at a coefficient inside the window."""
        return float(np.interp(coefficient, self.coefficients, self.fitted))

    @property
    def reach(self) -> tuple[float, float]:
        """Lowest and highest ratio of the window."""
        return float(self.fitted[0]), float(self.fitted[-1])

    def inverse(self, ratio: float) -> float:
        """The coefficient at which the curve passes `ratio`, the window's edge where it lies outside."""
        fine = np.linspace(self.coefficients[0], self.coefficients[-1], _FINE)
        values = np.interp(fine, self.coefficients, self.fitted)
        # A plateau has one ratio at many coefficients: the middle of it is meant.
        low, high = np.searchsorted(values, ratio, "left"), np.searchsorted(values, ratio, "right")
        return float(fine[min((low + high) // 2, _FINE - 1)])


def fit_curve(coefficients: NDArray[np.float64], ratios: NDArray[np.float64], weights: NDArray[np.float64]) -> Curve:
    """A smooth rising curve: local lines (tricube weights over `_REACH` mean distances), then isotonic regression."""
    require_libraries("scipy", extra="steer")
    from scipy.optimize import isotonic_regression

    smooth = _local_lines(coefficients, ratios, weights)
    rising: Any = isotonic_regression(smooth, weights=weights).x
    return Curve(coefficients, np.clip(rising, 0.0, 1.0))


def _local_lines(x: NDArray[np.float64], y: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """At each `x` the value of a line through what is near: a mean of neighbours leans to where they stand closer."""
    width = _REACH * (x[-1] - x[0]) / max(len(x) - 1, 1) or 1.0
    near = weights * np.clip(1 - np.abs((x[:, None] - x) / width) ** 3, 0, None) ** 3
    near /= near.sum(1, keepdims=True)
    off = x - (near @ x)[:, None]
    spread = (near * off**2).sum(1)
    slope = (near * off * y).sum(1) / np.where(spread > 0, spread, 1.0)
    return near @ y + slope * (x - near @ x)


def curve_of(dose: Dose, rows: NDArray[np.int_] | None = None) -> Curve:
    """The curve over some situations (none: all)."""
    counts = (dose.counts if rows is None else dose.counts[rows]).sum(0).astype(np.float64)
    return fit_curve(dose.coefficients, dose.ratios(rows), counts)


@dataclass(frozen=True)
class Hit:
    """The coefficient for a ratio, with 95 % bootstrap intervals of it and of the ratio that new situations show.

    The second holds both what the curve does not know and how means over as many new situations scatter.
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
    """Coefficients of `targets`, by a bootstrap over situations; `fresh` situations are what the ratio is foretold for.

    With a `reader` ratios are those that the reader would count, and what the labels leave open is in the intervals.
    Raises CocoonError for a target that the curve does not reach, with the range that it does.
    """
    plain = dose.corrected(reader.precision, reader.missed) if reader else dose
    curve = curve_of(plain)
    low, high = curve.reach
    out = next((one for one in targets if not low <= one <= high), None)
    if out is not None:
        raise CocoonError(
            f"question ratio {out:g} is out of reach: from coefficient {dose.coefficients[0]:g} to "
            f"{dose.coefficients[-1]:g} the ratio goes from {low:.2f} to {high:.2f}; choose one in between"
        )
    drawn = np.random.default_rng(seed)
    count = len(dose.asked)
    picks = [drawn.integers(0, count, count) for _ in range(draws)]
    seen = [dose.corrected(*pair) for pair in reader.draws(draws, drawn)] if reader else [dose] * draws
    curves = [curve_of(one, rows) for one, rows in zip(seen, picks, strict=True)]
    return [_hit(plain, curve, curves, target, fresh, drawn) for target in targets]


def _hit(
    dose: Dose, curve: Curve, curves: Sequence[Curve], target: float, fresh: int, drawn: np.random.Generator
) -> Hit:
    coefficient = curve.inverse(target)
    found = np.array([one.inverse(target) for one in curves])
    # What the ratio would be where it was aimed at: the spread of curves there, and the scatter of new situations.
    center = np.array([one.at(coefficient) for one in curves])
    scatter = _scatter(dose, coefficient, fresh, len(curves), drawn)
    ratios = np.clip(center + scatter, 0, 1)
    low, high = np.percentile(found, [2.5, 97.5])
    below, above = np.percentile(ratios, [2.5, 97.5])
    return Hit(target, coefficient, (float(low), float(high)), curve.at(coefficient), (float(below), float(above)))


def _scatter(dose: Dose, coefficient: float, fresh: int, draws: int, drawn: np.random.Generator) -> NDArray[np.float64]:
    """Deviations of means over `fresh` situations from the mean, at the coefficient tried that is nearest."""
    place = int(np.abs(dose.coefficients - coefficient).argmin())
    shares = dose.asked[:, place]
    rows = drawn.integers(0, len(shares), (draws, fresh))
    return shares[rows].mean(1) - shares.mean()
