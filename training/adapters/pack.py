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


@dataclass(frozen=True)
class Packed:
    """What was written. `bytes` is the size of the weights."""

    folder: str
    dtype: Dtype
    bytes: int


def pack(folder: Path, out: Path, dtype: Dtype = "bfloat16") -> Packed:
    """Copy a trained adapter into a new folder, its weights rounded to `dtype`.

    Raises CocoonError for a folder without an adapter or a card, and for one to write that already exists.
    """
    require_libraries("torch")
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file, save_file

    folder = adapter_folder(folder)
    card = read_card(folder)
    if card is None:
        raise CocoonError(f"{folder}: has no card; give the folder that `cocoon train` wrote, when it is trained")
    part = out.with_name(f".{out.name}.part")
    try:
        if out.exists():
            raise CocoonError(f"{out}: already exists; choose another --out")
        if hashlib.sha256((folder / WEIGHTS_FILE).read_bytes()).hexdigest() != card.weights_sha256:
            raise CocoonError(
                f"{folder / WEIGHTS_FILE} is not the file that {CARD_FILE} describes; take both from one training"
            )
        tensors = {name: tensor.to(getattr(torch, dtype)) for name, tensor in load_file(folder / WEIGHTS_FILE).items()}
        if not all(bool(tensor.isfinite().all()) for tensor in tensors.values()):
            raise CocoonError(f"adapter {str(folder)!r} holds NaN or infinite values in {dtype}; train it again")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        save_file(tensors, part / WEIGHTS_FILE, {"format": "pt"})
        shutil.copyfile(folder / CONFIG_FILE, part / CONFIG_FILE)
        (part / WEIGHTS_FILE).chmod(0o644)
        sha = hashlib.sha256((part / WEIGHTS_FILE).read_bytes()).hexdigest()
        write_card(part, card.model_copy(update={"weights_sha256": sha, "stored": dtype}))
        part.rename(out)
    except (OSError, SafetensorError) as error:
        raise CocoonError(f"adapter {str(folder)!r} cannot be packed into {str(out)!r}: {first_line(error)}") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Packed(str(out), dtype, (out / WEIGHTS_FILE).stat().st_size)
