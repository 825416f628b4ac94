"""Load a LoRA adapter onto a base that is already loaded, beside other adapters."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.models.local.libraries import first_line, quiet, require_libraries
from cocoon.models.local.weights import Weights, model_hash
from cocoon.training.adapters.card import CARD_FILE, Card, read_card

CONFIG_FILE, WEIGHTS_FILE = "adapter_config.json", "adapter_model.safetensors"
_PREFIX = "base_model.model."
# Settings that would change the base itself, which other adapters share: (setting, values that do not change it).
_PLAIN = (
    ("bias", (None, "none")),
    ("layer_replication", (None,)),
    ("modules_to_save", (None, [])),
    ("trainable_token_indices", (None, [], {})),
)


@dataclass(frozen=True)
class AttachedAdapter:
    """An adapter inside the network of a base, which is active only inside `applied`.

    It implements `cocoon.models.local.control.Adapter`.
    """

    name: str
    folder: str
    sha256: str
    base: str | None
    card: Card | None = None

    @contextmanager
    def applied(self, network: Any) -> Iterator[None]:
        """Use the adapter for every row inside the block."""
        network.set_adapter(self.name)
        network.enable_adapters()
        try:
            yield
        finally:
            network.disable_adapters()

    def facts(self) -> dict[str, Any]:
        """Return what a manifest records about the adapter."""
        facts = {"adapter": self.sha256, "made_for": self.base}
        if self.card is None:
            return facts
        card = self.card
        known = {"thoughts": card.thoughts, "corpus": card.split_sha256}
        if card.role == "user":
            return {**facts, "role": card.role, **known}
        role = {"role": card.role} if card.role != "supporter" else {}
        return {**facts, **role, "thoughts": card.thoughts, "prompt": card.prompt, "corpus": card.split_sha256}


def attach(weights: Weights, folder: Path) -> AttachedAdapter:
    """Load the adapter of `folder` (as peft saves it) into the base. The base itself still answers as before.

    Raises CocoonError for a folder without an adapter, pickled weights, NaN, or an adapter for another base (by its
    layers, and by the card of `cocoon train` if there is one). The network is unchanged in that case.
    """
    require_libraries("peft")
    settings = _settings(folder)
    file = folder / WEIGHTS_FILE
    if not file.is_file():
        raise CocoonError(
            f"adapter {str(folder)!r} has no {WEIGHTS_FILE}; only safetensors files are read, so save it in that format"
        )
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
    for name, allowed in _PLAIN:
        if settings.get(name) not in allowed:
            raise CocoonError(
                f"{file}: {name!r} changes the base, which others share; merge this adapter and load the result"
            )
    return settings


def _check_card(weights: Weights, folder: Path, sha: str, card: Card) -> None:
    """Raise CocoonError if the card describes other weights, or another base of the same shape."""
    if card.weights_sha256 != sha:
        raise CocoonError(
            f"adapter {str(folder)!r}: {WEIGHTS_FILE} is not the file that {CARD_FILE} describes; "
            "take both from one training"
        )
    loaded_hash = model_hash(weights.network)
    if card.base_hash is not None and loaded_hash is not None and card.base_hash != loaded_hash:
        raise CocoonError(
            f"adapter {str(folder)!r} was trained over {card.base!r} (hash {card.base_hash}), and {weights.name!r} has "
            f"hash {loaded_hash}; open it on the base it was trained over"
        )


def _check_fit(weights: Weights, folder: Path, file: Path) -> None:
    """Raise CocoonError unless every LoRA matrix is finite and fits a layer of the network."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="pt") as file_tensors:
            for key in file_tensors.keys():  # noqa: SIM118 (no mapping)
                _check_tensor(weights, folder, key, file_tensors.get_tensor(key))
    except (SafetensorError, OSError) as error:
        raise CocoonError(f"{file} is not a safetensors file ({first_line(error)}); save the adapter again") from None


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
    expected_width, width = (
        (layer.in_features, tensor.shape[1]) if part[0] == "A" else (layer.out_features, tensor.shape[0])
    )
    if expected_width != width:
        raise CocoonError(
            f"{where} has width {width} where {weights.name!r} has {expected_width}; it was trained on another base"
        )
