"""The embedded model cut down to its first layers, for tests that take whatever a weak model says."""

from functools import cache

from cocoon.models.local.weights import Weights, load_weights

LAYERS = 3
"""Of the 30 layers. Tokenizer, template, vocabulary and number format stay those of the embedded model."""


@cache
def shallow_weights(name: str, device: str | None, dtype: str | None) -> Weights:
    """Load a model once for all tests of a process, and keep its first layers alone."""
    weights = load_weights(name, device, dtype)
    weights.network.model.layers = weights.network.model.layers[:LAYERS]
    weights.network.config.num_hidden_layers = LAYERS
    return weights
