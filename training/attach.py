"""A LoRA adapter laid over a loaded base, beside others, without loading the base again."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.core.local_libraries import first_line, quiet, require_libraries
from cocoon.core.local_weights import Weights, model_hash
from cocoon.training.card import CARD_FILE, Card, read_card

CONFIG_FILE, WEIGHTS_FILE = "adapter_config.json", "adapter_model.safetensors"
_PREFIX = "base_model.model."
# What would change the base itself, which others share: (setting, values that do not).
_PLAIN = (
    ("bias", (None, "none")),
    ("layer_replication", (None,)),
    ("modules_to_save", (None, [])),
    ("trainable_token_indices", (None, [], {})),
)


@dataclass(frozen=True)
class AttachedAdapter:
    """An adapter inside a base's network; a `cocoon.core.control.Adapter`. It sleeps outside `applied`."""

    name: str
    folder: str
    sha256: str
    base: str | None
    card: Card | None = None

    @contextmanager
    def applied(self, network: Any) -> Iterator[None]:
        """Have it work for every row inside the block."""
        network.set_adapter(self.name)
        network.enable_adapters()
        try:
            yield
        finally:
            network.disable_adapters()

    def facts(self) -> dict[str, Any]:
        """What a manifest says of it."""
        known = {"adapter": self.sha256, "made_for": self.base}
        if self.card is None:
            return known
        return {**known, "thoughts": self.card.thoughts, "prompt": self.card.prompt, "corpus": self.card.split_sha256}


def attach(weights: Weights, folder: Path) -> AttachedAdapter:
    """Load the adapter of `folder` (as peft saves one) into the base; the base itself still answers as before.

    Raises CocoonError for a folder that holds none, pickled weights, NaN, or an adapter for another base (by the card
    that `cocoon train` wrote, where there is one, and by its layers); the network is then untouched.
    """
    require_libraries("peft")
    settings = _settings(folder)
    file = folder / WEIGHTS_FILE
    if not file.is_file():
        raise CocoonError(f"adapter {str(folder)!r} has no {WEIGHTS_FILE}; only safetensors are read, save it as such")
    _check_fit(weights, folder, file)
    sha = hashlib.sha256(file.read_bytes()).hexdigest()
    card = read_card(folder)
    if card is not None:
        _check_card(weights, folder, sha, card)
    name = f"adapter_{len(getattr(weights.network, 'peft_config', {}))}"
    try:
        with quiet():
            weights.network.load_adapter(str(folder), adapter_name=name, adapter_kwargs={"local_files_only": True})
    except (ValueError, OSError, RuntimeError, KeyError, TypeError) as error:
        raise CocoonError(f"adapter {str(folder)!r} cannot be loaded: {first_line(error)}") from None
    weights.network.disable_adapters()
    return AttachedAdapter(name, str(folder), sha, settings.get("base_model_name_or_path"), card)


def _settings(folder: Path) -> dict[str, Any]:
    file = folder / CONFIG_FILE
    if not file.is_file():
        raise CocoonError(f"adapter {str(folder)!r} has no {CONFIG_FILE}; give the folder that peft or cocoon saved")
    try:
        settings = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CocoonError(f"{file}: cannot be read ({first_line(error)}); save the adapter again") from None
    kind = settings.get("peft_type") if isinstance(settings, dict) else None
    if kind != "LORA":
        raise CocoonError(f"{file}: peft_type is {kind!r}; only LORA adapters are read")
    for name, plain in _PLAIN:
        if settings.get(name) not in plain:
            raise CocoonError(
                f"{file}: {name!r} changes the base, which others share; merge this adapter and load the result"
            )
    return settings


def _check_card(weights: Weights, folder: Path, sha: str, card: Card) -> None:
    """Raise CocoonError where the card tells of other weights, or of another base of the same shape."""
    if card.weights_sha256 != sha:
        raise CocoonError(
            f"adapter {str(folder)!r}: {WEIGHTS_FILE} is not the one that {CARD_FILE} tells of; "
            "take both from one training"
        )
    found = model_hash(weights.network)
    if card.base_hash is not None and found is not None and card.base_hash != found:
        raise CocoonError(
            f"adapter {str(folder)!r} was trained over {card.base!r} (hash {card.base_hash}), and {weights.name!r} has "
            f"hash {found}; open it on the base it was trained over"
        )


def _check_fit(weights: Weights, folder: Path, file: Path) -> None:
    """Raise CocoonError unless every LoRA matrix is finite and has a layer of its size in the network."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="pt") as tensors:
            for key in tensors.keys():  # noqa: SIM118 (no mapping)
                _check_tensor(weights, folder, key, tensors.get_tensor(key))
    except (SafetensorError, OSError) as error:
        raise CocoonError(f"{file}: is no safetensors file ({first_line(error)}); save the adapter again") from None


def _check_tensor(weights: Weights, folder: Path, key: str, tensor: Any) -> None:
    where = f"adapter {str(folder)!r}: {key!r}"
    if not bool(tensor.isfinite().all()):
        raise CocoonError(f"{where} holds NaN or infinite values; train it again")
    module, _, part = key.removeprefix(_PREFIX).partition(".lora_")
    if part not in ("A.weight", "B.weight"):
        return
    try:
        layer = weights.network.get_submodule(module)
    except AttributeError:
        raise CocoonError(f"{where} has no layer in {weights.name!r}; it was trained on another base") from None
    layer = getattr(layer, "base_layer", layer)
    size, found = (layer.in_features, tensor.shape[1]) if part[0] == "A" else (layer.out_features, tensor.shape[0])
    if size != found:
        raise CocoonError(
            f"{where} has width {found} where {weights.name!r} has {size}; it was trained on another base"
        )
