"""What steering costs: steered against unsteered generation, one batch against many runs, ours beside its peers.

    python -m cocoon.benchmarks.steering.speed [--model smollm2] [--pairs 15] [--tokens 32] [--json]
    python -m cocoon.benchmarks.steering.speed --batches 32 --at starts

Every arm generates the same number of tokens with the same `generate` call; arms take turns in a rotating order, and
each turn is compared with the unsteered one of its round. `cpu` is the process's CPU time, which other programs on
the machine disturb less than `wall`. A ratio is steered tokens per second over unsteered ones; the interval is a
bootstrap over rounds (95 %). repeng and steering-vectors take part where they are installed. With `--at`, only our
steering at those tokens is measured, beside the unsteered arm.
"""

import argparse
import importlib
import importlib.util
import json
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cocoon.benchmarks.steering.repeng_peer import load_repeng
from cocoon.models.local.decoder_layers import decoder_layers, hidden_size
from cocoon.models.local.decoding.writer import generate_replies
from cocoon.models.local.sampling import ReplyRow
from cocoon.models.local.weights import Weights, load_weights
from cocoon.steering.control.control import Control
from cocoon.steering.control.injection import Mode
from cocoon.steering.control.starts import sentence_marks
from cocoon.steering.directions.direction import At, Direction, DirectionCard

SITUATION = "I hardly sleep since they moved me to the other team, and nobody asked me whether I wanted to go. "
WHERE = {"every": "ours", "starts": "ours, where sentences begin"}
COEFFICIENTS = (0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08)
DOSE = 0.04
Steered = Callable[[int], AbstractContextManager[Any]]


def direction(weights: Weights) -> Direction:
    """A random direction for all layers; the work does not depend on where it points."""
    count, width = len(decoder_layers(weights.network)), hidden_size(weights.network)
    drawn = np.random.default_rng(0).normal(size=(count, width))
    units = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    card = DirectionCard(
        layers=list(range(count)),
        layer_count=count,
        model=weights.name,
        kind="random",
        method="random",
        position="none",
        marks=sentence_marks(weights.tokenizer),
    )
    return Direction(units, np.full(count, 100.0, np.float32), card)


def ours(
    weights: Weights,
    layers: Sequence[int],
    doses: Callable[[int], Sequence[float]],
    mode: Mode = "add",
    at: At = "every",
) -> Steered:
    """Our control over `layers`; `doses` gives the coefficients of a batch."""
    control = Control(direction(weights), tuple(layers), mode, at=at)
    return lambda rows: control.applied(weights.network, doses(rows))


def repeng(weights: Weights, layers: Sequence[int]) -> Steered | None:
    """repeng's ControlModel with the same vectors, none where it is not installed."""
    library = load_repeng()
    if library is None:
        return None
    made = direction(weights)
    vectors = {layer: made.vectors[layer] * np.float32(100.0) for layer in layers}

    @contextmanager
    def steered(rows: int) -> Any:  # noqa: ARG001
        model = library.ControlModel(weights.network, list(layers))
        try:
            model.set_control(library.ControlVector(weights.network.config.model_type, vectors), DOSE)
            yield
        finally:
            model.reset()
            model.unwrap()

    return steered


def steering_vectors(weights: Weights, layers: Sequence[int]) -> Steered | None:
    """steering-vectors with the same vectors, none where it is not installed."""
    if importlib.util.find_spec("steering_vectors") is None:
        return None
    import torch

    library = importlib.import_module("steering_vectors")
    made = direction(weights)
    kind = weights.network.dtype
    vectors = {layer: torch.from_numpy(made.vectors[layer] * np.float32(100.0)).to(kind) for layer in layers}
    vector = library.SteeringVector(vectors, "decoder_block")
    return lambda _: vector.apply(weights.network, multiplier=DOSE)


def batch(weights: Weights, rows: int) -> dict[str, Any]:
    """Left-padded prompts of unlike lengths."""
    import torch

    talks = [[{"role": "user", "content": SITUATION * (1 + row % 3)}] for row in range(rows)]
    prompts = [weights.template.ids(talk) for talk in talks]
    width = max(map(len, prompts))
    ids = [[weights.pad] * (width - len(prompt)) + prompt for prompt in prompts]
    mask = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    return {"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask)}


def timed(
    weights: Weights, given: dict[str, Any], tokens: int, steered: AbstractContextManager[Any]
) -> tuple[float, float]:
    """Wall and CPU seconds for so many new tokens in every row."""
    import torch
    from transformers import GenerationConfig

    settings = GenerationConfig(do_sample=False, max_new_tokens=tokens, pad_token_id=weights.pad, eos_token_id=None)
    weights.network.generation_config.eos_token_id = None
    wall, cpu = time.perf_counter(), time.process_time()
    with torch.inference_mode(), steered:
        made = weights.network.generate(**given, generation_config=settings)
    taken = time.perf_counter() - wall, time.process_time() - cpu
    assert made.shape[1] == given["input_ids"].shape[1] + tokens
    return taken


def interval(ratios: NDArray[np.float64]) -> dict[str, float]:
    """The median with its bootstrap interval."""
    draws = np.random.default_rng(0).choice(ratios, (4000, len(ratios)))
    low, high = np.quantile(np.median(draws, axis=1), [0.025, 0.975])
    return {"median": float(np.median(ratios)), "low": float(low), "high": float(high)}


def rounds(weights: Weights, arms: dict[str, Steered], rows: int, tokens: int, pairs: int) -> dict[str, Any]:
    """Every arm in every round, in rotating order, against the round's unsteered arm."""
    given, names = batch(weights, rows), list(arms)
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for name in names:
        timed(weights, given, 4, arms[name](rows))
    for number in range(pairs):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            seconds[name].append(timed(weights, given, tokens, arms[name](rows)))
    times = {name: np.array(values) for name, values in seconds.items()}
    plain = times.pop("unsteered")
    speed = rows * tokens / np.median(plain, axis=0)
    found: dict[str, Any] = {"unsteered": {"tokens_per_s_wall": speed[0], "tokens_per_s_cpu": speed[1]}}
    for name, values in times.items():
        found[name] = {kind: interval(plain[:, i] / values[:, i]) for i, kind in enumerate(("wall", "cpu"))}
    return found


def one_batch_or_many(weights: Weights, layers: Sequence[int], tokens: int, repeats: int) -> dict[str, Any]:
    """Nine coefficients for four situations in one batch, against nine runs of four, by the product's own sampler."""
    # A token that is never chosen here ends a turn, so that every run writes as much.
    endless = replace(weights, eos=[weights.network.config.vocab_size - 1])
    control = Control(direction(weights), tuple(layers))
    talks = [[{"role": "user", "content": SITUATION * (1 + row % 3)}] for row in range(4)]
    prompts = [weights.template.ids(talk) for talk in talks]

    def written(doses: Sequence[float]) -> NDArray[np.float64]:
        rows = [ReplyRow(prompt, tokens, control=control, coefficient=dose) for dose in doses for prompt in prompts]
        wall, cpu = time.perf_counter(), time.process_time()
        generate_replies(endless, rows)
        assert all(len(row.tokens) == tokens for row in rows)
        return np.array([time.perf_counter() - wall, time.process_time() - cpu])

    written([DOSE])
    ratios = np.array(
        [np.sum([written([dose]) for dose in COEFFICIENTS], axis=0) / written(COEFFICIENTS) for _ in range(repeats)]
    )
    return {kind: interval(ratios[:, i]) for i, kind in enumerate(("wall", "cpu"))}


def arms_of(weights: Weights, layers: Sequence[int], at: str | None) -> dict[str, Steered]:
    """All that take part, or the unsteered arm and ours at the tokens `at`."""
    made: dict[str, Steered | None] = {
        "unsteered": lambda _: nullcontext(),
        WHERE["every"]: ours(weights, layers, lambda rows: [DOSE] * rows),
        "ours, a coefficient for every row": ours(
            weights, layers, lambda rows: [0.01 * (1 + n % 9) for n in range(rows)]
        ),
        "ours, norm kept": ours(weights, layers, lambda rows: [DOSE] * rows, "norm"),
        WHERE["starts"]: ours(weights, layers, lambda rows: [DOSE] * rows, at="starts"),
        "repeng": repeng(weights, layers),
        "steering-vectors": steering_vectors(weights, layers),
    }
    asked = ("unsteered", WHERE[at]) if at else tuple(made)
    return {name: arm for name, arm in made.items() if arm is not None and name in asked}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--dtype", help="float32 or bfloat16; what the machine computes natively")
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--layers", default="16-24")
    parser.add_argument("--batches", default="1,32")
    parser.add_argument("--at", choices=tuple(WHERE), help="only this arm of ours, beside the unsteered one")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    weights = load_weights(options.model, "cpu", options.dtype)
    first, last = map(int, options.layers.split("-"))
    layers = range(first, last + 1)
    arms = arms_of(weights, layers, options.at)
    found: dict[str, Any] = {"model": weights.name, "dtype": weights.dtype, "layers": options.layers}
    for rows in map(int, options.batches.split(",")):
        found[f"batch {rows}"] = rounds(weights, arms, rows, options.tokens, options.pairs)
    if options.at is None:
        found["9 coefficients x 4 situations, times faster in one batch"] = one_batch_or_many(
            weights, layers, options.tokens, max(3, options.pairs // 3)
        )
    print(json.dumps(found, indent=None if options.json else 2))


if __name__ == "__main__":
    main()
