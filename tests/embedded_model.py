"""The embedded model for tests: converted once for all workers, and cut down for those that take whatever it says."""

import fcntl
from functools import cache

from cocoon.models.local.embedded import cache_folder, converted, embedded_file
from cocoon.models.local.weights import Weights, load_weights

LAYERS = 3
"""Of the 30 layers. Tokenizer, template, vocabulary and number format stay those of the embedded model."""


@cache
def convert_embedded_model() -> None:
    """Convert the embedded model, where it is installed, while other workers wait for it."""
    file = embedded_file()
    if file is None:
        return
    cache_folder().mkdir(parents=True, exist_ok=True)
    with (cache_folder() / "tests.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        converted(file)


@cache
def shallow_weights(name: str, device: str | None, dtype: str | None, template: str | None = None) -> Weights:
    """Load a model once for all tests of a process, and keep its first layers alone."""
    weights = load_weights(name, device, dtype, template)
    weights.network.model.layers = weights.network.model.layers[:LAYERS]
    weights.network.config.num_hidden_layers = LAYERS
    return weights
