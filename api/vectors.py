"""Directions in the forms of other programs: control vectors of llama.cpp and repeng, and folded checkpoints."""

from pathlib import Path
from typing import Literal

from cocoon.core.errors import CocoonError
from cocoon.core.records import Record
from cocoon.core.settings import read_settings
from cocoon.models.by_name import open_local
from cocoon.running.local_parts import local_parts, opened_weights
from cocoon.steering.control.control import Control
from cocoon.steering.control.fold import save_folded
from cocoon.steering.directions.control_vector import load_control_vector, save_control_vector
from cocoon.steering.directions.direction import At, Direction


class ImportConfig(Record):
    """What a control vector was read from (`kind`), and where it is to be added (`at`)."""

    kind: Literal["reply", "instruction"] = "reply"
    at: At = "every"


def export_vector(direction: str | Path, *, out: str | Path, model_type: str = "llama") -> tuple[int, ...]:
    """Write a direction as a GGUF control vector for llama.cpp and repeng, and return its layers.

    Its scale is the coefficient. `model_type` is a hint for readers.
    """
    return save_control_vector(Direction.load(Path(direction)), Path(out), model_type)


def import_vector(
    file: str | Path, *, model: str, out: str | Path, kind: str = "reply", at: str = "every"
) -> Direction:
    """Read a GGUF control vector, save it as a direction to the file `out`, and return it.

    The residual norms that such a file lacks are measured on `model`. Calibrate the direction before use.
    """
    config = read_settings(ImportConfig, {"kind": kind, "at": at})
    with opened_weights(model) as weights:
        return load_control_vector(Path(file), weights, config.kind, config.at).save(Path(out))


def fold(model: str, *, out: str | Path) -> Path:
    """Write a checkpoint with a direction in its biases, for servers that know no steering, and return its folder.

    `model` is `local:BASE+steer=PATH:COEF+tokens=both+at=every`, where the base is a Llama.
    """
    kind, _, rest = model.partition(":")
    if kind != "local":
        raise CocoonError("only a local model can be folded: local:BASE+steer=PATH:COEF+tokens=both+at=every")
    chat = open_local(rest, local_parts(), {})
    if not isinstance(chat.control, Control):
        raise CocoonError("the model names no direction; add +steer=PATH:COEF+tokens=both+at=every")
    return save_folded(chat.weights.network, chat.weights.tokenizer, chat.control, chat.coefficient, Path(out))
