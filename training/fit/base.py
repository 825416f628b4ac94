"""Load the base that an adapter is trained over: float weights, or four bits under QLoRA."""

import importlib.util
import json
import os
from pathlib import Path
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.models.local.embedded import EMBEDDED, EMBEDDED_HUB_ID
from cocoon.models.local.libraries import first_line, quiet, require_libraries
from cocoon.models.local.template import Template
from cocoon.models.local.weights import Weights, best_dtype, load_weights, model_folder, turn_end_tokens
from cocoon.training.config import TrainConfig

TRAINING_LIBRARIES = ("trl", "peft", "datasets", "accelerate")
TRAINED, MERGED = "trained over", "merged into"
_FLOATS = {"F32", "F16", "BF16"}


def require_training() -> None:
    """Raise CocoonError if a library of the extra `train` is not installed, and say how to install it."""
    require_libraries("torch", "transformers")
    require_libraries(*TRAINING_LIBRARIES, extra="train")


def load_base(config: TrainConfig) -> Weights:
    """Load the base to train over. Raises CocoonError for quantised weights, and if it cannot be quantised here."""
    name = config.base_name
    refuse_packed(name, TRAINED)
    folder, revision = model_folder(name)
    refuse_quantised(folder, name, TRAINED)
    if config.lora.quantise == "4bit":
        return _in_four_bits(name, folder, revision)
    dtype = None if config.fit.dtype == "auto" else config.fit.dtype
    return load_weights(name, "cpu" if "LOCAL_RANK" in os.environ else None, dtype or _dtype_here())


def _dtype_here() -> str | None:
    """Return the dtype that the GPU used for training computes in natively, or None to leave it to the loader."""
    import torch

    return best_dtype("cuda") if torch.cuda.is_available() else None


def refuse_packed(name: str, what: str) -> None:
    """Raise CocoonError for a GGUF file with quantised weights, which `local:` would unpack without a message.

    The embedded model is allowed, because it exists only as a GGUF file and was unpacked into the cache once.
    """
    path = Path(name).expanduser()
    if path.suffix != ".gguf" or not path.is_file():
        return
    require_libraries("gguf")
    from gguf import GGUFReader

    try:
        kinds = {tensor.tensor_type.name for tensor in GGUFReader(path).tensors}
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise CocoonError(f"{name}: cannot be read as a GGUF file ({first_line(error)})") from None
    packed = sorted(kinds - _FLOATS)
    if packed:
        raise _quantised(name, f"GGUF, {', '.join(packed)}", what)


def _quantised(name: str, kind: str, what: str) -> CocoonError:
    hint = " (for QLoRA too: -o lora.quantise=4bit quantises it while loading)" if what == TRAINED else ""
    return CocoonError(
        f"model {name!r} holds quantised weights ({kind}) and cannot be {what}; take the float32 or bfloat16 original"
        f"{hint}"
    )


def refuse_quantised(folder: Path, name: str, what: str) -> None:
    """Raise CocoonError for a folder whose config.json says that its weights are quantised."""
    try:
        settings = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return
    quantisation = settings.get("quantization_config") if isinstance(settings, dict) else None
    if quantisation:
        kind = (
            quantisation.get("quant_method", "unknown method") if isinstance(quantisation, dict) else "unknown method"
        )
        raise _quantised(name, kind, what)


def _in_four_bits(name: str, folder: Path, revision: str | None) -> Weights:
    import torch

    if importlib.util.find_spec("bitsandbytes") is None:
        raise CocoonError("lora.quantise=4bit (QLoRA) needs bitsandbytes; install with `pip install bitsandbytes`")
    from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

    device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if torch.cuda.is_available() else "cpu"
    four_bit = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        with quiet():
            tokenizer: Any = AutoTokenizer.from_pretrained(folder, **options)
            network: Any = AutoModelForCausalLM.from_pretrained(
                folder, quantization_config=four_bit, device_map={"": device}, use_safetensors=True, **options
            )
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        raise CocoonError(f"model {name!r} cannot be loaded in four bits: {first_line(error)}") from None
    ends = turn_end_tokens(network, tokenizer, name)
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else ends[0]
    context = network.config.max_position_embeddings
    template = Template.learn(tokenizer, name)
    return Weights(name, network, tokenizer, template, revision, device, "4bit", context, ends, pad)


def public_name(name: str) -> str:
    """Return the public name of a base, which for the embedded model is its id on the hub."""
    return EMBEDDED_HUB_ID if name == EMBEDDED else name
