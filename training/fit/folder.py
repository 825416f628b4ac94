"""The run folder of a training: checks settings and data, allows one writer, and finds complete checkpoints."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from cocoon.core.config import to_yaml
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import parse_record, write_whole
from cocoon.core.outside.locks import lock_folder
from cocoon.core.outside.yaml_text import read_yaml
from cocoon.training.config import TrainConfig

CHECKPOINTS = "checkpoints"
_DATA = "data.json"
STATE = "trainer_state.json"
_WEIGHTS = "adapter_model.safetensors"


def is_main() -> bool:
    """Return whether this process writes files and messages, since `accelerate launch` starts several processes."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def opened_training(out: Path, config: TrainConfig) -> Iterator[None]:
    """Lock the folder against a second writer, and store these settings in it.

    Raises CocoonError if the folder holds other settings and something was trained with them.
    """
    lock = lock_folder(out)
    try:
        _agree(out, config)
        yield
    finally:
        os.close(lock)


def _agree(out: Path, config: TrainConfig) -> None:
    file = out / "config.yaml"
    if last_checkpoint(out) is None and not (out / _WEIGHTS).exists():
        # Nothing was trained here yet, so that other settings and other data take nothing away.
        (out / _DATA).unlink(missing_ok=True)
    elif file.is_file():
        stored = parse_record(read_yaml(file), TrainConfig, str(file))
        started_with, asked_for = stored.model_dump(mode="json"), config.model_dump(mode="json")
        differing = [key for key in started_with if started_with[key] != asked_for[key]]
        if differing:
            raise CocoonError(
                f"{out} was started with different settings ({', '.join(differing)}; see config.yaml). "
                "Run the original command to resume, or choose another --out."
            )
    write_whole(file, [to_yaml(config).encode()])


def agree_on_data(out: Path, hashes: Mapping[str, str]) -> None:
    """Store the hashes of the training data by name. Raises CocoonError if a stored hash of that name differs.

    Settings only name files, and a file may have changed between two sessions of one training.
    """
    file = out / _DATA
    stored: dict[str, str] = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    changed = [name for name, file_hash in hashes.items() if stored.get(name, file_hash) != file_hash]
    if changed:
        raise CocoonError(
            f"{out}: {', '.join(changed)} changed since this training began; put the former back, or use another --out"
        )
    write_whole(file, [json.dumps(stored | dict(hashes), ensure_ascii=False, indent=1).encode()])


def hashes_of(files: Sequence[Path]) -> dict[str, str]:
    """Return the SHA-256 of the files that exist. Reading a missing file reports the error later."""
    hashes = {}
    for file in files:
        if file.is_file():
            with file.open("rb") as handle:
                hashes[str(file)] = hashlib.file_digest(handle, "sha256").hexdigest()
    return hashes


def last_checkpoint(out: Path) -> Path | None:
    """Return the newest complete checkpoint, or None, and remove incomplete ones that a killed process left.

    A checkpoint is complete if its state, which is written last, can be read and its adapter can be opened.
    """
    checkpoints = [
        (step, path) for path in (out / CHECKPOINTS).glob("checkpoint-*") if (step := _step(path)) is not None
    ]
    complete: Path | None = None
    for _, path in sorted(checkpoints):
        if is_whole(path):
            complete = path
        elif is_main():
            shutil.rmtree(path, ignore_errors=True)
    return complete


def find_best(checkpoint: Path) -> None:
    """Update the path of the best checkpoint in the state of a checkpoint, because the folder may have been moved.

    If the best one is missing or damaged, the state names none, and the best is searched among the later ones.
    """
    file = checkpoint / STATE
    state = json.loads(file.read_text("utf-8"))
    best_name = state.get("best_model_checkpoint")
    if best_name is None:
        return
    best = checkpoint.resolve().parent / Path(best_name).name
    if is_whole(best):
        state["best_model_checkpoint"] = str(best)
    else:
        state |= dict.fromkeys(("best_model_checkpoint", "best_metric", "best_global_step"))
    write_whole(file, [json.dumps(state, indent=2).encode()])


def _step(path: Path) -> int | None:
    number = path.name.removeprefix("checkpoint-")
    return int(number) if number.isdecimal() else None


def is_whole(checkpoint: Path) -> bool:
    """Return whether a checkpoint is complete and readable."""
    from safetensors import SafetensorError, safe_open

    try:
        json.loads((checkpoint / STATE).read_text("utf-8"))
        with safe_open(checkpoint / _WEIGHTS, framework="pt") as tensors:
            return bool(list(tensors.keys()))
    except (OSError, ValueError, SafetensorError):
        return False
