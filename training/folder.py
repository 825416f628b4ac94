"""The run folder of a training: settings and data agreed, one writer, checkpoints that are whole."""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

from cocoon.core.config import to_yaml
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import parse_record, write_whole
from cocoon.core.train_config import TrainConfig

CHECKPOINTS = "checkpoints"
_DATA = "data.json"
STATE = "trainer_state.json"
_WEIGHTS = "adapter_model.safetensors"


def is_main() -> bool:
    """Whether this is the process that writes and speaks; there are several under `accelerate launch`."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def opened_training(out: Path, config: TrainConfig) -> Iterator[None]:
    """The folder, locked against a second writer, holding these settings; CocoonError where it holds others."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = os.open(out / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise CocoonError(f"{out}: cannot hold a training ({error.strerror}); use another --out") from None
    try:
        _take(lock, out)
        _agree(out, config)
        yield
    finally:
        os.close(lock)


def _take(lock: int, out: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise CocoonError(f"{out}: another process is training here; wait for it or use another --out") from None


def _agree(out: Path, config: TrainConfig) -> None:
    file = out / "config.yaml"
    if file.is_file():
        stored = parse_record(yaml.safe_load(file.read_text("utf-8")), TrainConfig, str(file))
        before, now = stored.model_dump(mode="json"), config.model_dump(mode="json")
        differing = [key for key in before if before[key] != now[key]]
        if differing:
            raise CocoonError(
                f"{out}: was begun with other settings ({', '.join(differing)}; see config.yaml); "
                "give the same command to resume, or use another --out"
            )
    write_whole(file, [to_yaml(config).encode()])


def agree_on_data(out: Path, hashes: Mapping[str, str]) -> None:
    """Store what is trained on, by name; CocoonError where something of that name was another before.

    Settings name files, and a file may have changed between two sessions of one training.
    """
    file = out / _DATA
    stored: dict[str, str] = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    changed = [name for name, found in hashes.items() if stored.get(name, found) != found]
    if changed:
        raise CocoonError(
            f"{out}: {', '.join(changed)} changed since this training began; put the former back, or use another --out"
        )
    write_whole(file, [json.dumps(stored | dict(hashes), ensure_ascii=False, indent=1).encode()])


def hashes_of(files: Sequence[Path]) -> dict[str, str]:
    """SHA-256 of those files that are there; for the others their reader has words."""
    found = {}
    for file in files:
        if file.is_file():
            with file.open("rb") as handle:
                found[str(file)] = hashlib.file_digest(handle, "sha256").hexdigest()
    return found


def last_checkpoint(out: Path) -> Path | None:
    """The newest whole checkpoint, none where there is none; halves that a killed process left are removed.

    A checkpoint is whole when its state, which is written last, can be read and its adapter can be opened.
    """
    found = [(step, path) for path in (out / CHECKPOINTS).glob("checkpoint-*") if (step := _step(path)) is not None]
    whole: Path | None = None
    for _, path in sorted(found):
        if is_whole(path):
            whole = path
        elif is_main():
            shutil.rmtree(path, ignore_errors=True)
    return whole


def find_best(checkpoint: Path) -> None:
    """Have the state of a checkpoint name its best one where it is now: the folder may have been moved since.

    Where the best one is gone or torn, the state names none, and the best is looked for among those to come.
    """
    file = checkpoint / STATE
    state = json.loads(file.read_text("utf-8"))
    named = state.get("best_model_checkpoint")
    if named is None:
        return
    best = checkpoint.resolve().parent / Path(named).name
    if is_whole(best):
        state["best_model_checkpoint"] = str(best)
    else:
        state |= dict.fromkeys(("best_model_checkpoint", "best_metric", "best_global_step"))
    write_whole(file, [json.dumps(state, indent=2).encode()])


def _step(path: Path) -> int | None:
    number = path.name.removeprefix("checkpoint-")
    return int(number) if number.isdecimal() else None


def is_whole(checkpoint: Path) -> bool:
    """Whether nothing of a checkpoint is missing or torn."""
    from safetensors import SafetensorError, safe_open

    try:
        json.loads((checkpoint / STATE).read_text("utf-8"))
        with safe_open(checkpoint / _WEIGHTS, framework="pt") as tensors:
            return bool(list(tensors.keys()))
    except (OSError, ValueError, SafetensorError):
        return False
