"""The run folder of a training: settings agreed, one writer, checkpoints that are whole."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from cocoon.core.config import to_yaml
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import parse_record, write_whole
from cocoon.core.train_config import TrainConfig

CHECKPOINTS = "checkpoints"
_STATE = "trainer_state.json"
_WEIGHTS = "adapter_model.safetensors"


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


def last_checkpoint(out: Path) -> Path | None:
    """The newest whole checkpoint, none where there is none; halves that a killed process left are removed.

    A checkpoint is whole when its state, which is written last, can be read and its adapter can be opened.
    """
    found = [(step, path) for path in (out / CHECKPOINTS).glob("checkpoint-*") if (step := _step(path)) is not None]
    whole: Path | None = None
    for _, path in sorted(found):
        if is_whole(path):
            whole = path
        else:
            shutil.rmtree(path)
    return whole


def _step(path: Path) -> int | None:
    number = path.name.removeprefix("checkpoint-")
    return int(number) if number.isdecimal() else None


def is_whole(checkpoint: Path) -> bool:
    """Whether nothing of a checkpoint is missing or torn."""
    from safetensors import SafetensorError, safe_open

    try:
        json.loads((checkpoint / _STATE).read_text("utf-8"))
        with safe_open(checkpoint / _WEIGHTS, framework="pt") as tensors:
            return bool(list(tensors.keys()))
    except (OSError, ValueError, SafetensorError):
        return False
