"""A direction: one unit vector for each layer, and a card that says where it comes from, in one safetensors file."""

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from cocoon.core.errors import CocoonError, NotSavedError
from cocoon.core.jsonl import explain
from cocoon.core.records import Record
from cocoon.models.local.libraries import first_line, require_libraries
from cocoon.steering.control.starts import SentenceMarks

Kind = Literal["reply", "instruction", "random"]
At = Literal["every", "starts"]
_KEY = "cocoon_direction"
_FORMAT: Literal[1] = 1
_UNIT_TOLERANCE = 1e-3


class DirectionCard(Record):
    """Where a direction comes from. `layers` are blocks counted from 0 whose output was read, `band` those to steer.

    `at` says which tokens to steer if nothing else is chosen: `every` one, or `starts`, those that decide how a
    sentence begins. `marks` are the tokens of the model's vocabulary by which these are recognised, and None in files
    without them. `model_hash` is `models.local.weights.model_hash`. `data_hash` and `template_hash` are SHA-256 of the
    pairs' token ids and of the chat template.
    """

    format: Literal[1] = _FORMAT
    layers: list[int] = Field(min_length=1)
    band: list[int] | None = None
    layer_count: int = Field(ge=1)
    model: str
    revision: str | None = None
    model_hash: str | None = None
    adapter: str | None = None
    kind: Kind
    method: str
    position: str
    template_hash: str = ""
    data_hash: str = ""
    pairs: str = ""
    chosen_on: str = ""
    seed: int = 0
    at: At = "every"
    marks: SentenceMarks | None = None
    cocoon: str = ""


@dataclass(frozen=True)
class Direction:
    """Unit `vectors`, shape (layers, hidden), and `norms`, shape (layers,), the median residual norms.

    A norm is that of a layer's output over all tokens but the first, whose norm is up to 100 times as large.
    """

    vectors: NDArray[np.float32]
    norms: NDArray[np.float32]
    card: DirectionCard
    sha256: str | None = None

    def __post_init__(self) -> None:
        _check(self)

    @property
    def layers(self) -> tuple[int, ...]:
        """Blocks, counted from 0, in ascending order."""
        return tuple(self.card.layers)

    @property
    def band(self) -> tuple[int, ...] | None:
        """The layers that are steered by default."""
        return tuple(self.card.band) if self.card.band else None

    @property
    def hidden(self) -> int:
        """Width of the residual stream."""
        return int(self.vectors.shape[1])

    @property
    def layer_count(self) -> int:
        """Number of layers of the model. `layers` may be only a part of them."""
        return self.card.layer_count

    @property
    def model(self) -> str:
        return self.card.model

    @property
    def revision(self) -> str | None:
        return self.card.revision

    @property
    def model_hash(self) -> str | None:
        return self.card.model_hash

    @property
    def kind(self) -> Kind:
        return self.card.kind

    @property
    def method(self) -> str:
        return self.card.method

    @classmethod
    def load(cls, path: Path) -> "Direction":
        """Read a file of `save`. Raises CocoonError for another file, and for numbers that cannot be used to steer."""
        require_libraries("safetensors")
        from safetensors import SafetensorError, safe_open

        if not path.is_file():
            raise CocoonError(f"direction {str(path)!r} is not there; make one with `cocoon steer extract`")
        try:
            with safe_open(path, framework="np") as file:
                metadata = (file.metadata() or {}).get(_KEY)
                names = {"vectors", "norms"} & set(file.keys())
                tensors = {name: file.get_tensor(name) for name in names}
        except (SafetensorError, OSError, ValueError) as error:
            raise CocoonError(
                f"direction {str(path)!r} is no safetensors file ({first_line(error)}), and no other format is read, "
                "above all no pickled file; make one with `cocoon steer extract`"
            ) from None
        if metadata is None or len(tensors) < 2:
            raise CocoonError(
                f"direction {str(path)!r} was not written by `cocoon steer`; import it with `cocoon steer import`"
            )
        try:
            card = DirectionCard.model_validate(json.loads(metadata))
            sha = hashlib.sha256(path.read_bytes()).hexdigest()
            return cls(tensors["vectors"], tensors["norms"], card, sha)
        except ValidationError as error:
            raise CocoonError(f"direction {str(path)!r}: {explain(error, DirectionCard)}") from None
        except (CocoonError, ValueError) as error:
            raise CocoonError(f"direction {str(path)!r}: {first_line(error)}") from None

    def save(self, path: Path) -> "Direction":
        """Write the file completely or not at all, and return the direction with the file's SHA-256."""
        from safetensors.numpy import save

        tensors = {"vectors": self.vectors.astype(np.float32), "norms": self.norms.astype(np.float32)}
        body = save(tensors, {_KEY: self.card.model_dump_json()})
        partial = path.with_name(f".{path.name}.part")
        try:
            partial.write_bytes(body)
            partial.replace(path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise NotSavedError.at(path, error) from None
        return replace(self, sha256=hashlib.sha256(body).hexdigest())

    @classmethod
    def random(cls, like: "Direction", seed: int) -> "Direction":
        """Return a placebo: random unit vectors for the same layers, norms and model."""
        noise = np.random.default_rng(seed).normal(size=like.vectors.shape)
        units = (noise / np.linalg.norm(noise, axis=1, keepdims=True)).astype(np.float32)
        changes: dict[str, Any] = {
            "kind": "random",
            "method": "random",
            "position": "none",
            "data_hash": "",
            "seed": seed,
        }
        return cls(units, like.norms, like.card.model_copy(update=changes))


def _check(direction: Direction) -> None:
    """Raise CocoonError for numbers that cannot be used to steer."""
    layers, count = direction.card.layers, direction.card.layer_count
    if (
        direction.vectors.ndim != 2
        or direction.norms.shape != (len(direction.vectors),)
        or len(layers) != len(direction.vectors)
    ):
        raise CocoonError(
            f"vectors of shape {direction.vectors.shape} and norms of shape {direction.norms.shape} "
            f"for {len(layers)} layers"
        )
    if layers != sorted(set(layers)) or layers[0] < 0 or layers[-1] >= count:
        raise CocoonError(f"layers {layers} are not ascending numbers below {count}")
    if not set(direction.card.band or []) <= set(layers):
        raise CocoonError(f"band {direction.card.band} is not a part of the layers {layers}")
    if not (np.isfinite(direction.vectors).all() and np.isfinite(direction.norms).all()):
        raise CocoonError("it holds NaN or infinite values; extract it again")
    if not (direction.norms > 0).all():
        raise CocoonError("a layer's norm is not positive; extract it again")
    lengths = np.linalg.norm(direction.vectors, axis=1)
    if np.abs(lengths - 1).max() > _UNIT_TOLERANCE:
        raise CocoonError(f"a vector has norm {lengths[np.abs(lengths - 1).argmax()]:.4g} where 1 is expected")
