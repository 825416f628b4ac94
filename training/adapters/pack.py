"""Pack an adapter to pass it on: its weights, its card and its README, without checkpoints and what resuming needs."""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from cocoon.core.errors import CocoonError
from cocoon.models.local.libraries import first_line, require_libraries
from cocoon.training.adapters.attach import CONFIG_FILE, WEIGHTS_FILE
from cocoon.training.adapters.card import CARD_FILE, adapter_folder, read_card, write_card
from cocoon.training.adapters.merge import Dtype
from cocoon.training.adapters.new_folder import new_folder, refuse_existing


@dataclass(frozen=True)
class Packed:
    """What was written. `bytes` is the size of the weights."""

    folder: str
    dtype: Dtype
    bytes: int


def pack(folder: Path, out: Path, dtype: Dtype = "bfloat16") -> Packed:
    """Copy a trained adapter into a new folder, its weights rounded to `dtype`.

    Raises CocoonError for a folder without an adapter or a card, for weights that are not those of the card or not
    finite in `dtype`, and for a folder that already exists or cannot be written.
    """
    require_libraries("torch")
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load, save_file

    folder = adapter_folder(folder)
    refuse_existing(out)
    card = read_card(folder)
    if card is None:
        raise CocoonError(f"{folder}: has no card; give the folder that `cocoon train` wrote, when it is trained")
    try:
        stored = (folder / WEIGHTS_FILE).read_bytes()
        if hashlib.sha256(stored).hexdigest() != card.weights_sha256:
            raise CocoonError(
                f"{folder / WEIGHTS_FILE} is not the file that {CARD_FILE} describes; take both from one training"
            )
        tensors = {name: tensor.to(getattr(torch, dtype)) for name, tensor in load(stored).items()}
    except (OSError, SafetensorError) as error:
        raise CocoonError(f"adapter {str(folder)!r} cannot be read: {first_line(error)}") from None
    if not all(bool(tensor.isfinite().all()) for tensor in tensors.values()):
        raise CocoonError(f"adapter {str(folder)!r} holds NaN or infinite values in {dtype}; train it again")
    with new_folder(out) as part:
        weights = part / WEIGHTS_FILE
        save_file(tensors, weights, {"format": "pt"})
        weights.chmod(0o644)
        shutil.copyfile(folder / CONFIG_FILE, part / CONFIG_FILE)
        sha = hashlib.sha256(weights.read_bytes()).hexdigest()
        write_card(part, card.model_copy(update={"weights_sha256": sha, "stored": dtype}))
    return Packed(str(out), dtype, (out / WEIGHTS_FILE).stat().st_size)
