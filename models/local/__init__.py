"""Chat models that run inside this process: weights, batches, schemas, controls."""
