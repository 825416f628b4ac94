"""Read and write directions as GGUF control vectors, the format that llama.cpp reads and repeng writes.

`direction.N` belongs to the output of block N, counted from 0. llama.cpp does not steer block 0 and stores no norms, so
each vector is a unit vector times its layer's median norm, and llama.cpp's scale equals our coefficient.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cocoon import __version__
from cocoon.core.errors import CocoonError, NotSavedError
from cocoon.models.local.decoder_layers import decoder_layers, hidden_size
from cocoon.models.local.libraries import first_line, require_libraries
from cocoon.models.local.weights import Weights, model_hash
from cocoon.steering.control.starts import sentence_marks
from cocoon.steering.directions.direction import At, Direction, DirectionCard, Kind
from cocoon.steering.directions.reading import read_states
from cocoon.steering.directions.shared_pass import TokenRow
from cocoon.steering.pairs.situations import read_situations

ARCHITECTURE = "controlvector"


def save_control_vector(direction: Direction, path: Path, model_type: str) -> tuple[int, ...]:
    """Write a direction for llama.cpp, and return the layers that are in the file (all but 0).

    `model_type` (such as "llama") is a hint that readers may show. Raises NotSavedError if there is no room.
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
        raise NotSavedError.at(path, error) from None
    return layers


def load_control_vector(path: Path, weights: Weights, kind: Kind = "reply", at: At = "every") -> Direction:
    """Read a direction that repeng or llama.cpp's generator wrote, for the loaded model.

    The file has no norms, so they are measured on the shipped situations. The lengths of its vectors are lost, because
    every vector is scaled to norm 1. Raises CocoonError for another kind of file, another width, a layer that the model
    lacks, or NaN.
    """
    vectors = _read_vectors(path)
    count, width = len(decoder_layers(weights.network)), hidden_size(weights.network)
    layers = sorted(vectors)
    if layers[-1] >= count or any(vector.shape != (width,) for vector in vectors.values()):
        shapes = sorted({vector.shape for vector in vectors.values()})
        raise CocoonError(
            f"{path} holds layers up to {layers[-1]} of shape {shapes[0]}, but this model has {count} layers of width "
            f"{width}; the file was made for another model, so take one for this model"
        )
    stacked = np.stack([vectors[layer] for layer in layers]).astype(np.float32)
    lengths = np.linalg.norm(stacked, axis=1, keepdims=True)
    if not np.isfinite(stacked).all() or not (lengths > 0).all():
        raise CocoonError(f"{path} holds NaN, infinite or empty vectors; create the file again")
    card = DirectionCard(
        layers=layers,
        layer_count=count,
        model=weights.name,
        revision=weights.revision,
        model_hash=model_hash(weights.network),
        kind=kind,
        method="imported",
        position="unknown",
        at=at,
        marks=sentence_marks(weights.tokenizer),
        cocoon=__version__,
    )
    return Direction(stacked / lengths, measured_norms(weights, layers), card)


def measured_norms(weights: Weights, layers: Sequence[int]) -> NDArray[np.float32]:
    """Return the median residual norms at `layers` over the prompts of the shipped situations, shape (layers,)."""
    rows: list[TokenRow] = []
    for situation in read_situations("shipped:en:calibrate"):
        ids = tuple(weights.template.ids(situation.messages()))
        rows.append(TokenRow(ids, (len(ids) - 1, len(ids)), situation.id))
    return read_states(weights, rows, layers).norms


def _read_vectors(path: Path) -> dict[int, NDArray[np.float32]]:
    """Return the vectors of a GGUF file by layer."""
    require_libraries("gguf")
    from gguf import GGUFReader

    if not path.is_file():
        raise CocoonError(f"control vector {str(path)!r} does not exist; give the path of a GGUF file")
    try:
        tensors = {tensor.name: np.array(tensor.data) for tensor in GGUFReader(path).tensors}
    except (ValueError, OSError, IndexError, KeyError) as error:
        raise CocoonError(f"{path}: no GGUF file ({first_line(error)})") from None
    named = {name: data for name, data in tensors.items() if name.startswith("direction.")}
    if not named or any(not name.removeprefix("direction.").isdecimal() for name in named):
        raise CocoonError(f"{path} holds no control vector; its tensors must be named direction.N, with N a layer")
    return {int(name.removeprefix("direction.")): data for name, data in named.items()}
