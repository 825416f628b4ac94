"""Estimate one vector per layer from states, and measure how well it separates the sides of unseen situations.

The mean of the differences is the default. Both methods of repeng are there for comparison. Its default (`pca_diff`)
subtracts the mean of the differences, which is the very signal.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from cocoon.core.errors import CocoonError
from cocoon.models.local.libraries import require_libraries

Method = Literal["mean", "pca_diff", "pca_center", "probe"]
METHODS: tuple[Method, ...] = get_args(Method)
FOLDS = 5
LEAK = 0.9
Vector = NDArray[np.float32]
Sides = NDArray[np.float32]


def fit(positive: Sides, negative: Sides, method: Method = "mean") -> Vector:
    """Return unit vectors, shape (layers, hidden), that point from `negative` to `positive`.

    Both sides have shape (pairs, layers, hidden). Raises CocoonError if they are equal at a layer.
    """
    if len(positive) < 2:
        raise CocoonError(f"{len(positive)} pairs are too few for a direction; give at least 2")
    estimator = _METHODS[method]
    differences = np.stack([estimator(positive[:, layer], negative[:, layer]) for layer in range(positive.shape[1])])
    lengths = np.linalg.norm(differences, axis=1)
    if not np.isfinite(differences).all() or not (lengths > 0).all():
        raise CocoonError(
            f"layer {int(np.argmin(lengths))}: the two sides are the same, so there is no direction; give other pairs"
        )
    return (differences / lengths[:, None]).astype(np.float32)


def _mean(positive: Vector, negative: Vector) -> Vector:
    return (positive.astype(np.float64) - negative).mean(0)


def _pca_diff(positive: Vector, negative: Vector) -> Vector:
    return _aligned(_first_component(positive - negative), positive, negative)


def _pca_center(positive: Vector, negative: Vector) -> Vector:
    middle = (positive + negative) / 2
    return _aligned(_first_component(np.concatenate([positive - middle, negative - middle])), positive, negative)


def _probe(positive: Vector, negative: Vector) -> Vector:
    """Return the weights of a logistic regression on standardised states, in the units of the states."""
    require_libraries("sklearn", extra="steer")
    from sklearn.linear_model import LogisticRegression

    rows = np.concatenate([positive, negative]).astype(np.float64)
    spread = rows.std(0) + 1e-6
    labels = np.repeat([1, 0], [len(positive), len(negative)])
    model = LogisticRegression(C=0.01, max_iter=1000).fit((rows - rows.mean(0)) / spread, labels)
    return model.coef_[0] / spread


_METHODS: dict[Method, Callable[[Vector, Vector], Any]] = {
    "mean": _mean,
    "pca_diff": _pca_diff,
    "pca_center": _pca_center,
    "probe": _probe,
}


def _first_component(rows: NDArray[Any]) -> Any:
    require_libraries("sklearn", extra="steer")
    from sklearn.decomposition import PCA

    fitted: Any = PCA(n_components=1, svd_solver="full").fit(rows.astype(np.float64))
    return fitted.components_[0]


def _aligned(component: Vector, positive: Vector, negative: Vector) -> Vector:
    """Return the component, with the sign for which most pairs have a larger positive side."""
    ahead = np.mean((positive - negative) @ component > 0)
    return component if ahead >= 0.5 else -component


def held_out_accuracy(
    positive: Sides, negative: Sides, groups: Sequence[str], method: Method = "mean", folds: int = FOLDS
) -> NDArray[np.float64]:
    """Return the share of unseen states on the correct side of the midpoint, shape (layers,), where 0.5 is guessing.

    `groups` names the situation of each pair. All pairs of one situation are in the same fold.
    """
    names = list(dict.fromkeys(groups))
    if len(names) < 2:
        raise CocoonError("held-out accuracy needs pairs of at least 2 situations")
    fold = np.array([names.index(name) % min(folds, len(names)) for name in groups])
    right = np.zeros(positive.shape[1])
    for held_out in sorted(set(fold.tolist())):
        test = fold == held_out
        vectors = fit(positive[~test], negative[~test], method)
        middles = (_along(positive[~test], vectors).mean(0) + _along(negative[~test], vectors).mean(0)) / 2
        right += (_along(positive[test], vectors) > middles).sum(0)
        right += (_along(negative[test], vectors) < middles).sum(0)
    return right / (2 * len(positive))


def _along(states: Sides, vectors: Vector) -> NDArray[np.float64]:
    """Project states onto the vectors, shape (pairs, layers)."""
    return np.einsum("plh,lh->pl", states, vectors, dtype=np.float64)


def agreement(one: Vector, other: Vector) -> NDArray[np.float64]:
    """Return the cosine of two directions at each layer, shape (layers,)."""
    return np.einsum("lh,lh->l", one, other, dtype=np.float64)


def split_half(positive: Sides, negative: Sides, groups: Sequence[str], method: Method = "mean") -> Any:
    """Return the cosine between the directions of two halves of the situations, shape (layers,).

    It shows how much depends on the choice of situations.
    """
    names = list(dict.fromkeys(groups))
    half = np.array([names.index(name) % 2 == 0 for name in groups])
    if half.sum() < 2 or (~half).sum() < 2:
        raise CocoonError("two halves need pairs of at least 4 situations")
    return agreement(fit(positive[half], negative[half], method), fit(positive[~half], negative[~half], method))


def leaks(first: float) -> bool:
    """Return whether accuracy at the first layer is so high that tokens (punctuation) are read and not the meaning."""
    return first >= LEAK


def shortlist(accuracy: NDArray[np.float64], width: int, most: int = 4) -> list[tuple[int, ...]]:
    """Return bands of `width` neighbouring layers with the highest mean accuracy, the best first.

    Layer numbers are indices into `accuracy`. Bands that share more than two thirds of their layers with a better one
    are left out, so that no two are nearly the same.
    """
    width = min(width, len(accuracy))
    means = np.convolve(accuracy, np.ones(width) / width, mode="valid")
    chosen: list[int] = []
    for start in np.argsort(-means, kind="stable").tolist():
        if all(abs(start - other) * 3 >= width for other in chosen):
            chosen.append(start)
        if len(chosen) == most:
            break
    return [tuple(range(start, start + width)) for start in chosen]
