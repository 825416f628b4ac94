"""Directions as GGUF control vectors, the form that llama.cpp reads and repeng writes.

`direction.N` belongs to the output of block N, counted from 0. llama.cpp steers no block 0 and knows no norms: each
vector is a unit times its layer's median norm, so that llama.cpp's scale is our coefficient.
"""

from pathlib import Path

import numpy as np

from cocoon.core.errors import NotSavedError
from cocoon.core.local_libraries import require_libraries
from cocoon.steering.direction import Direction

ARCHITECTURE = "controlvector"


def save_control_vector(direction: Direction, path: Path, model_type: str) -> tuple[int, ...]:
    """Write a direction for llama.cpp; gives the layers that are in the file (all but 0).

    `model_type` (such as "llama") is a hint that readers may show. Raises NotSavedError without room.
    """
    require_libraries("gguf")
    from gguf import GGUFWriter

    layers = tuple(layer for layer in direction.layers if layer > 0)
    try:
        writer = GGUFWriter(path, ARCHITECTURE)
        writer.add_string(f"{ARCHITECTURE}.model_hint", model_type)
        writer.add_uint32(f"{ARCHITECTURE}.layer_count", len(layers))
        for layer in layers:
            row = direction.layers.index(layer)
            vector = direction.vectors[row] * direction.norms[row]
            writer.add_tensor(f"direction.{layer}", vector.astype(np.float32))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
    except OSError as error:
        raise NotSavedError(f"{path}: cannot be written ({error.strerror}); make room and try again") from None
    return layers
