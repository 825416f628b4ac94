"""What reading a direction costs: ours beside repeng for the same pairs, token ids and layers, in one process.

    python -m cocoon.benchmarks.steering.extraction [--model smollm2] [--rounds 5] [--layers 1-24] [--json]

`ids`: repeng is given our token ids (one BOS); `repeng as it is` tokenises text that has a BOS and adds another. CPU
time of the process; arms take turns; the ratio is the median over rounds with a bootstrap interval (95 %). Cosines are
between the directions of repeng's own methods by our code and by repeng's, at each layer.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cocoon.benchmarks.steering.repeng_peer import GivenIds, load_repeng, train
from cocoon.models.local.weights import Weights, load_weights
from cocoon.steering.control.control import read_layers
from cocoon.steering.directions.estimate import Method, agreement, fit
from cocoon.steering.directions.reading import read_states
from cocoon.steering.pairs.contrast import Contrast, contrast
from cocoon.steering.pairs.pairs import read_pairs


def ours(weights: Weights, made: Contrast, layers: Sequence[int], method: Method, *, share: bool) -> Any:
    """Our direction, shape (layers, hidden)."""
    states = read_states(weights, made.rows, layers, share=share)
    return fit(states.values[::2], states.values[1::2], method)


def theirs(weights: Weights, made: Contrast, layers: Sequence[int], method: Method) -> Any:
    """repeng's direction from the same token ids, shape (layers, hidden)."""
    rows = [one.ids for one in made.rows]
    names = [(str(place), str(place + 1)) for place in range(0, len(rows), 2)]
    found = train(load_repeng(), weights.network, GivenIds(rows, weights.pad), names, layers, method)
    return np.stack([found[layer] for layer in layers])


def as_text(weights: Weights, made: Contrast, layers: Sequence[int], method: Method) -> Any:
    """repeng's direction from texts, as its users call it: the BOS stands twice."""
    decoded = [weights.tokenizer.decode(one.ids) for one in made.rows]
    pairs = list(zip(decoded[::2], decoded[1::2], strict=True))
    found = train(load_repeng(), weights.network, weights.tokenizer, pairs, layers, method)
    return np.stack([found[layer] for layer in layers])


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds and what came out."""
    started = time.process_time()
    made = run()
    return time.process_time() - started, made


def measure(weights: Weights, layers: Sequence[int], rounds: int) -> dict[str, Any]:
    """CPU per round of every arm, ratios, and cosines."""
    made = contrast(weights.template, read_pairs("shipped:en"), "reply", "last")
    arms: dict[str, Callable[[], Any]] = {
        "ours": lambda: ours(weights, made, layers, "pca_diff", share=True),
        "ours, nothing shared": lambda: ours(weights, made, layers, "pca_diff", share=False),
        "repeng, our ids": lambda: theirs(weights, made, layers, "pca_diff"),
    }
    spent: dict[str, list[float]] = {name: [] for name in arms}
    found: dict[str, Any] = {}
    for number in range(rounds):
        names = list(arms)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            seconds, found[name] = timed(arms[name])
            spent[name].append(seconds)
    centered = agreement(
        ours(weights, made, layers, "pca_center", share=True), theirs(weights, made, layers, "pca_center")
    )
    doubled = as_text(weights, made, layers, "pca_diff")
    return {
        "pairs": len(made.positive),
        "layers": len(layers),
        "cpu": {name: float(np.median(some)) for name, some in spent.items()},
        "ratio": {name: ratio(spent[name], spent["repeng, our ids"]) for name in arms if name.startswith("ours")},
        "least_cosine": {
            "pca_diff": float(agreement(found["ours"], found["repeng, our ids"]).min()),
            "pca_center": float(centered.min()),
            "pca_diff, repeng's doubled BOS": float(agreement(found["ours"], doubled).min()),
        },
    }


def ratio(some: Sequence[float], others: Sequence[float]) -> list[float]:
    """Median of the rounds' ratios and its 95 % bootstrap interval."""
    ratios = np.array(some) / np.array(others)
    drawn = np.random.default_rng(0).integers(0, len(ratios), (2000, len(ratios)))
    low, high = np.percentile(np.median(ratios[drawn], axis=1), [2.5, 97.5])
    return [round(float(one), 3) for one in (np.median(ratios), low, high)]


def main() -> None:
    """Print the figures."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--model", default="smollm2")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--layers", default="1-24")
    options.add_argument("--dtype", default="float32")
    given = options.parse_args()
    if load_repeng() is None:
        raise SystemExit("repeng is not installed: pip install --no-deps repeng==0.4.0 scikit-learn")
    weights = load_weights(given.model, None, given.dtype)
    print(json.dumps(measure(weights, read_layers(given.layers), given.rounds), indent=1))


if __name__ == "__main__":
    main()
